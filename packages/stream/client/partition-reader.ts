import type { Kafka } from 'kafkajs'
import { FetchedBatch } from './fetched-batch.ts'
import {
  type Broker,
  type Cluster,
  createCluster,
  type FetchedMessage,
  isUnanswered,
  READ_COMMITTED,
  READ_UNCOMMITTED,
} from './kafkajs-internals.ts'
import { offsetOf } from './record-batches.ts'

/** Where a partition begins and ends. `end` is the offset that the next visible record will get at the earliest. */
export interface PartitionBounds {
  readonly start: number
  readonly end: number
}

export type Isolation = 'read_committed' | 'read_uncommitted'

const EARLIEST = '-2'
const LATEST = '-1'
const FETCH_WAIT_MS = 500
const FETCH_BYTES = 8 * 1_048_576
const STUCK_AFTER_MS = 30_000

/** The next record to read of a partition: where a fetch begins, or what is committed. */
export interface PartitionOffset {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

/** The broker gives no records where it has some; to be tried again later. */
export class ReadStuck extends Error {
  override readonly name = 'ReadStuck'
}

/** Reads single partitions without a consumer group: to restore state, to audit, to show. */
export class PartitionReader {
  readonly #kafka: Kafka
  #cluster: Cluster
  #connected = false
  #closed = false
  readonly #firstFetches = new WeakMap<Broker, Promise<unknown>>()

  constructor(kafka: Kafka) {
    this.#kafka = kafka
    this.#cluster = createCluster(kafka)
  }

  async partitions(topic: string): Promise<number[]> {
    await this.#open(topic)
    return this.#cluster
      .findTopicPartitionMetadata(topic)
      .map((p) => p.partitionId)
      .sort((a, b) => a - b)
  }

  /** Read committed, `end` is the last stable offset: open transactions are beyond it. */
  async bounds(
    topic: string,
    partition: number,
    isolation: Isolation = 'read_committed',
  ): Promise<PartitionBounds> {
    const [start, end] = await Promise.all([
      this.#listOffset(topic, partition, EARLIEST, isolation),
      this.#listOffset(topic, partition, LATEST, isolation),
    ])
    return { start, end }
  }

  /** Read-committed end of every partition, with one request a broker: cheap enough to ask every second. */
  async ends(topic: string): Promise<Map<number, number>> {
    const partitions = await this.partitions(topic)
    const byLeader = Object.entries(this.#cluster.findLeaderForPartitions(topic, partitions))
    const ends = new Map<number, number>()
    await Promise.all(
      byLeader.map(async ([nodeId, led]) => {
        const broker = await this.#cluster.findBroker({ nodeId })
        const { responses } = await this.#answered(
          broker.listOffsets({
            replicaId: -1,
            isolationLevel: READ_COMMITTED,
            topics: [{ topic, partitions: led.map((partition) => ({ partition, timestamp: LATEST })) }],
          }),
        )
        for (const { partition, offset } of responses[0]!.partitions) ends.set(partition, Number(offset))
      }),
    )
    return ends
  }

  /**
   * Messages from `from` up to, not including, `until`, in offset order, a fetch at a time. Aborted
   * transactions and control records are left out when read committed.
   */
  async *read(
    topic: string,
    partition: number,
    from: number,
    until: number,
    isolation: Isolation = 'read_committed',
  ): AsyncGenerator<FetchedMessage[]> {
    let next = from
    let progressAt = performance.now()
    while (next < until) {
      const leader = await this.leaderOf(topic, partition)
      const place = { topic, partition, offset: next }
      const limits = { maxWaitMs: FETCH_WAIT_MS, maxBytes: FETCH_BYTES }
      const [batch] = await this.fetch(leader, [place], limits, isolation)
      if (!batch || batch.rawMessages.length === 0) {
        // An answer may be empty because the broker had no time. What is below `until` exists, so it comes; to take
        // an empty answer for the end would restore half a state.
        if (performance.now() - progressAt > STUCK_AFTER_MS)
          throw new ReadStuck(
            `${topic}/${partition} gives nothing from ${next}, though it has records up to ${until}`,
          )
        continue
      }
      progressAt = performance.now()
      const messages = batch.messages.filter((m) => offsetOf(m) < until)
      next = Number(batch.lastOffset()) + 1
      if (messages.length > 0) yield messages
    }
  }

  /** Which broker leads the partition, as far as is known. */
  async leaderOf(topic: string, partition: number): Promise<string> {
    await this.#open(topic)
    return this.#leaderId(topic, partition)
  }

