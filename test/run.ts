/**
 * What `make test` runs, in order of how fast it can fail: types, style, generated files, unit tests, then the tests
 * against the real broker and registry, then the same in containers. Ends with one plain line that counts everything.
 * `--fast` leaves the broker and the containers out.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Outcome } from './outcome-reporter.ts'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const RESULTS = new URL('../.wardline/test-results/', import.meta.url)

interface Count {
  passed: number
  /** What failed, a line each. */
  failed: string[]
  skipped: number
}

function exitCode(command: string, ...args: string[]): number | null {
  return spawnSync(command, args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] }).status
}

/** Exit code of a check that could not be made here and says why. */
const NOT_LOOKED = 3

/** A command that counts as one test. */
function checked(name: string, command: string, ...args: string[]): Count {
  console.log(`\n=== ${name}`)
  const status = exitCode(command, ...args)
  return {
    passed: status === 0 ? 1 : 0,
    failed: status === 0 || status === NOT_LOOKED ? [] : [name],
    skipped: status === NOT_LOOKED ? 1 : 0,
  }
}

/** A vitest project; a run that breaks before it reports counts as one failure. */
function tested(project: string): Count {
  console.log(`\n=== ${project} tests`)
  const file = fileURLToPath(new URL(`${project}.json`, RESULTS))
  rmSync(file, { force: true })
  process.env.WARDLINE_TEST_OUTCOME = file
  const status = exitCode(
    'npx',
    'vitest',
    'run',
    '--project',
    project,
    '--reporter=default',
    '--reporter=./test/outcome-reporter.ts',
  )
  try {
    const { passed, skipped, failures } = JSON.parse(readFileSync(file, 'utf8')) as Outcome
    const failed = failures.map((line) => `${project}: ${line}`)
    return {
      passed,
      failed: failed.length === 0 && status !== 0 ? [`${project}: ended with ${status}`] : failed,
      skipped,
    }
  } catch {
    return { passed: 0, failed: [`${project}: broke before it reported`], skipped: 0 }
  }
}

const counts = [
  checked('types (tsc)', 'npx', 'tsc', '--noEmit'),
  checked('types of what browsers run (tsc)', 'npx', 'tsc', '--noEmit', '-p', 'packages/console/browser'),
  checked('style (biome)', 'npx', 'biome', 'check', '--error-on-warnings', '.'),
  checked('dependency audit', 'node', 'test/supply-chain/audit.ts'),
  tested('unit'),
]
if (!process.argv.includes('--fast')) {
  counts.push(tested('integration'))
  counts.push(checked('images and tools', 'node', 'test/containers/prepare.ts'), tested('containers'))
  counts.push(
    checked('bench-smoke', 'node', '--disable-warning=TimeoutNegativeWarning', 'bench/smoke/run.ts'),
  )
}

const sum = (of: (count: Count) => number) => counts.reduce((total, count) => total + of(count), 0)
const failures = counts.flatMap((count) => count.failed)
const skipped = sum((c) => c.skipped)
// Beside the count: who sees only the end of a long log has to know what to look at.
if (failures.length > 0) console.log(`\nfailed:\n${failures.map((line) => `  ${line}`).join('\n')}`)
console.log(
  `\n${sum((c) => c.passed)} passed, ${failures.length} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`,
)
process.exitCode = failures.length === 0 ? 0 : 1
