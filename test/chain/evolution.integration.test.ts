import { setTimeout as delay } from 'node:timers/promises'
import { balances } from '@wardline/cli/audit'
import { publishProfiles } from '@wardline/cli/sample'
import { type RecordName, readSchema, registryClient, Type } from '@wardline/events'
import { FeedPublisher, readTopic } from '@wardline/records'
import { createSampleFeed, recordKey, restamp } from '@wardline/sample-feed'
import { PartitionReader, type StageName, TOPICS } from '@wardline/stream'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { TestChain } from './chain.ts'
import { NewerCheckout } from './newer-checkout.ts'

/** Readers before writers, as docs/upgrade.md says. */
const UPGRADE_ORDER: readonly StageName[] = ['enforce', 'comment-risk', 'classify', 'normalize']
const OUTPUTS: readonly [topic: string, record: RecordName][] = [
  [TOPICS.normalized, 'NormalizedEvent'],
  [TOPICS.classified, 'ClassifiedEvent'],
  [TOPICS.assessed, 'AssessedEvent'],
  [TOPICS.decisions, 'EnforcementDecision'],
]
/** Fields that a producer of an older version does not know; all have defaults. */
const CAME_LATER = ['language', 'mentions', 'device']
const PER_SECOND = 150
const TICK_MS = 20

let chain: TestChain
let publisher: FeedPublisher
let newer: NewerCheckout

beforeAll(async () => {
  chain = await TestChain.start()
  await chain.startAll()
  publisher = new FeedPublisher(chain.connection)
  await publisher.connect()
  newer = NewerCheckout.create(OUTPUTS.map(([, record]) => record))
})

afterAll(async () => {
  await publisher?.close()
  await chain?.stop()
  newer?.remove()
})

const register = async (topic: string, schema: object): Promise<number> => {
  const client = registryClient(chain.connection.settings.registry)
  const { id } = await client.register(schema as never, {
    subject: `${topic}-value`,
    compatibility: 'BACKWARD_TRANSITIVE' as never,
  })
  return id
}

/** Encodes with a schema that is not ours, as a producer of another version does. */
function encoderOf(schema: object, id: number): (event: object) => Buffer {
  const type = Type.forSchema(schema as never)
  const head = Buffer.alloc(5)
  head.writeInt32BE(id, 1)
  return (event) => Buffer.concat([head, type.toBuffer(event)])
}

it('producers of three versions and an upgrade of one stage after the other lose and double nothing', async () => {
  const current = readSchema('FeedEvent') as unknown as { fields: { name: string; default?: unknown }[] }
  // Older: from before some optional fields came. Newer: with a field that nobody here knows.
  const older = structuredClone(current)
  older.fields = older.fields.filter((field) => !CAME_LATER.includes(field.name))
  expect(older.fields.length).toBe(current.fields.length - CAME_LATER.length)
  const next = structuredClone(current) as unknown as { fields: object[] }
  next.fields.push({ name: 'mood', type: { type: 'array', items: 'string' }, default: [] })
  const encoders = [
    encoderOf(older, await register(TOPICS.feedEvents, older)),
    encoderOf(current, await register(TOPICS.feedEvents, current)),
    encoderOf(next, await register(TOPICS.feedEvents, next)),
  ]

  const sample = createSampleFeed({ seed: 3, startAt: Date.now(), accounts: 300 })
  await publishProfiles(publisher, sample.profiles())
  const events = sample.events(1_000_000)[Symbol.iterator]()
  let running = true
  let sent = 0
  const load = (async () => {
    while (running) {
      const batch = Array.from({ length: (PER_SECOND * TICK_MS) / 1000 }, () => {
        const event = restamp(events.next().value!.event, Date.now())
        return {
          key: recordKey(event),
          value: encoders[sent++ % encoders.length]!({ ...event, mood: ['calm'] }),
        }
      })
      await publisher.send(TOPICS.feedEvents, batch)
      await delay(TICK_MS)
    }
  })()

  await delay(2_000)
  const newIds = new Map<string, number>()
  for (const [topic, record] of OUTPUTS) newIds.set(topic, await register(topic, newer.schema(record)))
  for (const stage of UPGRADE_ORDER) {
    await chain.services.get(stage)!.child.stop()
    await chain.launch(stage, {}, newer.root).ready()
    await delay(1_000)
  }
  running = false
  await load

  const report = await chain.settled()
  expect(balances(report), JSON.stringify(report)).toBe(true)
  expect(report.eventsIn).toBe(sent)
  expect(report.deadLetters).toBe(0)
  const reader = new PartitionReader(chain.connection.kafka)
  for (const [topic] of OUTPUTS) {
    const ids: number[] = []
    for await (const { message } of readTopic(reader, topic)) ids.push(message.value!.readInt32BE(1))
    const upgraded = ids.filter((id) => id === newIds.get(topic)).length
    expect(upgraded, `records of the newer version in ${topic}`).toBeGreaterThan(0)
    expect(ids.length - upgraded, `records of the older version in ${topic}`).toBeGreaterThan(0)
  }
  await reader.close()
})
