import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { balances } from '@wardline/cli/audit'
import { eraseAccount, tracesOf } from '@wardline/cli/erase'
import { type DeadLetter, decodeLetter, readDeadLetters, replayDeadLetters } from '@wardline/dead-letters'
import {
  DecodeFailure,
  type EnforcementDecision,
  type FeedEvent,
  RecordDecoder,
  readSchema,
  registryClient,
  Type,
} from '@wardline/events'
import { type FedMessage, FeedPublisher, readTopic } from '@wardline/records'
import { createSampleFeed, recordKey, restamp } from '@wardline/sample-feed'
import { groupId, PartitionReader, STAGE_NAMES, TOPICS } from '@wardline/stream'
import kafkajs from 'kafkajs'
import lz4 from 'lz4-napi'
import { compressSync as snappyCompress } from 'snappy'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TestChain } from './chain.ts'
import { plainEvent as plain } from './plain-event.ts'

let chain: TestChain
let publisher: FeedPublisher

beforeAll(async () => {
  chain = await TestChain.start()
  await chain.startAll()
  publisher = new FeedPublisher(chain.connection)
  await publisher.connect()
})

afterAll(async () => {
  await publisher?.close()
  await chain?.stop()
})

const encode = (event: FeedEvent) => publisher.encode(TOPICS.feedEvents, 'FeedEvent', event)
const feed = async (...events: FeedEvent[]) => {
  const messages: FedMessage[] = []
  for (const event of events) messages.push({ key: event.actorId, value: await encode(event) })
  await publisher.send(TOPICS.feedEvents, messages)
}

async function publishSample(count: number, perSecond: number, seed: number): Promise<void> {
  const sample = createSampleFeed({ seed, startAt: Date.now() })
  const profiles: FedMessage[] = []
  for (const profile of sample.profiles()) {
    profiles.push({
      key: profile.accountId,
      value: await publisher.encode(TOPICS.profiles, 'AccountProfile', profile),
    })
  }
  await publisher.send(TOPICS.profiles, profiles)
  const started = performance.now()
  let sent = 0
  let batch: FedMessage[] = []
  for (const { event } of sample.events(count)) {
    const stamped = restamp(event, Date.now())
    batch.push({ key: recordKey(stamped), value: await encode(stamped) })
    sent++
    if (batch.length < 10) continue
    await publisher.send(TOPICS.feedEvents, batch)
    batch = []
    const ahead = (sent / perSecond) * 1000 - (performance.now() - started)
    if (ahead > 0) await delay(ahead)
  }
  await publisher.send(TOPICS.feedEvents, batch)
}

async function decisions(): Promise<EnforcementDecision[]> {
  const reader = new PartitionReader(chain.connection.kafka)
  const decoder = new RecordDecoder('EnforcementDecision', chain.connection.registry)
  const all: EnforcementDecision[] = []
  for await (const { message } of readTopic(reader, TOPICS.decisions)) {
    await decoder.prepare([message])
    const decision = decoder.decode(message.value!)
    if (!(decision instanceof DecodeFailure)) all.push(decision)
  }
  await reader.close()
  return all
}

/** The dead letter of a record that was sent with this key. */
async function letterOf(key: string): Promise<DeadLetter | undefined> {
  const letters = await readDeadLetters(chain.connection, { includeReplayed: true })
  return letters.find((letter) => letter.message.key?.toString() === key)
}

describe('the chain', () => {
  it('answers every event of the sample feed once', async () => {
    await publishSample(2_000, 2_000, 11)
    const report = await chain.settled()
    expect(report).toMatchObject({ eventsIn: 2_000, missing: [], doubled: [] })
    expect(report.decisions).toBeGreaterThan(1_900)
    expect(report.duplicates).toBeGreaterThan(0)
    expect(await chain.metric('normalize', 'wardline_events_total', 'outcome="duplicate"')).toBe(
      report.duplicates,
    )
    expect(await chain.metric('enforce', 'wardline_event_age_seconds_count')).toBe(report.decisions)
  })

  it('gives decisions of more than one kind, each with what an enforcement system needs', async () => {
    const all = await decisions()
    expect(new Set(all.map((d) => d.verdict)).size).toBeGreaterThanOrEqual(4)
    expect(new Set(all.map((d) => d.decisionId)).size).toBe(all.length)
    for (const decision of all) {
      const adverse = !['ALLOW', 'ALLOW_NOT_YOUTH'].includes(decision.verdict)
      if (adverse) expect(decision.statement, decision.verdict).not.toBeNull()
      expect(decision.decidedAt).toBeGreaterThanOrEqual(decision.feedAppendedAt - 1_000)
    }
  })

  it('keeps the order of one key through the chain', async () => {
    const events = Array.from({ length: 50 }, (_, i) =>
      plain({ eventId: `ordered-${i}`, actorId: 'orderly', subjectId: 'reader' }),
    )
    await feed(...events)
    expect(balances(await chain.settled())).toBe(true)
    const seen = (await decisions()).filter((d) => d.actorId === 'orderly').map((d) => d.eventId)
    expect(seen).toEqual(events.map((e) => e.eventId))
  })
})

