import type { AssessedEvent, Category, RecordDecoder, RecordEncoder, RecordName } from '@wardline/events'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { FetchedMessage } from './client/kafkajs-internals.ts'
import type { PartitionReader } from './client/partition-reader.ts'
import { partitionOf } from './client/partitioner.ts'
import { type DecodedMessage, decodeRecordBatches } from './client/record-batches.ts'
import {
  type TransactionalProducer,
  type TransactionContent,
  TransactionFailed,
} from './client/transactional-producer.ts'
import { createLogger } from './logger.ts'
import { StageMetrics } from './metrics.ts'
import { OffsetsUndecided, PartitionTask } from './partition-task.ts'
import { deadLetter, duplicate, forward } from './results.ts'
import type { Stage } from './stage.ts'
import { transact } from './testing.ts'
import { TraceContext } from './trace-context.ts'

// The broker's side is played: what is tested is what a stage counts, and what it writes into headers.

const T0 = Date.UTC(2026, 8, 21)
const IN = 'events.classified'
const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00'
const SAMPLED = TRACE.replace(/00$/, '01')

interface Said {
  category: Category
  feedAppendedAt: number
  /** Key of the topic that it is repartitioned to; absent: it is not. */
  elsewhere?: string
  answer?: 'drop' | 'deadLetter' | 'twice' | 'throw'
}

interface Span {
  parent: string
  topic: string
  at: string
  startedAt: number
  reason?: string
  endedAt?: number
}

const stage = {
  name: 'comment-risk',
  inputs: [
    {
      topic: IN,
      record: 'ClassifiedEvent',
      role: 'events',
      handle(said: Said) {
        if (said.answer === 'drop') return duplicate
        if (said.answer === 'deadLetter') return deadLetter('invalid', 'as the test wants it')
        if (said.answer === 'throw') throw new TypeError('as the test wants it')
        return said.answer === 'twice'
          ? forward(said, { ...said, feedAppendedAt: T0 - 60_000 })
          : forward(said)
      },
    },
    {
      topic: 'accounts.profiles',
      record: 'AccountProfile',
      role: 'table',
      handle: (said: Said) => forward(said),
    },
  ],
  output: {
    topic: 'events.assessed',
    record: 'AssessedEvent',
    key: () => 'key',
    category: (said: Said) => said.category,
    repartition: {
      topic: 'enforcement.reversals',
      key: (said: Said) => said.elsewhere!,
      when: (said: Said) => said.elsewhere !== undefined,
    },
  },
  createState: () => ({}),
} as unknown as Stage<'AssessedEvent', Record<string, never>>

let now: number
let commit: () => Promise<void>
let written: Map<string, DecodedMessage[]>
/** Partitions that were written to, by topic. */
let writtenTo: Map<string, number[]>
let metrics: StageMetrics
let spans: Span[]
let producer: TransactionalProducer
let task: PartitionTask<'AssessedEvent', Record<string, never>>

/** As RecordEncoder, with a scratch buffer. */
const jsonEncoder = {
  scratch: Buffer.alloc(10_000),
  encode: (value: AssessedEvent) => Buffer.from(JSON.stringify(value)),
  encodeToScratch(value: AssessedEvent) {
    return this.scratch.write(JSON.stringify(value))
  },
}

beforeEach(async () => {
  now = T0
  commit = async () => {}
  written = new Map()
  writtenTo = new Map()
  spans = []
  metrics = new StageMetrics('comment-risk')
  producer = {
    transactionalId: 'comment-risk.of-a-test',
    begin: async () => {},
    committedOffsets: async (topics: string[], partition: number) =>
      topics.map((topic) => ({ topic, partition, offset: 0, committedBy: '', stable: true })),
    async commit(content: TransactionContent) {
      await commit()
      for (const [topic, partitions] of content.topics)
        written.set(topic, [
          ...(written.get(topic) ?? []),
          ...[...partitions].flatMap(([partition, batch]) => {
            writtenTo.set(topic, [...(writtenTo.get(topic) ?? []), partition])
            return decodeRecordBatches(Buffer.from(batch.finish({ producerId: 1, producerEpoch: 0 }, 0)))
          }),
        ])
    },
  } as unknown as TransactionalProducer
  const decoder = {
    prepare: async () => {},
    decode: (bytes: Buffer) => JSON.parse(bytes.toString()),
  } as unknown as RecordDecoder<RecordName>
  task = new PartitionTask(0, {
    stage,
    encoder: jsonEncoder as unknown as RecordEncoder<'AssessedEvent'>,
    decoders: new Map([
      [IN, decoder],
      ['accounts.profiles', decoder],
    ]),
    reader: { bounds: async () => ({ start: 0, end: 0 }) } as unknown as PartitionReader,
    metrics,
    logger: createLogger({ service: 'test', level: 'silent' }),
    sleep: async () => {},
    maxTransactionRecords: 100,
    outputPartitions: 1,
    repartitionPartitions: 3,
    keepOutputs: false,
    traces: new TraceContext(),
    spans: {
      begin({ headers: { traceparent } }, { topic, offset: at }, startedAt) {
        if (!String(traceparent).endsWith('-01')) return undefined
        const span: Span = { parent: String(traceparent), topic, at, startedAt }
        spans.push(span)
        return {
          traceparent: `${String(traceparent).slice(0, 36)}${'5'.repeat(16)}-01`,
          failed: (reason) => void (span.reason = reason),
          end: (endedAt) => void (span.endedAt = endedAt),
        }
      },
      close: async () => {},
    },
  })
  await task.open(producer, () => false)
})

