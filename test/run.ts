/**
 * What `make test` runs, in order of how fast it can fail: types, style, generated files, unit tests, then the tests
 * against the real broker and registry. Ends with one plain line that counts everything. `--fast` leaves the
 * broker out.
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

function run(command: string, ...args: string[]): boolean {
  return spawnSync(command, args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] }).status === 0
}

/** A command that counts as one test. */
function checked(name: string, command: string, ...args: string[]): Count {
  console.log(`\n=== ${name}`)
  const passed = run(command, ...args)
  return { passed: passed ? 1 : 0, failed: passed ? 0 : 1, skipped: 0 }
}

/** A vitest project; a run that breaks before it reports counts as one failure. */
function tested(project: string): Count {
  console.log(`\n=== ${project} tests`)
  const file = fileURLToPath(new URL(`${project}.json`, RESULTS))
  rmSync(file, { force: true })
  const passed = run(
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
      failed: failed === 0 && !passed ? 1 : failed,
      skipped: result.numPendingTests,
    }
  } catch {
    return { passed: 0, failed: 1, skipped: 0 }
  }
}

mkdirSync(RESULTS, { recursive: true })
const counts = [
  checked('types (tsc)', 'npx', 'tsc', '--noEmit'),
  checked('style (biome)', 'npx', 'biome', 'check', '--error-on-warnings', '.'),
  tested('unit'),
]
if (!process.argv.includes('--fast')) counts.push(tested('integration'))

const sum = (of: (count: Count) => number) => counts.reduce((total, count) => total + of(count), 0)
const failed = sum((c) => c.failed)
const skipped = sum((c) => c.skipped)
console.log(`\n${sum((c) => c.passed)} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
process.exitCode = failed === 0 ? 0 : 1
