import { describe, type Logger } from '../logger.ts'
import type { FetchedBatch } from './fetched-batch.ts'
import { isUnanswered } from './kafkajs-internals.ts'
import type { PartitionOffset, PartitionReader } from './partition-reader.ts'

/** Where to read next of a partition, and who takes what comes. */
export interface Want extends PartitionOffset {
  /** Takes a batch that has records, control records and aborted ones included. Called once, synchronously. */
  readonly deliver: (batch: FetchedBatch) => void
  /** The offset is not, or no longer, in the log. The want is over. */
  readonly outOfRange: () => void
}

/** What the fetcher needs of a PartitionReader: one connection for fetches to each broker. */
export type FetchConnection = Pick<PartitionReader, 'leaderOf' | 'refreshMetadata' | 'fetch' | 'close'>

export interface PartitionFetcherOptions {
  readonly connect: () => FetchConnection
  /** Fetches that may wait for a broker's records at the same time. */
  readonly maxConnections: number
  /** Longest wait of a fetch for its first record, ms. */
  readonly maxWaitMs: number
  readonly logger: Logger
  readonly sleep: (ms: number) => Promise<void>
  /** A fetch was not answered in time. */
  readonly unanswered: () => void
}

/** Of one partition in one fetch; what is larger in one piece comes whole. */
const PARTITION_BYTES = 1_048_576
const FIRST_BACKOFF_MS = 50
const LONGEST_BACKOFF_MS = 1_000

/**
 * Reads each partition when its records are wanted, and then once: whoever works on them, or rests, is not given more. kafkajs's
 * own consumer asks for nothing new of any partition before all of its last answer have been dealt with.
 *
 * A broker answers the requests of one connection one after the other, so a partition that is wanted while others wait for
 * records goes on a connection of its own, as far as there are any left.
 */
export class PartitionFetcher {
  readonly #options: PartitionFetcherOptions
  readonly #wants = new Map<string, Want>()
  /** Of #wants, those that a fetch under way asks for. */
  readonly #asked = new Set<Want>()
  /** Connections, each with the brokers that it waits for. The first also knows the cluster. */
  readonly #connections = new Map<FetchConnection, Set<string>>()
  readonly #metadata: FetchConnection
  readonly #done: Promise<void>
  #closed = false
  #wake: () => void = () => {}

  constructor(options: PartitionFetcherOptions) {
    this.#options = options
    this.#metadata = options.connect()
    this.#connections.set(this.#metadata, new Set())
    this.#done = this.#dispatch()
  }

  /** Asks for the next records of a partition; what was wanted of it before is forgotten. */
  want(want: Want): void {
    if (this.#closed) return
    this.#wants.set(keyOf(want), want)
    this.#wake()
  }

  /** What comes of the partition is no longer wanted, though it may be on its way. */
  forget(topic: string, partition: number): void {
    this.#wants.delete(keyOf({ topic, partition }))
  }

  forgetAll(): void {
    this.#wants.clear()
  }

  /** Ends the connections. Nothing is delivered from now on. */
  async close(): Promise<void> {
    this.#closed = true
    this.#wants.clear()
    this.#wake()
    await Promise.allSettled([...this.#connections.keys()].map((connection) => connection.close()))
    await this.#done
  }

  async #dispatch(): Promise<void> {
    let backoff = FIRST_BACKOFF_MS
    while (!this.#closed) {
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      const open = [...this.#wants.values()].filter((want) => !this.#asked.has(want))
      try {
        for (const [leader, wants] of await this.#byLeader(open)) {
          const connection = this.#closed ? undefined : this.#connectionTo(leader)
          if (connection) void this.#fetch(connection, leader, wants)
        }
        backoff = FIRST_BACKOFF_MS
      } catch (error) {
        this.#warn(error, backoff)
        await this.#options.sleep(backoff)
        backoff = Math.min(backoff * 2, LONGEST_BACKOFF_MS)
        await this.#metadata.refreshMetadata().catch(() => {})
        continue
      }
      await woken
    }
  }

  #connectionTo(leader: string): FetchConnection | undefined {
    for (const [connection, waitsFor] of this.#connections) if (!waitsFor.has(leader)) return connection
    if (this.#connections.size >= this.#options.maxConnections) return undefined
    const connection = this.#options.connect()
    this.#connections.set(connection, new Set())
    return connection
  }

  async #byLeader(wants: readonly Want[]): Promise<Map<string, Want[]>> {
    const byLeader = new Map<string, Want[]>()
    for (const want of wants) {
      const leader = await this.#metadata.leaderOf(want.topic, want.partition)
      const led = byLeader.get(leader)
      if (led) led.push(want)
      else byLeader.set(leader, [want])
    }
    return byLeader
  }

  /** One fetch; never throws. */
  async #fetch(connection: FetchConnection, leader: string, wants: readonly Want[]): Promise<void> {
    const waitsFor = this.#connections.get(connection)!
    waitsFor.add(leader)
    for (const want of wants) this.#asked.add(want)
    try {
      const batches = await connection.fetch(leader, wants, {
        maxWaitMs: this.#options.maxWaitMs,
        maxBytes: PARTITION_BYTES,
      })
      for (const batch of batches) {
        if (batch.rawMessages.length === 0) continue
        this.#take(wants, batch.topic, batch.partition)?.deliver(batch)
      }
    } catch (error) {
      if (this.#closed) return
      const { name, topic, partition } = error as { name?: string; topic?: string; partition?: number }
      if (name === 'KafkaJSOffsetOutOfRange' && topic !== undefined && partition !== undefined) {
        this.#take(wants, topic, partition)?.outOfRange()
      } else {
        if (isUnanswered(error)) this.#options.unanswered()
        this.#warn(error, FIRST_BACKOFF_MS * 2)
        await this.#options.sleep(FIRST_BACKOFF_MS * 2)
        for (const each of this.#connections.keys()) await each.refreshMetadata().catch(() => {})
      }
    } finally {
      for (const want of wants) this.#asked.delete(want)
      waitsFor.delete(leader)
      this.#wake()
    }
  }

  /** Ends a want and gives it, where it is still the one that the fetch asked for. */
  #take(wants: readonly Want[], topic: string, partition: number): Want | undefined {
    const key = keyOf({ topic, partition })
    const want = this.#wants.get(key)
    if (!want || this.#closed || !wants.includes(want)) return undefined
    this.#wants.delete(key)
    return want
  }

  #warn(error: unknown, retryInMs: number): void {
    this.#options.logger.warn({ error: describe(error), retryInMs }, 'a fetch failed')
  }
}

const keyOf = ({ topic, partition }: { readonly topic: string; readonly partition: number }) =>
  `${topic}/${partition}`