let offset = 0
const message = (said: Said, headers?: FetchedMessage['headers']): FetchedMessage => ({
  key: Buffer.from('k'),
  value: Buffer.from(JSON.stringify(said)),
  offset: String(offset++),
  timestamp: String(T0),
  ...(headers ? { headers } : {}),
})
const processOf = (topic: string, ...messages: FetchedMessage[]) => {
  const logger = createLogger({ service: 'test', level: 'silent' })
  return transact(
    { producer, metrics, clock: () => now, logger, committed: undefined },
    task,
    topic,
    messages,
  )
}
const process = (...messages: FetchedMessage[]) => processOf(IN, ...messages)
const series = async (start: string) =>
  (await metrics.registry.metrics()).split('\n').filter((line) => line.startsWith(start))
const value = async (name: string) => Number((await series(`${name} `))[0]?.split(' ')[1])
const age = (category: Category, part: 'sum' | 'count') =>
  value(`wardline_event_age_seconds_${part}{stage="comment-risk",category="${category}"}`)

describe('the age of an event', () => {
  it('runs from the append in feed.events to the commit of the output, not to its hand-over', async () => {
    now = T0 + 200
    commit = async () => {
      // Nothing counts while the commit is under way.
      expect(await age('grooming', 'count')).toBe(0)
      now = T0 + 450
    }
    await process(message({ category: 'grooming', feedAppendedAt: T0 }))
    expect([await age('grooming', 'count'), await age('grooming', 'sum')]).toEqual([1, 0.45])
  })

  it('is not counted where the transaction fails, and goes on growing until one commits', async () => {
    const sent = message({ category: 'fraud', feedAppendedAt: T0 })
    commit = async () => {
      now = T0 + 1_000
      throw new TransactionFailed('as the test wants it')
    }
    await expect(process(sent)).rejects.toThrow(TransactionFailed)
    expect(await age('fraud', 'count')).toBe(0)
    expect(await value('wardline_events_total{stage="comment-risk",outcome="forwarded"}')).toBe(0)
    commit = async () => {
      now = T0 + 1_500
    }
    await task.open(producer, () => false)
    await process(sent)
    expect([await age('fraud', 'count'), await age('fraud', 'sum')]).toEqual([1, 1.5])
  })

  it('is counted once an event: not for what else comes of it, a table, a duplicate or a dead letter', async () => {
    now = T0 + 100
    await process(
      message({ category: 'hate', feedAppendedAt: T0, answer: 'twice' }),
      message({ category: 'hate', feedAppendedAt: T0, answer: 'drop' }),
      message({ category: 'hate', feedAppendedAt: T0, answer: 'deadLetter' }),
      message({ category: 'hate', feedAppendedAt: T0, answer: 'throw' }),
    )
    await processOf('accounts.profiles', message({ category: 'hate', feedAppendedAt: T0 }))
    expect([await age('hate', 'count'), await age('hate', 'sum')]).toEqual([1, 0.1])
    expect(await value('wardline_stage_seconds_count{stage="comment-risk",category="hate"}')).toBe(1)
    for (const [outcome, count] of [
      ['forwarded', 1],
      ['duplicate', 1],
      ['dead_lettered', 2],
    ] as const)
      expect(await value(`wardline_events_total{stage="comment-risk",outcome="${outcome}"}`), outcome).toBe(
        count,
      )
    expect(await value('wardline_dead_letters_total{stage="comment-risk",reason="processing_failed"}')).toBe(
      1,
    )
  })
})

describe('an output that a stage with other keys has to see', () => {
  const keysAndValues = (topic: string) =>
    (written.get(topic) ?? []).map(({ key, value }) => [String(key), String(value)])

  it('is written a second time, to the partition of its other key, and is counted once', async () => {
    const headers = { traceparent: Buffer.from(TRACE) }
    const said = ['first', 'second', 'third'].map((elsewhere) => ({
      category: 'grooming' as const,
      feedAppendedAt: T0,
      elsewhere,
    }))
    await process(
      message({ category: 'hate', feedAppendedAt: T0 }),
      ...said.map((each) => message(each, headers)),
      message({ ...said[0]!, answer: 'deadLetter' }),
    )
    const copies = keysAndValues('enforcement.reversals')
    expect(copies.sort()).toEqual(said.map((each) => [each.elsewhere, JSON.stringify(each)]))
    for (const { headers: own } of written.get('enforcement.reversals')!)
      expect(String(own?.traceparent)).toBe(TRACE)
    const partitions = said.map(({ elsewhere }) => partitionOf(Buffer.from(elsewhere), 3))
    expect(new Set(partitions).size).toBeGreaterThan(1)
    expect(writtenTo.get('enforcement.reversals')!.sort()).toEqual([...new Set(partitions)].sort())
    expect(keysAndValues('events.assessed')).toHaveLength(4)
    expect(keysAndValues('events.assessed').every(([key]) => key === 'key')).toBe(true)
    expect(await value('wardline_events_total{stage="comment-risk",outcome="forwarded"}')).toBe(4)
    expect(await age('grooming', 'count')).toBe(3)
  })

  it('is not there where nothing asks for it', async () => {
    await process(message({ category: 'hate', feedAppendedAt: T0, answer: 'twice' }))
    expect(written.has('enforcement.reversals')).toBe(false)
  })
})

