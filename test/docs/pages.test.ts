import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { readAcls } from '@wardline/access'
import { TOPIC_USES } from '@wardline/cli/contract'
import { createRecordInput, type RecordName, readSchema } from '@wardline/events'
import { InvalidSettings, readSettings, TOPIC_SPECS } from '@wardline/stream'
import { describe, expect, it } from 'vitest'
import { DIAGRAM, drawChain } from '../../docs/chain.ts'
import { allCommands, documentedCommands, PAGES, pageText, ROOT } from './commands.ts'
import { TREATMENTS } from './treatments.ts'

describe('documentedCommands', () => {
  it('takes blocks of commands line by line, prompts elsewhere, and names in running text', () => {
    const page = [
      'Run `make demo` or `wardline audit --json`, not `feed.events`.',
      '```sh',
      'make up   # starts it',
      '# a comment',
      '',
      'echo \'{"a": "#1"}\' | bin/wardline classify --jsonl',
      '```',
      '   ```sh',
      '   make down',
      '   ```',
      '```',
      '$ bin/wardline policy list',
      'make of an output',
      '```',
      '```yaml',
      'a: 1',
      '```',
    ].join('\n')
    expect(
      documentedCommands('p', page).map(({ line, command, inBlock }) => [line, command, inBlock]),
    ).toEqual([
      [1, 'make demo', false],
      [1, 'wardline audit --json', false],
      [3, 'make up', true],
      [6, 'echo \'{"a": "#1"}\' | bin/wardline classify --jsonl', true],
      [9, 'make down', true],
      [12, 'bin/wardline policy list', true],
    ])
  })
})

describe('commands in the pages', () => {
  const commands = allCommands()
  const known = new Set(TREATMENTS.map(({ command }) => command))

  it('are all run, or say why not', () => {
    const unknown = commands.filter(
      // The story is what a run of its own printed, ids and all (`make story`).
      ({ page, command, inBlock }) => inBlock && page !== 'docs/story.md' && !known.has(command),
    )
    expect(unknown.map(({ page, line, command }) => `${page}:${line}: ${command}`)).toEqual([])
  })

  it('are all still in a page', () => {
    const inBlocks = new Set(commands.filter(({ inBlock }) => inBlock).map(({ command }) => command))
    expect([...known].filter((command) => !inBlocks.has(command))).toEqual([])
  })

  it('name targets that the Makefile has', () => {
    const makefile = readFileSync(join(ROOT, 'Makefile'), 'utf8')
    const targets = new Set([...makefile.matchAll(/^([a-z-]+):/gm)].map(([, target]) => target!))
    const named = commands.flatMap(({ page, line, command }) => {
      const target = /^make ([a-z-]+)/.exec(command)?.[1]
      return target && !targets.has(target) ? [`${page}:${line}: ${command}`] : []
    })
    expect(named).toEqual([])
  })

  it('name files that exist, where they are not run', () => {
    const paths = TREATMENTS.filter(({ runs }) => runs === 'not').flatMap(({ command }) =>
      (command.match(/\b(?:services|kits)\/[\w./-]+\.(?:ts|py|xml|txt)\b/g) ?? []).filter(
        (path) => !existsSync(join(ROOT, path)),
      ),
    )
    expect(paths).toEqual([])
  })
})