  /** Asks the cluster again who leads what. */
  async refreshMetadata(): Promise<void> {
    await this.#answered(this.#cluster.refreshMetadata())
  }

  /**
   * One fetch of partitions that one broker leads, none of them twice; waits up to `maxWaitMs` for a first record. One batch
   * of each partition that the broker answered for, empty where it has nothing new, in the broker's order.
   */
  async fetch(
    leader: string,
    places: readonly PartitionOffset[],
    { maxWaitMs, maxBytes }: { readonly maxWaitMs: number; readonly maxBytes: number },
    isolation: Isolation = 'read_committed',
  ): Promise<FetchedBatch[]> {
    const topics = new Map<string, { partition: number; fetchOffset: string; maxBytes: number }[]>()
    for (const { topic, partition, offset } of places) {
      const partitions = topics.get(topic) ?? []
      partitions.push({ partition, fetchOffset: String(offset), maxBytes })
      topics.set(topic, partitions)
    }
    for (const topic of topics.keys()) await this.#open(topic)
    const broker = await this.#cluster.findBroker({ nodeId: leader })
    const { responses } = await this.#answered(
      this.#fetch(broker, {
        maxWaitTime: maxWaitMs,
        minBytes: 1,
        maxBytes: FETCH_BYTES,
        isolationLevel: isolation === 'read_committed' ? READ_COMMITTED : READ_UNCOMMITTED,
        topics: [...topics].map(([topic, partitions]) => ({ topic, partitions })),
      }),
    )
    const batches: FetchedBatch[] = []
    for (const { topicName, partitions } of responses) {
      for (const data of partitions) {
        const asked = topics.get(topicName)?.find(({ partition }) => partition === data.partition)
        if (asked) batches.push(new FetchedBatch(topicName, asked.fetchOffset, data))
      }
    }
    return batches
  }

  /** Ends the connections; a read under way fails. */
  async close(): Promise<void> {
    this.#closed = true
    if (this.#connected) await this.#cluster.disconnect()
    this.#connected = false
  }

  /**
   * kafkajs opens a broker's second connection, for fetches, at the first of them, and once for each that comes
   * before it is open; all but one are forgotten and never closed. So the first fetch goes alone.
   */
  async #fetch(broker: Broker, request: Parameters<Broker['fetch']>[0]): ReturnType<Broker['fetch']> {
    const first = this.#firstFetches.get(broker)
    if (first) {
      await first.catch(() => {})
      return broker.fetch(request)
    }
    const fetched = broker.fetch(request)
    this.#firstFetches.set(broker, fetched)
    return fetched
  }

  /**
   * The answer; where none comes in time, the connections are given up. kafkajs takes a connection on which nothing is
   * answered for a good one, and would ask on it for ever.
   */
  async #answered<T>(answer: Promise<T>): Promise<T> {
    const cluster = this.#cluster
    try {
      return await answer
    } catch (error) {
      if (isUnanswered(error) && this.#cluster === cluster && !this.#closed) {
        this.#cluster = createCluster(this.#kafka)
        this.#connected = false
        // It waits for what is still under way; nobody waits for it.
        void cluster.disconnect().catch(() => {})
      }
      throw error
    }
  }

  async #open(topic: string): Promise<void> {
    // A late caller must not open a connection that nobody will close: the process would never end.
    if (this.#closed) throw new Error('the reader is closed')
    if (!this.#connected) {
      await this.#cluster.connect()
      this.#connected = true
    }
    await this.#answered(this.#cluster.addMultipleTargetTopics([topic]))
  }

  async #leader(topic: string, partition: number) {
    await this.#open(topic)
    return this.#cluster.findBroker({ nodeId: this.#leaderId(topic, partition) })
  }

  #leaderId(topic: string, partition: number): string {
    const [leader] = Object.keys(this.#cluster.findLeaderForPartitions(topic, [partition]))
    if (leader === undefined) throw new Error(`${topic} has no partition ${partition}`)
    return leader
  }

  async #listOffset(
    topic: string,
    partition: number,
    timestamp: string,
    isolation: Isolation,
  ): Promise<number> {
    const broker = await this.#leader(topic, partition)
    const { responses } = await this.#answered(
      broker.listOffsets({
        replicaId: -1,
        isolationLevel: isolation === 'read_committed' ? READ_COMMITTED : READ_UNCOMMITTED,
        topics: [{ topic, partitions: [{ partition, timestamp }] }],
      }),
    )
    return Number(responses[0]!.partitions[0]!.offset)
  }
}
