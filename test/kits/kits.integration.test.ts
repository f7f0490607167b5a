/** What producers and enforcement systems are given, each against the running chain: TypeScript, Java, Python. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import {
  type ClientSettings,
  DecisionSubscriber,
  type FeedEventInput,
  FeedProducer,
  type Reversal,
} from '@wardline/client'
import { buildPackage, PACKAGE_FOLDER } from '@wardline/client/build'
import type { EnforcementDecision, RecordName, RecordTypes } from '@wardline/events'
import { readRecords } from '@wardline/records'
import { giveVerdict } from '@wardline/review'
import { PartitionReader, TOPICS } from '@wardline/stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TestChain } from '../chain/chain.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const WORK = join(ROOT, '.wardline/kits')
let chain: TestChain
let settings: ClientSettings
let environment: NodeJS.ProcessEnv

beforeAll(async () => {
  chain = await TestChain.start()
  await chain.startAll()
  settings = {
    brokers: chain.stack.brokers,
    registry: { url: chain.stack.registryUrl },
    clientId: 'wardline-kit-test',
  }
  environment = {
    ...process.env,
    WARDLINE_BROKERS: chain.stack.brokers.join(','),
    WARDLINE_REGISTRY_URL: chain.stack.registryUrl,
    WARDLINE_SCHEMAS: join(ROOT, 'schemas'),
  }
  mkdirSync(WORK, { recursive: true })
})
afterAll(async () => {
  await chain?.stop()
})

const event = (change: Partial<FeedEventInput> = {}): FeedEventInput => ({
  eventId: crypto.randomUUID(),
  kind: 'COMMENT',
  occurredAt: Date.now(),
  actorId: 'kit-actor',
  text: '今天的作业写完了吗？',
  ...change,
})
async function readAll<Name extends RecordName>(
  topic: string,
  record: Name,
): Promise<{ key: string; value: RecordTypes[Name] | null }[]> {
  const reader = new PartitionReader(chain.connection.kafka)
  const all: { key: string; value: RecordTypes[Name] | null }[] = []
  for await (const each of readRecords(chain.connection, reader, topic, record)) all.push(each)
  await reader.close()
  return all
}
const untilDecided = (...ids: string[]) =>
  expect
    .poll(
      async () => {
        const seen = await readAll(TOPICS.decisions, 'EnforcementDecision')
        return ids.filter((id) => !seen.some(({ value }) => value?.eventId === id))
      },
      { timeout: 60_000, interval: 300 },
    )
    .toEqual([])
/** Output of a program that ends by itself. */
function run(command: string, args: string[], options: object = {}): string {
  const { status, stdout, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    env: environment,
    timeout: 150_000,
    ...options,
  })
  expect(status, `${command} ${args.join(' ')}\n${stdout}\n${stderr}`).toBe(0)
  return stdout
}
const missing = (command: string, ...args: string[]) => spawnSync(command, args).status !== 0