it.each(PAGES)('%s links to files that exist', (page) => {
  const broken = [...pageText(page).matchAll(/\]\(([^)#\s]+)(#[^)]*)?\)/g)]
    .map(([, target]) => target!)
    .filter((target) => !/^[a-z]+:/.test(target) && !existsSync(join(ROOT, dirname(page), target)))
  expect(broken).toEqual([])
})

describe('docs/contract.md', () => {
  const text = pageText('docs/contract.md')
  /** The part of the page about a topic. */
  const part = (topic: string) => text.split(`\n## \`${topic}\`\n`)[1]?.split('\n## ')[0] ?? ''
  const exampleOf = (topic: string) =>
    JSON.parse(/```json\n([\s\S]*?)\n```/.exec(part(topic))?.[1] ?? 'null') as Record<string, unknown> | null
  const withSchema = TOPIC_SPECS.flatMap(({ topic, record }) =>
    record === null ? [] : [[topic, record] as [string, RecordName]],
  )

  it.each(withSchema)('has an example of %s that is a %s of today', (topic, record) => {
    const example = exampleOf(topic)
    const { fields } = readSchema(record) as unknown as { fields: { name: string }[] }
    expect(Object.keys(example ?? {}), 'run: make contract').toEqual(fields.map(({ name }) => name))
    // Bytes are shown as JSON shows a buffer.
    const readable = { ...example, ...(topic === 'policy.control' ? { payload: null } : {}) }
    expect(createRecordInput(record)(readable)).toMatchObject({ ok: true })
  })

  it.each(withSchema)('says which key %s has', (topic) => {
    const field = /^\w+Id/.exec(TOPIC_USES[topic as keyof typeof TOPIC_USES].key)?.[0]
    const key = /^Key `(.*)`:$/m.exec(part(topic))?.[1]
    if (field === undefined) return expect(key).toBe('section/game-zone')
    expect(key).toBe(exampleOf(topic)?.[field])
  })

  it('has every topic with its retention', () => {
    for (const { topic, config } of TOPIC_SPECS.filter(({ record }) => record !== null)) {
      const days = config['retention.ms'] && `${Number(config['retention.ms']) / 86_400_000} days`
      expect(part(topic)).toContain(days ?? 'compacted')
    }
  })
})

describe('docs/settings.md', () => {
  const rows = pageText('docs/settings.md')
    .split('\n')
    .filter((line) => line.startsWith('| `WARDLINE_'))
    .map((line) => line.split('|').map((cell) => cell.trim()))
  const documented = new Set(rows.flatMap(([, names]) => names!.match(/WARDLINE_[A-Z_]+/g) ?? []))
  const needed = { WARDLINE_BROKERS: 'b:1', WARDLINE_REGISTRY_URL: 'http://r' }

  it('has every variable that the services read', () => {
    const source = ['packages/stream/settings.ts', 'packages/policy/folder.ts', 'services/classify/main.ts']
      .map((file) => readFileSync(join(ROOT, file), 'utf8'))
      .join('\n')
    const read = new Set(source.match(/WARDLINE_[A-Z]+(?:_[A-Z]+)*/g))
    read.add('WARDLINE_MODEL')
    expect([...read].filter((name) => !documented.has(name))).toEqual([])
    expect([...documented].filter((name) => !read.has(name))).toEqual([])
  })

  it.each([
    ['WARDLINE_SESSION_TIMEOUT_MS', 'sessionTimeoutMs'],
    ['WARDLINE_HEARTBEAT_INTERVAL_MS', 'heartbeatIntervalMs'],
    ['WARDLINE_REBALANCE_TIMEOUT_MS', 'rebalanceTimeoutMs'],
    ['WARDLINE_TRANSACTION_TIMEOUT_MS', 'transactionTimeoutMs'],
    ['WARDLINE_FETCH_MAX_WAIT_MS', 'fetchMaxWaitMs'],
    ['WARDLINE_TRANSACTION_INTERVAL_MS', 'transactionIntervalMs'],
    ['WARDLINE_MAX_TRANSACTION_RECORDS', 'maxTransactionRecords'],
    ['WARDLINE_SHUTDOWN_TIMEOUT_MS', 'shutdownTimeoutMs'],
  ] as const)('has the default of %s, and so has docs/tuning.md where it names it', (name, setting) => {
    const value = String(readSettings(needed)[setting])
    expect(rows.find(([, names]) => names === `\`${name}\``)?.[2]).toBe(value)
    const tuning = pageText('docs/tuning.md')
      .split('\n')
      .find((line) => line.startsWith(`| \`${name}\``))
    if (tuning) expect(tuning.split('|')[2]?.trim()).toBe(value)
  })

  it('has examples that the services take', () => {
    const given = allCommands()
      .filter(({ page, command }) => page === 'docs/settings.md' && command.startsWith('export '))
      .map(({ command }) => /^export (\w+)=(.*)$/.exec(command)!.slice(1) as [string, string])
    expect(Object.keys(Object.fromEntries(given))).toEqual(Object.keys(needed))
    expect(() => readSettings(Object.fromEntries(given))).not.toThrow(InvalidSettings)
  })
})

it('docs/chain.svg is what docs/chain.ts draws of the access rules', () => {
  expect(readFileSync(DIAGRAM, 'utf8'), 'run: make diagram').toBe(drawChain(readAcls()))
})
