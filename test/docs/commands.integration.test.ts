/** Runs the commands of the pages, in the order of treatments.ts, as a reader would. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from '@wardline/local'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { allCommands, ROOT } from './commands.ts'
import { TREATMENTS } from './treatments.ts'

const folder = mkdtempSync(join(tmpdir(), 'wardline-docs-'))
const linesFile = join(folder, 'events.jsonl')
const outputs = new Map<string, string>()
let environment: NodeJS.ProcessEnv

/** In a shell, from the root of the checkout, with a stack of the test's own. */
function shell(command: string): { status: number | null; output: string; stdout: string } {
  const { status, stdout, stderr } = spawnSync('bash', ['-c', command], {
    cwd: ROOT,
    env: environment,
    encoding: 'utf8',
    timeout: 170_000,
  })
  return { status, stdout, output: `${stdout}${stderr}` }
}

beforeAll(async () => {
  const line = (change: object) =>
    JSON.stringify({
      eventId: crypto.randomUUID(),
      kind: 'comment',
      occurredAt: Date.now(),
      actorId: 'a',
      ...change,
    })
  writeFileSync(
    linesFile,
    // The second is dead-lettered: watch time without a time.
    [line({ text: '今天的作业写完了吗？' }), line({ kind: 'usage' })].join('\n'),
  )
  // Two metrics ports in a row are not certain to be free; the first of a high range mostly is.
  const ports = await freePorts()
  const { WARDLINE_BROKERS: _, WARDLINE_REGISTRY_URL: __, ...own } = process.env
  environment = {
    ...own,
    WARDLINE_STACK_FOLDER: join(folder, 'stack'),
    WARDLINE_KAFKA_PORT: String(ports.kafka),
    WARDLINE_CONTROLLER_PORT: String(ports.controller),
    WARDLINE_REGISTRY_PORT: String(ports.registry),
    WARDLINE_METRICS_PORT: '45464',
  }
})
afterAll(() => {
  shell('bin/wardline down --wipe')
  rmSync(folder, { recursive: true, force: true })
})

describe('each command of the pages runs', () => {
  it.each(
    TREATMENTS.filter(({ runs }) => runs !== 'not').map(
      (treatment) => [treatment.command, treatment] as const,
    ),
  )('%s', (command, treatment) => {
    const run = treatment.runs === 'as' ? treatment.as({ outputs, linesFile }) : command
    const { status, output, stdout } = shell(run)
    expect(status, `${run}\n${output}`).toBe(0)
    expect(stdout).not.toBe('')
    outputs.set(command, stdout)
  })
})

it('each wardline command that a page names exists, with its options', () => {
  const problems: string[] = []
  const helps = new Map<string, string>()
  for (const { page, line, command } of allCommands()) {
    const words = /(?:^|\| )(?:bin\/)?wardline (.*)$/.exec(command)?.[1]?.split(/\s+/) ?? []
    const names = words.slice(
      0,
      words.findIndex((word) => !/^[a-z-]+$/.test(word) || word.startsWith('--')) >>> 0,
    )
    if (names.length === 0) continue
    const key = names.slice(0, 2).join(' ')
    if (!helps.has(key)) helps.set(key, shell(`bin/wardline ${key} --help`).stdout)
    const help = helps.get(key)!
    // Without a command of that name commander prints the help of the one above.
    const isThere =
      help.startsWith(`Usage: wardline ${key}`) || help.startsWith(`Usage: wardline ${names[0]} [`)
    const options = words.filter((word) => word.startsWith('--')).filter((option) => !help.includes(option))
    if (!isThere || options.length > 0) problems.push(`${page}:${line}: ${command} ${options.join(' ')}`)
  }
  expect(problems).toEqual([])
})
