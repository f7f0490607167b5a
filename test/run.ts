/**
 * What `make test` runs, in order of how fast it can fail: types, style, generated files, unit tests, then the tests
 * against the real broker and registry, then the same in containers. Ends with one plain line that counts everything.
 * `--fast` leaves the broker and the containers out.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const RESULTS = new URL('../.wardline/test-results/', import.meta.url)

interface Count {
  passed: number
  failed: number
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
    failed: status === 0 || status === NOT_LOOKED ? 0 : 1,
    skipped: status === NOT_LOOKED ? 1 : 0,
  }
}

/** A vitest project; a run that breaks before it reports counts as one failure. */
function tested(project: string): Count {
  console.log(`\n=== ${project} tests`)
  const file = fileURLToPath(new URL(`${project}.json`, RESULTS))
  rmSync(file, { force: true })
  const status = exitCode(
    'npx',
    'vitest',
    'run',
    '--project',
    project,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${file}`,
  )
  try {
    const result = JSON.parse(readFileSync(file, 'utf8')) as {
      numPassedTests: number
      numFailedTests: number
      numPendingTests: number
      numFailedTestSuites: number
    }
    const failed = result.numFailedTests
    return {
      passed: result.numPassedTests,
      failed: failed === 0 && status !== 0 ? 1 : failed,
      skipped: result.numPendingTests,
    }
  } catch {
    return { passed: 0, failed: 1, skipped: 0 }
  }
}

mkdirSync(RESULTS, { recursive: true })
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
const failed = sum((c) => c.failed)
const skipped = sum((c) => c.skipped)
console.log(`\n${sum((c) => c.passed)} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
process.exitCode = failed === 0 ? 0 : 1
