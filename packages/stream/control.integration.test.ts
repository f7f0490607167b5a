import { setTimeout as delay } from 'node:timers/promises'
import { type PolicyControl, RecordEncoder } from '@wardline/events'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { TestChain } from '../../test/chain/chain.ts'
import { StageMetrics } from './metrics.ts'
import { forward } from './results.ts'
import type { Stage } from './stage.ts'
import { StageRunner } from './stage-runner.ts'
import { TOPICS } from './topics.ts'

let chain: TestChain
let encoder: RecordEncoder<'PolicyControl'>
const runners: StageRunner<'NormalizedEvent', Record<never, never>>[] = []

beforeAll(async () => {
  chain = await TestChain.start(3)
  const { registry } = chain.connection
  encoder = new RecordEncoder('PolicyControl', await registry.idOf(TOPICS.control, 'PolicyControl'))
})
afterEach(async () => {
  await Promise.all(runners.splice(0).map((runner) => runner.stop()))
})
afterAll(() => chain?.stop())

const order = (name: string, version: string): PolicyControl => ({
  kind: 'SECTION_ORDER',
  name,
  version,
  payload: null,
  sha256: null,
  effectiveFrom: 0,
  effectiveUntil: null,
  issuedBy: 'test',
  issuedAt: 0,
})

async function publish(key: string, value: Buffer | null, partition?: number): Promise<void> {
  const producer = chain.connection.kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  const message = { key, value, ...(partition === undefined ? {} : { partition }) }
  await producer.send({ topic: TOPICS.control, acks: -1, messages: [message] })
  await producer.disconnect()
}

/** A stage that does nothing but hear control records; they are noted as `key=version`. */
function run(): { runner: StageRunner<'NormalizedEvent', Record<never, never>>; heard: string[] } {
  const heard: string[] = []
  const stage: Stage<'NormalizedEvent', Record<never, never>> = {
    name: 'normalize',
    inputs: [{ topic: TOPICS.feedEvents, record: 'FeedEvent', role: 'events', handle: () => forward() }],
    output: {
      topic: TOPICS.normalized,
      record: 'NormalizedEvent',
      key: (event) => event.protectedId,
      category: () => 'unclassified',
    },
    takeControl: (value, key) => void heard.push(`${key}=${value?.version ?? null}`),
    createState: () => ({}),
  }
  const runner = new StageRunner({
    stage,
    settings: { ...chain.connection.settings, sessionTimeoutMs: 3_000, heartbeatIntervalMs: 500 },
    metrics: new StageMetrics('normalize'),
    logger: pino({ level: 'silent' }),
    clock: Date.now,
  })
  runners.push(runner)
  return { runner, heard }
}

const readyWithin = (ms: number) => ({ timeout: ms, interval: 20 })

it('a stage hears what stands in policy.control before it is ready, then what comes, and outlives the broker', async () => {
  for (let partition = 0; partition < 3; partition++)
    await publish(`section/${partition}`, encoder.encode(order(`${partition}`, 'first')), partition)
  await publish('section/1', encoder.encode(order('1', 'second')), 1)
  await publish('section/2', null, 2)

  const { runner, heard } = run()
  runner.start()
  expect(runner.health().ready).toBe(false)
  const heardWhenReady = await new Promise<string[]>((resolve) => {
    const look = setInterval(() => {
      if (!runner.health().ready) return
      clearInterval(look)
      resolve([...heard])
    }, 5)
  })
  expect(heardWhenReady.sort()).toEqual(['section/0=first', 'section/1=second', 'section/2=null'])

  const published = performance.now()
  await publish('section/0', encoder.encode(order('0', 'third')), 0)
  await expect.poll(() => heard.at(-1), readyWithin(5_000)).toBe('section/0=third')
  expect(performance.now() - published).toBeLessThan(2_000)

  // Garbage changes nothing.
  await publish('section/0', Buffer.from('garbage'), 0)
  await publish('section/1', encoder.encode(order('1', 'after garbage')), 1)
  await expect.poll(() => heard.at(-1), readyWithin(5_000)).toBe('section/1=after garbage')
  expect(heard.filter((entry) => entry.startsWith('section/0')).at(-1)).toBe('section/0=third')

  await chain.stack.broker.stop()
  await delay(1_500)
  await chain.stack.restartBroker()
  await expect.poll(() => runner.health(), readyWithin(60_000)).toMatchObject({ ready: true })
  await publish('section/0', encoder.encode(order('0', 'after the outage')), 0)
  await expect.poll(() => heard.at(-1), readyWithin(10_000)).toBe('section/0=after the outage')

  // Another instance that starts now hears the same, without the records that were garbage.
  const late = run()
  late.runner.start()
  await expect.poll(() => late.runner.health().ready, readyWithin(30_000)).toBe(true)
  expect(late.heard.sort()).toEqual([
    'section/0=after the outage',
    'section/1=after garbage',
    'section/2=null',
  ])
})

it('is not ready without policy.control, and says so', async () => {
  const admin = chain.connection.kafka.admin()
  await admin.connect()
  await admin.deleteTopics({ topics: [TOPICS.control] })
  const { runner, heard } = run()
  runner.start()
  await expect
    .poll(() => runner.health(), readyWithin(20_000))
    .toEqual({ ready: false, reason: expect.stringContaining(`reading ${TOPICS.control}: `) })
  await admin.createTopics({ topics: [{ topic: TOPICS.control, numPartitions: 3 }] })
  await admin.disconnect()
  await expect.poll(() => runner.health().ready, readyWithin(60_000)).toBe(true)
  expect(heard).toEqual([])
})
