import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { publishProfiles } from '@wardline/cli/sample'
import { publishedRecords, publishPolicy, usablePolicy, withdrawPolicy } from '@wardline/control'
import { type EnforcementDecision, type PolicyControl, RecordEncoder } from '@wardline/events'
import {
  controlRecord,
  type PolicyFiles,
  policyFolder,
  policyVersion,
  readPolicyFiles,
  ruleSetKey,
} from '@wardline/policy'
import { type FedMessage, FeedPublisher } from '@wardline/records'
import { createSampleFeed, recordKey, restamp, type SampleFeed } from '@wardline/sample-feed'
import { TOPICS } from '@wardline/stream'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { TestChain } from './chain.ts'
import { DecisionReader } from './decision-reader.ts'

/** A policy is published, refused, rolled back and withdrawn while events run through the chain. */
const PARTITIONS = 3
const RATE = 100
const WITHIN = { timeout: 30_000, interval: 50 }

let chain: TestChain
let publisher: FeedPublisher
let feed: SampleFeed
let reader: DecisionReader
let load: Promise<void>
let ended = false
const decisions: EnforcementDecision[] = []

const SHIPPED = readPolicyFiles(policyFolder({}))
const changed = (file: string, change: (text: string) => string): PolicyFiles =>
  new Map(SHIPPED).set(file, change(SHIPPED.get(file)!))
/** Every rule is in shadow: what would act is counted, nothing acts. */
const SHADOW: PolicyFiles = new Map(
  [...SHIPPED].map(([path, text]) => [path, text.replaceAll('mode: live', 'mode: shadow')]),
)
const STRICT = changed('thresholds.yaml', (text) => text.replace('default: 0.5', 'default: 0.9'))
const versionOf = (files: PolicyFiles) => policyVersion(files)

beforeAll(async () => {
  chain = await TestChain.start(PARTITIONS)
  await chain.startAll()
  publisher = new FeedPublisher(chain.connection)
  await publisher.connect()
  feed = createSampleFeed({ seed: 11, startAt: Date.now(), accounts: 300 })
  await publishProfiles(publisher, feed.profiles())
  reader = new DecisionReader(chain.connection, (decision) => void decisions.push(decision))
  reader.start(PARTITIONS)
  load = runLoad()
})
afterAll(async () => {
  ended = true
  await load
  await reader?.stop()
  await publisher?.close()
  await chain?.stop()
})

async function runLoad(): Promise<void> {
  const tick = 50
  for (const items = feed.events(1_000_000)[Symbol.iterator](); !ended; await delay(tick)) {
    const batch: FedMessage[] = []
    for (let i = 0; i < (RATE * tick) / 1_000; i++) {
      const event = restamp(items.next().value!.event, Date.now())
      batch.push({
        key: recordKey(event),
        value: await publisher.encode(TOPICS.feedEvents, 'FeedEvent', event),
      })
    }
    await publisher.send(TOPICS.feedEvents, batch)
  }
}

const publish = (files: PolicyFiles) =>
  publishPolicy(chain.connection, files, { name: 'default', issuedBy: 'test', now: Date.now() })

/** Decisions by both versions, of those that came since the last call. */
let looked = 0
function versionsSince(): Set<string> {
  const fresh = decisions.slice(looked)
  looked = decisions.length
  return new Set(
    fresh.map(({ policyVersion, enforcementVersion }) => `${policyVersion} ${enforcementVersion}`),
  )
}

/** Waits until decisions come of this version alone, from classify and enforce both. */
async function untilAllAre(version: string): Promise<void> {
  versionsSince()
  await expect
    .poll(
      () => {
        const versions = versionsSince()
        return versions.size === 1 ? [...versions][0] : null
      },
      { timeout: 30_000, interval: 400 },
    )
    .toBe(`${version} ${version}`)
}