describe('the trace of a record', () => {
  const traces = (topic: string) => written.get(topic)!.map(({ headers }) => String(headers?.traceparent))

  it('goes from a record to what is written because of it, its dead letter included', async () => {
    const headers = { traceparent: Buffer.from(TRACE), tracestate: Buffer.from('vendor=1'), other: 'x' }
    await process(
      message({ category: 'hate', feedAppendedAt: T0, answer: 'twice' }, headers),
      message({ category: 'hate', feedAppendedAt: T0, answer: 'deadLetter' }, headers),
    )
    expect(traces('events.assessed')).toEqual([TRACE, TRACE])
    expect(String(written.get('events.assessed')![0]!.headers?.tracestate)).toBe('vendor=1')
    expect(written.get('events.assessed')![0]!.headers?.other).toBeUndefined()
    expect(traces('comment-risk.dlq')).toEqual([TRACE])
  })

  it('begins where the record has none, and is the exemplar of its age', async () => {
    await process(message({ category: 'hate', feedAppendedAt: T0 }))
    const [begun] = traces('events.assessed')
    expect(begun).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/)
    const { values } = await metrics.registry.getSingleMetric('wardline_event_age_seconds')!.get()
    const exemplars = values.flatMap((each) => (each as { exemplar?: { labelSet: object } }).exemplar ?? [])
    expect(exemplars.map(({ labelSet }) => labelSet)).toEqual([{ trace_id: begun!.slice(3, 35) }])
  })
})

describe('the span of a record', () => {
  it('of a sampled trace goes from the beginning of the transaction to the commit, and is the parent of its outputs', async () => {
    const headers = { traceparent: Buffer.from(SAMPLED) }
    const sent = [
      message({ category: 'hate', feedAppendedAt: T0, answer: 'twice' }, headers),
      message({ category: 'hate', feedAppendedAt: T0, answer: 'throw' }, headers),
      message({ category: 'hate', feedAppendedAt: T0 }, { traceparent: Buffer.from(TRACE) }),
    ]
    commit = async () => {
      throw new TransactionFailed('as the test wants it')
    }
    await expect(process(...sent)).rejects.toThrow(TransactionFailed)
    expect(spans.map(({ endedAt }) => endedAt)).toEqual([undefined, undefined])
    spans = []
    commit = async () => {
      now = T0 + 300
    }
    await task.open(producer, () => false)
    await process(...sent)
    const both = { parent: SAMPLED, topic: IN, startedAt: T0, endedAt: T0 + 300 }
    expect(spans).toEqual([
      { ...both, at: sent[0]!.offset },
      { ...both, at: sent[1]!.offset, reason: 'processing_failed' },
    ])
    const child = SAMPLED.replace('00f067aa0ba902b7', '5'.repeat(16))
    const traces = written.get('events.assessed')!.map((output) => String(output.headers?.traceparent))
    expect(traces).toEqual([child, child, TRACE])
    // A dead letter is the record as it came.
    expect(String(written.get('comment-risk.dlq')![0]!.headers?.traceparent)).toBe(SAMPLED)
  })
})

describe('taking a partition over', () => {
  /** Offsets that stay pending; `by`: who committed last. */
  const pending = (by: string, ended: string[]) =>
    ({
      ...producer,
      committedOffsets: async (topics: string[], partition: number) =>
        topics.map((topic) => ({ topic, partition, offset: -1, committedBy: '', stable: false })),
      lastCommitters: async () => new Set([by]),
      fenceOther: async (id: string) => void ended.push(id),
    }) as unknown as TransactionalProducer
  /** A clock that goes on by 100 ms whenever somebody looks at it. */
  const fast = () => {
    let at = 0
    vi.spyOn(performance, 'now').mockImplementation(() => (at += 100))
  }
  afterEach(() => void vi.restoreAllMocks())

  it('ends once what a former owner left, and does not wait for ever', async () => {
    fast()
    const ended: string[] = []
    await expect(task.open(pending('comment-risk.former', ended), () => false)).rejects.toThrow(
      OffsetsUndecided,
    )
    expect(ended).toEqual(['comment-risk.former'])
  })

  it('leaves itself to whoever fences it anew', async () => {
    fast()
    const ended: string[] = []
    await expect(task.open(pending(producer.transactionalId, ended), () => false)).rejects.toThrow(
      OffsetsUndecided,
    )
    expect(ended).toEqual([])
  })
})