describe('@wardline/client', () => {
  const subscribed: (EnforcementDecision & { attempts: number })[] = []
  const reversals: Reversal[] = []
  const subscribe = (groupId: string, seen: string[], failFirst = false) => {
    const attempts = new Map<string, number>()
    return DecisionSubscriber.start(
      settings,
      { groupId, fromBeginning: true },
      {
        decision(decision) {
          const count = (attempts.get(decision.decisionId) ?? 0) + 1
          attempts.set(decision.decisionId, count)
          if (failFirst && count === 1) throw new Error('the database is out')
          seen.push(decision.decisionId)
          subscribed.push({ ...decision, attempts: count })
        },
        followUp: () => {},
        reversal: (reversal) => void reversals.push(reversal),
        unreadable: (record) => {
          throw new Error(`unreadable: ${record.reason}`)
        },
      },
    )
  }

  it('publishes in bulk without waiting, each event answered once, and hears every decision once', async () => {
    const producer = await FeedProducer.connect(settings, { queueRecords: 500 })
    const ids: string[] = []
    let full = 0
    for (let i = 0; i < 2_000; i++) {
      const next = event({ actorId: `actor-${i % 50}` })
      let publication = producer.publish(next)
      if (publication.outcome === 'full') {
        full++
        await producer.room()
        publication = producer.publish(next)
      }
      expect(publication.outcome).toBe('queued')
      ids.push(next.eventId)
    }
    await producer.flush()
    expect(producer.queued).toBe(0)
    expect(full).toBeGreaterThan(0)
    await producer.close()

    const seen: string[] = []
    const subscriber = await subscribe('enforcement.test', seen)
    await expect.poll(() => seen.length, { timeout: 60_000 }).toBeGreaterThanOrEqual(ids.length)
    await subscriber.stop()
    expect(new Set(seen).size).toBe(seen.length)
    expect(new Set(subscribed.map(({ eventId }) => eventId))).toEqual(new Set(ids))
  })

  it('goes on where the group committed, and calls a handler that failed again', async () => {
    const producer = await FeedProducer.connect(settings)
    const later = event({ text: '时时彩计划群，稳赚不赔，加微信 wx8812345', actorId: 'kit-scammer' })
    producer.publish(later)
    const seen: string[] = []
    const subscriber = await subscribe('enforcement.test', seen, true)
    await expect.poll(() => seen.length, { timeout: 60_000 }).toBe(1)
    expect(subscribed.at(-1)).toMatchObject({ eventId: later.eventId, attempts: 2 })
    // A human takes it back; the same subscriber hears what to undo.
    const { decisionId } = subscribed.at(-1)!
    await giveVerdict(chain.connection, decisionId, 'OVERTURNED', {
      reviewerId: 'li',
      reason: 'no_violation',
    })
    await expect.poll(() => reversals.length, { timeout: 30_000 }).toBe(1)
    expect(reversals[0]).toMatchObject({ reverses: decisionId, verdict: 'ALLOW', eventId: later.eventId })
    await subscriber.stop()
    await producer.close()
  })

  it('refuses what would be dead-lettered, names the field and quotes no text', async () => {
    const producer = await FeedProducer.connect(settings)
    const reason = (change: object) => {
      const publication = producer.publish(event({ text: 'secret', ...change }))
      return publication.outcome === 'refused' ? publication.reason : publication.outcome
    }
    expect(reason({ actorId: '' })).toBe('actorId is empty')
    expect(reason({ kind: 'SHOUT' })).toMatch(/^kind: must be one of/)
    expect(reason({ kind: 'USAGE' })).toBe('a USAGE event without usage')
    expect(reason({ occurredAt: Date.now() + 3_600_000 })).toMatch(/10 minutes after/)
    expect(reason({ colour: 'red' })).toMatch(/no field colour/)
    expect(reason({ media: Array(10).fill({ mediaId: 'm' }) })).toMatch(/at most 9/)
    expect(reason({ text: 'x'.repeat(100_001) })).toMatch(/text has 100001; at most/)
    expect(producer.putProfile({ accountId: '', updatedAt: 0 })).toMatchObject({ outcome: 'refused' })
    expect(producer.eraseProfile('x'.repeat(200))).toMatchObject({ outcome: 'refused' })
    expect(producer.queued).toBe(0)
    await producer.close()
    expect(() => producer.publish(event())).toThrow(/closed/)
  })

  it('writes profiles, tombstones and reports under their keys', async () => {
    const producer = await FeedProducer.connect(settings)
    producer.putProfile({ accountId: 'kit-child', ageBand: 'AGE_8_TO_11', updatedAt: Date.now() })
    producer.eraseProfile('kit-gone')
    producer.report({
      reportId: 'r-1',
      reporterId: 'kit-child',
      reportedId: 'kit-scammer',
      category: 'fraud',
      reportedAt: Date.now(),
    })
    await producer.close()
    expect(await readAll(TOPICS.profiles, 'AccountProfile')).toEqual(
      expect.arrayContaining([
        {
          key: 'kit-child',
          value: expect.objectContaining({ ageBand: 'AGE_8_TO_11', restStartMinute: 1_320 }),
        },
        { key: 'kit-gone', value: null },
      ]),
    )
    expect(await readAll(TOPICS.reports, 'UserReport')).toEqual([
      { key: 'kit-scammer', value: expect.objectContaining({ reporterId: 'kit-child', category: 'fraud' }) },
    ])
  })

  it('keeps events while the broker is out and delivers all of them, in order', async () => {
    const producer = await FeedProducer.connect(settings)
    const ids: string[] = []
    const publish = () => {
      const next = event({ actorId: 'kit-patient' })
      ids.push(next.eventId)
      const publication = producer.publish(next)
      if (publication.outcome !== 'queued') throw new Error(publication.outcome)
      return publication.delivered
    }
    const deliveries = [publish()]
    await producer.flush()
    chain.stack.broker.signal('SIGKILL')
    await chain.stack.broker.exited
    for (let i = 0; i < 20; i++) deliveries.push(publish())
    await delay(3_000)
    expect(producer.queued).toBe(20)
    await chain.stack.restartBroker()
    expect(await Promise.all(deliveries)).toEqual(deliveries.map(() => ({ ok: true })))
    await producer.close()
    await untilDecided(...ids)
    const first = (await readAll(TOPICS.decisions, 'EnforcementDecision'))
      .filter(({ key }) => key === 'kit-patient')
      .map(({ value }) => value?.eventId)
    expect(first).toEqual(ids)
  })

  it('as it is published: with what it needs, its types, and its examples', async () => {
    await buildPackage()
    const packed = run('npm', ['pack', '--dry-run', '--json'], { cwd: PACKAGE_FOLDER })
    const [{ files }] = JSON.parse(packed) as [{ files: { path: string }[] }]
    const paths = files.map(({ path }) => path)
    expect(paths).toEqual(
      expect.arrayContaining([
        'dist/lib/index.js',
        'dist/types/index.d.ts',
        'schemas/FeedEvent.avsc',
        'README.md',
      ]),
    )
    expect(paths.filter((path) => path.endsWith('.ts') && !/\.d\.ts$|^examples/.test(path))).toEqual([])
    // A project of somebody else's, inside ours so that the packages outside are found.
    const project = join(WORK, 'project')
    const installed = join(project, 'node_modules/@wardline')
    mkdirSync(installed, { recursive: true })
    run('cp', ['-r', `${PACKAGE_FOLDER}/.`, join(installed, 'client')])
    writeFileSync(join(project, 'package.json'), '{ "type": "module" }')
    for (const example of ['publish-events.ts', 'act-on-decisions.ts'])
      run('cp', [join(ROOT, 'packages/client/examples', example), project])
    writeFileSync(
      join(project, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: {
          strict: true,
          exactOptionalPropertyTypes: true,
          noEmit: true,
          module: 'nodenext',
          target: 'es2024',
          types: ['node'],
          typeRoots: [join(ROOT, 'node_modules/@types')],
        },
      }),
    )
    run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', project])
    const published = run(process.execPath, ['publish-events.ts'], { cwd: project })
    const ids = published.trim().split(' ').slice(-2)
    await untilDecided(...ids)
    const acting: ChildProcess = spawn(process.execPath, ['act-on-decisions.ts'], {
      cwd: project,
      env: environment,
    })
    const exited = once(acting, 'exit')
    let output = ''
    acting.stdout!.setEncoding('utf8').on('data', (chunk: string) => (output += chunk))
    await expect.poll(() => ids.every((id) => output.includes(id)), { timeout: 60_000 }).toBe(true)
    acting.kill('SIGTERM')
    expect(await exited).toEqual([0, null])
    const lines = output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, string>)
    expect(lines.find(({ eventId }) => eventId === ids[0])).toMatchObject({ do: 'ALLOW' })
    expect(lines.find(({ eventId }) => eventId === ids[1])).toMatchObject({
      do: expect.not.stringMatching(/^ALLOW$/),
    })
    expect(lines.some(({ undo }) => undo !== undefined)).toBe(true)
  })
})