async function publishRecord(change: (record: PolicyControl) => PolicyControl): Promise<void> {
  const id = await chain.connection.registry.idOf(TOPICS.control, 'PolicyControl')
  const issued = { name: 'default', issuedBy: 'test', issuedAt: Date.now() }
  const record = change(
    controlRecord(
      changed('thresholds.yaml', (t) => t.replace('0.5', '0.1')),
      issued,
    ),
  )
  const producer = chain.connection.kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  const value = new RecordEncoder('PolicyControl', id).encode(record)
  await producer.send({ topic: TOPICS.control, messages: [{ key: ruleSetKey('default'), value }] })
  await producer.disconnect()
}

const pids = () => [...chain.services.values()].map(({ child }) => child.pid)

it('changes over under load, refuses what is corrupt, rolls back, gives late starters the same, and withdraws', async () => {
  const before = pids()
  await untilAllAre(versionOf(SHIPPED))

  await publish(STRICT)
  const published = performance.now()
  await untilAllAre(versionOf(STRICT))
  expect(performance.now() - published).toBeLessThan(10_000)
  for (const stage of ['classify', 'enforce'] as const) {
    expect(await chain.metric(stage, 'wardline_policy_info', versionOf(STRICT))).toBe(1)
    expect(await chain.metric(stage, 'wardline_policy_info')).toBe(1)
  }

  await publishRecord((record) => ({ ...record, payload: Buffer.from('corrupt') }))
  await publishRecord((record) => ({ ...record, version: 'another' }))
  for (const stage of ['classify', 'enforce'] as const)
    await expect.poll(() => chain.metric(stage, 'wardline_policy_refused_total', 'hash'), WITHIN).toBe(2)
  await untilAllAre(versionOf(STRICT))

  // A stage that starts now takes the one in force before its first event, past the two that are corrupt.
  const from = decisions.length
  await chain.services.get('classify')!.child.stop()
  await chain.launch('classify').ready()
  expect(await chain.metric('classify', 'wardline_policy_info', versionOf(STRICT))).toBe(1)
  await untilAllAre(versionOf(STRICT))
  expect(new Set(decisions.slice(from).map((d) => d.policyVersion))).toEqual(new Set([versionOf(STRICT)]))

  await publish(SHIPPED)
  await untilAllAre(versionOf(SHIPPED))

  await publish(STRICT)
  await untilAllAre(versionOf(STRICT))
  await withdrawPolicy(chain.connection, 'default')
  await untilAllAre(versionOf(SHIPPED))

  const states = (await publishedRecords(chain.connection)).map(({ record, refusal }) =>
    refusal === null ? (record?.version ?? null) : 'refused',
  )
  expect(states).toEqual([
    versionOf(STRICT),
    'refused',
    'refused',
    versionOf(SHIPPED),
    versionOf(STRICT),
    null,
  ])
  expect(pids().filter((pid) => !before.includes(pid))).toHaveLength(1)
})

it('a shadow rule is counted and published from end to end, and never acts', async () => {
  usablePolicy(SHADOW, 'the test')
  const acted = await chain.metric('enforce', 'wardline_decisions_total', 'mode="live"')
  expect(acted).toBeGreaterThan(0)
  // Before it is published: the first decisions in shadow come before the last stage is known to have changed over.
  const shadowBefore = await chain.metric('enforce', 'wardline_decisions_total', 'mode="shadow"')
  await publish(SHADOW)
  await untilAllAre(versionOf(SHADOW))
  const ofShadow = () =>
    decisions.filter((d) => d.policyVersion === versionOf(SHADOW) && d.shadowRuleIds.length > 0)
  // Of those in shadow comment-risk holds some by what it finds itself: more than ten have to come that nothing else finds.
  const allowed = () => ofShadow().filter(({ verdict }) => verdict === 'ALLOW')
  await expect.poll(() => allowed().length, { timeout: 60_000, interval: 200 }).toBeGreaterThan(10)
  expect(ofShadow().length).toBeGreaterThan(10)
  // What is found by rules is in shadow; what comment-risk and enforce find by themselves is no rule's.
  for (const decision of ofShadow()) {
    expect(decision.ruleIds.filter((id) => decision.shadowRuleIds.includes(id))).toEqual([])
    if (decision.ruleIds.length === 0) expect(decision).toMatchObject({ verdict: 'ALLOW', statement: null })
  }
  expect(allowed().length).toBeGreaterThan(10)
  expect(await chain.metric('enforce', 'wardline_decisions_total', 'mode="shadow"')).toBeGreaterThan(
    shadowBefore,
  )
})