describe('bad input', () => {
  const cases: [string, string, () => Promise<Buffer>][] = [
    ['garbage bytes', 'undecodable', async () => Buffer.from('this is no Avro')],
    ['no bytes', 'undecodable', async () => Buffer.alloc(0)],
    [
      'an unknown schema id',
      'unknown_schema',
      async () => Buffer.concat([Buffer.from([0, 0x7f, 0, 0, 1]), (await encode(plain())).subarray(5)]),
    ],
    [
      'the schema of another record',
      'incompatible_schema',
      async () => {
        const profile = {
          accountId: 'a',
          ageBand: 'ADULT' as const,
          youthMode: false,
          utcOffsetMinutes: 480,
          dailyLimitMinutes: null,
          restStartMinute: 0,
          restEndMinute: 0,
          guardianIds: [],
          updatedAt: Date.now(),
        }
        return publisher.encode(TOPICS.profiles, 'AccountProfile', profile)
      },
    ],
    ['a record cut short', 'undecodable', async () => (await encode(plain())).subarray(0, 40)],
    ['a record of a mebibyte', 'too_large', async () => encode(plain({ text: 'x'.repeat(1_048_576) }))],
    [
      'ten media',
      'too_many_media',
      async () =>
        encode(
          plain({
            media: Array.from({ length: 10 }, (_, i) => ({
              mediaId: `m${i}`,
              type: 'IMAGE' as const,
              labels: [],
              hasQrCode: false,
              recognizedText: null,
            })),
          }),
        ),
    ],
    ['the year 1970', 'bad_time', async () => encode(plain({ occurredAt: 0 }))],
    ['the year 2999', 'bad_time', async () => encode(plain({ occurredAt: Date.UTC(2999, 0, 1) }))],
    [
      'an unknown enum symbol of a newer producer',
      'unknown_kind',
      async () => {
        const newer = structuredClone(readSchema('FeedEvent')) as unknown as {
          fields: { type: { symbols: string[] } }[]
        }
        newer.fields[1]!.type.symbols.push('LIVE_STREAM')
        const client = registryClient(chain.connection.settings.registry)
        const { id } = await client.register(newer as never, {
          subject: `${TOPICS.feedEvents}-value`,
          compatibility: 'BACKWARD_TRANSITIVE' as never,
        })
        const head = Buffer.alloc(5)
        head.writeInt32BE(id, 1)
        return Buffer.concat([
          head,
          Type.forSchema(newer as never).toBuffer({ ...plain(), kind: 'LIVE_STREAM' }),
        ])
      },
    ],
  ]

  it('goes to the dead letters with the right reason, byte for byte, and stops nothing', async () => {
    const sent = new Map<string, Buffer>()
    for (const [name, , make] of cases) {
      const value = await make()
      sent.set(name, value)
      await publisher.send(TOPICS.feedEvents, [{ key: name, value, headers: { 'x-producer': 'test' } }])
    }
    await feed(plain({ eventId: 'after-the-bad' }))
    const report = await chain.settled()
    expect(balances(report), JSON.stringify(report)).toBe(true)
    for (const [name, reason] of cases) {
      const letter = await letterOf(name)
      expect(letter?.reason, name).toBe(reason)
      expect(letter!.message.value!.equals(sent.get(name)!), name).toBe(true)
      expect(String(letter!.message.headers!['x-producer'])).toBe('test')
      expect(letter!.from).toMatchObject({ topic: TOPICS.feedEvents })
      expect(String(letter!.message.headers!.dlq_stage)).toBe('normalize')
    }
    expect((await decisions()).some((d) => d.eventId === 'after-the-bad')).toBe(true)
  })

  it("compressed by its producer in any of Kafka's ways is read like any other", async () => {
    const { CompressionTypes, CompressionCodecs } = kafkajs
    const ways: [number, (bytes: Buffer) => Buffer][] = [
      [CompressionTypes.GZIP, (bytes) => gzipSync(bytes)],
      [CompressionTypes.Snappy, (bytes) => snappyCompress(bytes)],
      [CompressionTypes.LZ4, (bytes) => lz4.compressFrameSync(bytes)],
      [CompressionTypes.ZSTD, (bytes) => zstdCompressSync(bytes)],
    ]
    const producer = chain.connection.kafka.producer({ idempotent: true })
    await producer.connect()
    const before = (await chain.settled()).decisions
    for (const [compression, compress] of ways) {
      ;(CompressionCodecs as Record<number, unknown>)[compression] = () => ({
        compress: async (encoder: { buffer: Buffer }) => compress(encoder.buffer),
      })
      const value = await encode(plain({ eventId: `compressed-${compression}` }))
      const more = await encode(plain())
      const messages = [value, more].map((value) => ({ key: 'actor-1', value }))
      await producer.send({ topic: TOPICS.feedEvents, acks: -1, compression, messages })
    }
    await producer.disconnect()
    const report = await chain.settled()
    expect(balances(report), JSON.stringify(report)).toBe(true)
    expect(report.decisions - before).toBe(2 * ways.length)
  })

  it('an empty text, a lone surrogate and 100,000 characters are no bad input: each gets its decision', async () => {
    await feed(
      plain({ eventId: 'empty', text: '' }),
      plain({ eventId: 'surrogate', text: 'a\ud800b\udc00' }),
      plain({ eventId: 'long', text: '很长的话'.repeat(25_000) }),
    )
    expect(balances(await chain.settled())).toBe(true)
    const ids = new Set((await decisions()).map((d) => d.eventId))
    expect(['empty', 'surrogate', 'long'].filter((id) => !ids.has(id))).toEqual([])
  })

  it('in an inner topic and in a table is dead-lettered by the stage that reads it', async () => {
    await publisher.send(TOPICS.classified, [{ key: 'inner-garbage', value: Buffer.from('garbage') }])
    await publisher.send(TOPICS.profiles, [{ key: 'table-garbage', value: Buffer.from('garbage') }])
    await feed(plain({ eventId: 'after-inner' }))
    expect(balances(await chain.settled())).toBe(true)
    for (const key of ['inner-garbage', 'table-garbage']) {
      await expect
        .poll(() => letterOf(key), { timeout: 20_000 })
        .toMatchObject({ stage: 'comment-risk', reason: 'undecodable' })
    }
  })
})

