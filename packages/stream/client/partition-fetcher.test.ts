import { setImmediate as tick } from 'node:timers/promises'
import { pino } from 'pino'
import { afterEach, describe, expect, it } from 'vitest'
import { FetchedBatch } from './fetched-batch.ts'
import { type FetchConnection, PartitionFetcher } from './partition-fetcher.ts'
import type { PartitionOffset } from './partition-reader.ts'

/** A fetch that waits for the test to answer it. */
interface Fetch {
  readonly leader: string
  readonly asked: readonly PartitionOffset[]
  readonly answer: (batches: FetchedBatch[]) => void
  readonly fail: (error: Error) => void
}

let fetches: Fetch[] = []
let refreshed = 0
let leaders: Record<string, string> = {}
let fetcher: PartitionFetcher | undefined
afterEach(async () => {
  for (const { answer } of fetches) answer([])
  await fetcher?.close()
})

function createFetcher(unanswered = () => {}): PartitionFetcher {
  fetches = []
  refreshed = 0
  leaders = {}
  const connect = (): FetchConnection => ({
    leaderOf: async (topic, partition) => leaders[`${topic}/${partition}`] ?? '1',
    refreshMetadata: async () => {
      refreshed++
    },
    fetch: (leader, asked) =>
      new Promise((answer, fail) => {
        fetches.push({ leader, asked, answer, fail })
      }),
    close: async () => {},
  })
  fetcher = new PartitionFetcher({
    connect,
    maxConnections: 2,
    maxWaitMs: 100,
    logger: pino({ level: 'silent' }),
    sleep: async () => {},
    unanswered,
  })
  return fetcher
}

const recordAt = (offset: number) => ({
  key: null,
  value: Buffer.of(1),
  offset: String(offset),
  timestamp: '0',
  isControlRecord: false,
  batchContext: { producerId: '1', inTransaction: false },
})

const batchOf = (topic: string, partition: number, from: number, ...offsets: number[]) =>
  new FetchedBatch(topic, String(from), {
    partition,
    highWatermark: '100',
    lastStableOffset: '100',
    abortedTransactions: [],
    messages: offsets.map(recordAt),
  } as ConstructorParameters<typeof FetchedBatch>[2])

/** Wants the partition and notes what comes. */
function want(from: PartitionFetcher, partition: number, offset: number, notes: string[]): void {
  from.want({
    topic: 't',
    partition,
    offset,
    deliver: ({ messages }) => notes.push(`${partition}: ${messages.map((m) => m.offset)}`),
    outOfRange: () => notes.push(`${partition}: out of range`),
  })
}

const partitionsOf = ({ asked }: Fetch) => asked.map(({ partition }) => partition)

async function settled(): Promise<void> {
  for (let i = 0; i < 5; i++) await tick()
}

describe('PartitionFetcher', () => {
  it('asks for what is wanted, in one fetch a broker, and delivers it once', async () => {
    const notes: string[] = []
    const reading = createFetcher()
    leaders['t/2'] = '2'
    for (const partition of [0, 1, 2]) want(reading, partition, 7, notes)
    await settled()
    expect(fetches.map((f) => [f.leader, partitionsOf(f)])).toEqual([
      ['1', [0, 1]],
      ['2', [2]],
    ])
    fetches[0]!.answer([batchOf('t', 0, 7, 7, 8)])
    await settled()
    expect(notes).toEqual(['0: 7,8'])
    // Partition 1 had nothing, and is asked for again; partition 0 has been delivered and is not.
    expect(fetches.slice(2).map(partitionsOf)).toEqual([[1]])
  })

  it('does not let a partition wait for another that has nothing', async () => {
    const notes: string[] = []
    const reading = createFetcher()
    want(reading, 0, 0, notes)
    await settled()
    want(reading, 1, 0, notes)
    await settled()
    expect(fetches.map(partitionsOf)).toEqual([[0], [1]])
    fetches[1]!.answer([batchOf('t', 1, 0, 0)])
    await settled()
    expect(notes).toEqual(['1: 0'])
  })

  it('lets the third wait where two connections are all there are', async () => {
    const notes: string[] = []
    const reading = createFetcher()
    for (const partition of [0, 1, 2]) {
      want(reading, partition, 0, notes)
      await settled()
    }
    expect(fetches.map(partitionsOf)).toEqual([[0], [1]])
    fetches[0]!.answer([])
    await settled()
    expect(fetches.slice(2).map(partitionsOf)).toEqual([[0, 2]])
  })

  it('delivers nothing that was forgotten, or wanted from elsewhere since', async () => {
    const notes: string[] = []
    const reading = createFetcher()
    want(reading, 0, 0, notes)
    want(reading, 1, 0, notes)
    await settled()
    reading.forget('t', 0)
    want(reading, 1, 50, notes)
    fetches[0]!.answer([batchOf('t', 0, 0, 0), batchOf('t', 1, 0, 0)])
    await settled()
    expect(notes).toEqual([])
    expect(fetches.slice(1).map((f) => f.asked.map(({ partition, offset }) => [partition, offset]))).toEqual([
      [[1, 50]],
    ])
  })

  it('says which partition is out of range, and goes on with the others', async () => {
    const notes: string[] = []
    const reading = createFetcher()
    want(reading, 0, 0, notes)
    want(reading, 1, 0, notes)
    await settled()
    fetches[0]!.fail(
      Object.assign(new Error('the offset'), { name: 'KafkaJSOffsetOutOfRange', topic: 't', partition: 0 }),
    )
    await settled()
    expect(notes).toEqual(['0: out of range'])
    expect(fetches.slice(1).map(partitionsOf)).toEqual([[1]])
  })

  it('asks again after a failure, who leads too, and tells of a broker that does not answer', async () => {
    const notes: string[] = []
    let told = 0
    const reading = createFetcher(() => told++)
    want(reading, 0, 0, notes)
    await settled()
    fetches[0]!.fail(new Error('the leader has moved'))
    await settled()
    expect(refreshed).toBeGreaterThan(0)
    expect(told).toBe(0)
    fetches[1]!.fail(Object.assign(new Error('no answer'), { name: 'KafkaJSRequestTimeoutError' }))
    await settled()
    expect(told).toBe(1)
    fetches[2]!.answer([batchOf('t', 0, 0, 3)])
    await settled()
    expect(notes).toEqual(['0: 3'])
  })

  it('delivers control records and what was aborted as a batch without messages', async () => {
    const reading = createFetcher()
    const ends: string[] = []
    reading.want({
      topic: 't',
      partition: 0,
      offset: 4,
      deliver: (batch) => ends.push(`${batch.messages.length} to ${batch.lastOffset()}`),
      outOfRange: () => {},
    })
    await settled()
    const batch = new FetchedBatch('t', '4', {
      partition: 0,
      highWatermark: '5',
      lastStableOffset: '5',
      abortedTransactions: [],
      messages: [{ ...recordAt(4), isControlRecord: true }],
    } as ConstructorParameters<typeof FetchedBatch>[2])
    fetches[0]!.answer([batch])
    await settled()
    expect(ends).toEqual(['0 to 4'])
  })
})