it('the command line publishes, lists, backtests and withdraws', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'wardline-policy-'))
  cpSync(policyFolder({}), folder, { recursive: true })
  const edit = (file: string, change: (text: string) => string) =>
    writeFileSync(join(folder, file), change(readFileSync(join(folder, file), 'utf8')))
  const wardline = (...args: string[]) => {
    const { brokers, registryUrl } = chain.stack
    const env = { ...process.env, WARDLINE_BROKERS: brokers.join(','), WARDLINE_REGISTRY_URL: registryUrl }
    const main = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, 'policy', ...args], {
      env,
      encoding: 'utf8',
    })
    return { status, stdout, stderr }
  }
  try {
    edit('rules/gambling.yaml', (text) => text.replace('mode: live', 'mode: sometimes'))
    const bad = wardline('publish', '--folder', folder)
    expect(bad).toMatchObject({ status: 1, stdout: '' })
    expect(bad.stderr).toMatch(/^rules\/gambling\.yaml:8: mode: /m)

    edit('rules/gambling.yaml', (text) => text.replace('mode: sometimes', 'mode: live\n  threshold: 0.6'))
    const version = versionOf(readPolicyFiles(folder))
    const tried = wardline('publish', '--folder', folder, '--dry-run')
    expect(tried.stdout).toContain(`${version}  would be published as default`)
    const published = wardline('publish', '--folder', folder, '--by', 'an editor')
    expect(published.status).toBe(0)
    expect(published.stdout).toContain('~ rule gambling.terms: threshold 0.5 → 0.6')
    await untilAllAre(version)
    expect(wardline('publish', '--folder', folder).stdout).toContain(
      `${version} is published as default already`,
    )

    const listed = wardline('list', '--json')
      .stdout.trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(listed[0]).toMatchObject({ name: 'default', version, state: 'in force', issuedBy: 'an editor' })
    expect(listed.filter(({ state }) => state === 'in force')).toHaveLength(1)
    expect(listed.map(({ state }) => state)).toContain('refused')

    const report = JSON.parse(wardline('backtest', '--from-topic', '--events', '500').stdout)
    expect(report).toMatchObject({ before: version, after: versionOf(SHIPPED) })
    expect(report.events).toBeGreaterThan(300)
    expect(report.events).toBeLessThanOrEqual(500)

    // The way back, by its version.
    expect(wardline('publish', '--version', versionOf(SHADOW)).status).toBe(0)
    await untilAllAre(versionOf(SHADOW))
    const shadowed = JSON.parse(wardline('backtest', '--from-topic').stdout)
    expect(shadowed.nowPassing).toBeGreaterThan(0)
    expect(shadowed.rules.some(({ modes }: { modes: string[] }) => modes.join() === 'shadow,live')).toBe(true)
    expect(shadowed.examples[0].place).toMatch(/^events\.normalized\/\d+\/\d+$/)

    expect(wardline('withdraw').status).toBe(0)
    await untilAllAre(versionOf(SHIPPED))
    expect(wardline('withdraw')).toMatchObject({ status: 1 })
  } finally {
    rmSync(folder, { recursive: true })
  }
})

it('the books balance all the same', async () => {
  ended = true
  await load
  const report = await chain.settled()
  expect(report).toMatchObject({ missing: [], doubled: [] })
  // How many there were depends on the machine; that there was load all the while does not.
  expect(report.eventsIn).toBeGreaterThan(300)
})