describe('dead letters', () => {
  it('are decoded as far as possible, replayed once, and the books still balance', async () => {
    const before = await chain.settled()
    const letter = (await readDeadLetters(chain.connection, { reason: 'too_many_media' }))[0]!
    expect(await decodeLetter(chain.connection, letter)).toMatchObject({ kind: 'COMMENT' })
    const filter = { stages: [letter.stage], place: `${letter.partition}/${letter.offset}` }
    expect(await replayDeadLetters(chain.connection, filter)).toHaveLength(1)
    expect(await replayDeadLetters(chain.connection, filter)).toHaveLength(0)
    // The record has ten media still: it is dead-lettered again, and stands for the first.
    await expect
      .poll(async () => (await readDeadLetters(chain.connection, { reason: 'too_many_media' })).length, {
        timeout: 20_000,
      })
      .toBe(1)
    const after = await chain.settled()
    expect(after).toMatchObject({
      eventsIn: before.eventsIn,
      deadLetters: before.deadLetters,
      replayed: before.replayed + 1,
    })
    expect(balances(after)).toBe(true)
  })
})

describe('a service that is killed under load', () => {
  it('loses nothing and doubles nothing, whichever it is', async () => {
    const load = publishSample(9_000, 300, 12)
    for (const stage of STAGE_NAMES) {
      await delay(3_000)
      const { child } = chain.services.get(stage)!
      child.signal('SIGKILL')
      await child.exited
      await chain.launch(stage).ready()
    }
    await load
    const report = await chain.settled(90_000)
    expect({ missing: report.missing, doubled: report.doubled }).toEqual({ missing: [], doubled: [] })
    expect(balances(report)).toBe(true)
  })

  it('that is told to stop leaves in order, with exit and without losing its work', async () => {
    const load = publishSample(600, 300, 13)
    await delay(500)
    const { child } = chain.services.get('comment-risk')!
    const asked = performance.now()
    child.signal('SIGTERM')
    await child.exited
    expect(performance.now() - asked).toBeLessThan(10_000)
    const log = readFileSync(child.logFile, 'utf8')
    expect(log.trimEnd().split('\n').at(-1)).toContain('"stopped"')
    await chain.launch('comment-risk').ready()
    await load
    expect(balances(await chain.settled())).toBe(true)
  })
})

