import { setTimeout as delay } from 'node:timers/promises'
import { type FeedEvent, type NormalizedEvent, RecordDecoder, RecordEncoder } from '@wardline/events'
import { createSampleFeed, restamp } from '@wardline/sample-feed'
import { groupId, PartitionReader, StageMetrics, TOPICS } from '@wardline/stream'
import { makeForms, wellFormed } from '@wardline/text'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { leaveGroup } from '../../packages/stream/client/leave-group.ts'
import { StageRunner } from '../../packages/stream/stage-runner.ts'
import { createNormalizeStage } from '../../services/normalize/stage.ts'
import { TestChain } from './chain.ts'

const PARTITIONS = 4
let chain: TestChain
beforeAll(async () => {
  chain = await TestChain.start(PARTITIONS)
})
afterAll(() => chain?.stop())

it('a member that its group has lost comes back each time, and answers every event once', async () => {
  const { kafka, registry } = chain.connection
  const committed: string[] = []
  const metrics = new StageMetrics('normalize')
  const stage = slowed(createNormalizeStage({ folding: { makeForms, wellFormed } }))
  const runner = new StageRunner({
    stage,
    settings: { ...chain.connection.settings, sessionTimeoutMs: 3_000, heartbeatIntervalMs: 500 },
    metrics,
    logger: pino({ level: 'silent' }),
    clock: Date.now,
    committed: (event: NormalizedEvent) => void committed.push(event.eventId),
  })
  runner.start()
  const admin = kafka.admin()
  await admin.connect()
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  try {
    await expect.poll(() => runner.health().ready, { timeout: 20_000 }).toBe(true)
    const encoder = new RecordEncoder<'FeedEvent'>(
      'FeedEvent',
      await registry.idOf(TOPICS.feedEvents, 'FeedEvent'),
    )
    const sent = new Set<string>()
    const ending = new AbortController()
    const events = createSampleFeed({ seed: 11, startAt: Date.now() }).events(100_000)
    const publishing = (async () => {
      for (const { event } of events) {
        if (ending.signal.aborted) return
        if (sent.has(event.eventId)) continue
        sent.add(event.eventId)
        const value = encoder.encode(restamp(event, Date.now()) as FeedEvent)
        await producer.send({ topic: TOPICS.feedEvents, messages: [{ key: event.actorId, value }] })
      }
    })()
    for (let round = 0; round < 8; round++) {
      await delay(200)
      const { groups } = await admin.describeGroups([groupId('normalize')])
      for (const { memberId } of groups[0]!.members) await leaveGroup(kafka, groupId('normalize'), memberId)
      const before = committed.length
      // Longer than a heartbeat: whoever waits for one is late by then.
      await expect.poll(() => committed.length, { timeout: 15_000 }).toBeGreaterThan(before)
      await delay(1_000)
      const later = committed.length
      await expect.poll(() => committed.length, { timeout: 10_000 }).toBeGreaterThan(later)
    }
    ending.abort()
    await publishing
    await expect.poll(() => new Set(committed).size, { timeout: 60_000 }).toBe(sent.size)
    expect(committed).toHaveLength(sent.size)
    expect(await written()).toEqual([...sent].sort())
  } finally {
    await producer.disconnect()
    await admin.disconnect()
    await runner.stop()
  }
})

/** The stage, so slow that it is behind: records always wait while a transaction is under way. */
function slowed<Of extends ReturnType<typeof createNormalizeStage>>(stage: Of): Of {
  const [input] = stage.inputs
  if (input?.record !== 'FeedEvent' || input.role !== 'events') throw new Error('normalize reads the feed')
  const handle: typeof input.handle = (event, context) => {
    const until = performance.now() + 0.7
    while (performance.now() < until);
    return input.handle(event, context)
  }
  return { ...stage, inputs: [{ ...input, handle }] }
}

/** Ids of the events that a committed reader finds, sorted. */
async function written(): Promise<string[]> {
  const reader = new PartitionReader(chain.connection.kafka)
  const decoder = new RecordDecoder('NormalizedEvent', chain.connection.registry)
  const ids: string[] = []
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const { start, end } = await reader.bounds(TOPICS.normalized, partition)
    for await (const messages of reader.read(TOPICS.normalized, partition, start, end)) {
      await decoder.prepare(messages)
      for (const { value } of messages) ids.push((decoder.decode(value!) as NormalizedEvent).eventId)
    }
  }
  await reader.close()
  return ids.sort()
}