/** What both programs print: `type eventId verdict action category`, separated by tabs. */
const decisionLines = (output: string) =>
  output
    .trim()
    .split('\n')
    .map((line) => line.split('\t'))

async function checkKit(ids: readonly string[], read: (limit: number) => string): Promise<void> {
  expect(ids).toHaveLength(2)
  await untilDecided(...ids)
  const letters = await readAll(TOPICS.decisions, 'EnforcementDecision')
  const lines = decisionLines(read(letters.length))
  expect(lines).toHaveLength(letters.length)
  const byEvent = new Map(lines.filter(([type]) => type === 'DECISION').map((line) => [line[1], line]))
  expect(byEvent.get(ids[0])).toMatchObject(['DECISION', ids[0], 'ALLOW', 'NONE', 'benign'])
  expect(byEvent.get(ids[1])?.[4]).toBe('gambling')
  expect(byEvent.get(ids[1])?.[2]).not.toBe('ALLOW')
  expect(lines.some(([type]) => type === 'REVERSAL')).toBe(true)
}

const noJava = missing('javac', '-version') || missing('mvn', '--version')
if (noJava) console.log('skipped: the Java kit needs a JDK (javac) and mvn')
describe.skipIf(noJava)('kits/java', () => {
  const folder = join(WORK, 'java')
  it('publishes events and reads decisions', { timeout: 240_000 }, async () => {
    run('mvn', ['-B', '-q', `-Dbuild.folder=${folder}`, 'package'], { cwd: join(ROOT, 'kits/java') })
    const java = (main: string, ...args: string[]) =>
      run('java', ['-cp', `${folder}/classes:${folder}/jars/*`, `wardline.kit.${main}`, ...args])
    const ids = java('PublishEvents').trim().split('\n')
    await checkKit(ids, (limit) => java('ReadDecisions', String(limit)))
  })
})

const noPython = missing('python3', '-c', 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))')
if (noPython) console.log('skipped: the Python kit needs python3 (3.10 or later) with venv')
describe.skipIf(noPython)('kits/python', () => {
  const folder = join(WORK, 'python')
  it('publishes events and reads decisions', { timeout: 240_000 }, async () => {
    const kit = join(ROOT, 'kits/python')
    if (!existsSync(join(folder, 'bin/pip'))) run('python3', ['-m', 'venv', folder])
    run(join(folder, 'bin/pip'), [
      'install',
      '--quiet',
      '--require-hashes',
      '-r',
      join(kit, 'requirements.txt'),
    ])
    const python = (script: string, ...args: string[]) =>
      run(join(folder, 'bin/python'), ['-B', join(kit, script), ...args])
    const ids = python('publish_events.py').trim().split('\n')
    await checkKit(ids, (limit) => python('read_decisions.py', String(limit)))
  })
})