describe('outages', () => {
  /** Starts classify while something is down: it says what it waits for and is not ready. */
  const waits = async (line: RegExp) => {
    const logFile = chain.services.get('classify')!.child.logFile
    const from = readFileSync(logFile, 'utf8').length
    const service = chain.launch('classify')
    await expect.poll(() => readFileSync(logFile, 'utf8').slice(from), { timeout: 30_000 }).toMatch(line)
    const answer = await fetch(service.metricsUrl.replace('/metrics', '/readyz'))
    expect(answer.status).toBe(503)
    return service
  }

  it('a registry that is down at start is waited for, and nothing is lost', async () => {
    await chain.services.get('classify')!.child.stop()
    await feed(plain({ eventId: 'while-registry-is-down' }))
    await chain.stack.registry.stop()
    const service = await waits(/waiting for the broker and the registry/)
    await chain.stack.restartRegistry()
    await service.ready()
    expect(balances(await chain.settled())).toBe(true)
  })

  it('a broker that is down at start is waited for, and nothing is lost', async () => {
    await feed(plain({ eventId: 'before-broker-is-down' }))
    await chain.services.get('classify')!.child.stop()
    chain.stack.broker.signal('SIGKILL')
    await chain.stack.broker.exited
    const service = await waits(/waiting for the broker and the registry/)
    await chain.stack.restartBroker()
    await service.ready()
    await Promise.all([...chain.services.values()].map((s) => s.ready()))
    expect(balances(await chain.settled(90_000))).toBe(true)
  })

  it("a broker that has lost a group's committed offsets makes the stage read nothing twice", async () => {
    const before = await chain.settled()
    await chain.services.get('enforce')!.child.stop()
    const admin = chain.connection.kafka.admin()
    await admin.connect()
    await admin.deleteGroups([groupId('enforce')])
    await admin.disconnect()
    await feed(plain({ eventId: 'after-offsets-are-lost' }))
    await chain.launch('enforce').ready()
    const after = await chain.settled()
    expect(balances(after)).toBe(true)
    expect(after.decisions).toBe(before.decisions + 1)
    expect(await chain.metric('enforce', 'wardline_offsets_lost_total')).toBe(3)
  })
})

it('an erased account is in no state any more, and the chain goes on', async () => {
  const profile = {
    accountId: 'child-to-erase',
    ageBand: 'AGE_8_TO_11' as const,
    youthMode: true,
    utcOffsetMinutes: 480,
    dailyLimitMinutes: null,
    restStartMinute: 0,
    restEndMinute: 0,
    guardianIds: [],
    updatedAt: Date.now(),
  }
  const value = await publisher.encode(TOPICS.profiles, 'AccountProfile', profile)
  await publisher.send(TOPICS.profiles, [{ key: profile.accountId, value }])
  const to = { subjectId: profile.accountId, kind: 'PRIVATE_MESSAGE' as const, conversationId: 'c' }
  for (const actorId of ['erase-a', 'erase-b', 'erase-c'])
    await feed(plain({ ...to, actorId, text: '你家住哪里？加我微信 wx_abc12345，别告诉爸妈' }))
  await chain.settled()
  for (const account of ['child-to-erase', 'erase-b']) {
    expect(await tracesOf(chain.connection, account), account).not.toEqual([])
    await eraseAccount(chain.connection, account)
    expect(await tracesOf(chain.connection, account), account).toEqual([])
  }
  await feed(plain({ eventId: 'after-erasure' }))
  expect(balances(await chain.settled())).toBe(true)
})

it('no log and no metric of a service holds a message text or an account', async () => {
  for (const stage of STAGE_NAMES) {
    const { child, metricsUrl } = chain.services.get(stage)!
    const log = readFileSync(child.logFile, 'utf8')
    const metrics = await (await fetch(metricsUrl)).text()
    expect(metrics).toContain('wardline_events_total')
    for (const word of [
      '作业写完',
      '很长的话',
      '你家住哪里',
      'wx_abc12345',
      'actor-1',
      'subject-1',
      'orderly',
      'erase-a',
      'child-to-erase',
    ]) {
      expect(log, stage).not.toContain(word)
      expect(metrics, stage).not.toContain(word)
    }
  }
})
