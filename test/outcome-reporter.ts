import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, relative } from 'node:path'
import type { SerializedError } from 'vitest'
import type { Reporter, TestModule } from 'vitest/node'

/** What `make test` reads of a run. */
export interface Outcome {
  readonly passed: number
  readonly skipped: number
  /** What failed, a line each: tests, hooks and files outside of a test, errors that no test was there to catch. */
  readonly failures: readonly string[]
}

/** Writes an Outcome to the file that WARDLINE_TEST_OUTCOME names. vitest's own JSON leaves out errors outside of tests, which fail a run, too. */
export default class OutcomeReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    let passed = 0
    let skipped = 0
    const failures: string[] = []
    for (const module of modules) {
      const file = relative(process.cwd(), module.moduleId)
      const fail = (where: string, errors: readonly { readonly message: string }[] | undefined) =>
        failures.push(`${file}${where}: ${firstLine(errors?.[0]?.message)}`)
      for (const test of module.children.allTests()) {
        const { state, errors } = test.result()
        if (state === 'passed') passed++
        else if (state === 'failed') fail(` > ${test.fullName}`, errors)
        else skipped++
      }
      for (const suite of module.children.allSuites())
        if (suite.errors().length > 0) fail(` > ${suite.fullName}`, suite.errors())
      if (module.errors().length > 0) fail('', module.errors())
    }
    for (const { name, message, stack } of unhandled)
      failures.push(`outside of tests: ${name ?? 'error'}: ${firstLine(message)} ${placeOf(stack)}`)
    const file = process.env.WARDLINE_TEST_OUTCOME
    if (!file) throw new Error('WARDLINE_TEST_OUTCOME names no file')
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, JSON.stringify({ passed, skipped, failures } satisfies Outcome))
  }
}

function firstLine(text: string | undefined): string {
  return (text ?? '').split('\n', 1)[0]!
}

function placeOf(stack: string | undefined): string {
  return (
    stack
      ?.split('\n')
      .find((line) => line.trim().startsWith('at '))
      ?.trim() ?? ''
  )
}
