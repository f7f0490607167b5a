import { setTimeout as delay } from 'node:timers/promises'
import { publicationRefusal, SECTION_KEY } from '@wardline/control'
import { describeLetter } from '@wardline/dead-letters'
import { DecodeFailure, RecordDecoder, type RecordName, type RecordTypes } from '@wardline/events'
import { type Connection, headerText } from '@wardline/records'
import {
  deadLetterTopic,
  type FetchedMessage,
  PartitionReader,
  REPLAYED_HEADER,
  STAGE_NAMES,
  type StageName,
  TOPICS,
} from '@wardline/stream'
import type { Taken } from './records.ts'
import type { DecisionStore } from './store.ts'

/** Records of one transaction of the store: some milliseconds of work, so that pages are answered between two. */
const BATCH = 500
const RETRY_MS = 500

/** How one topic becomes records of the store. */
interface Source {
  readonly topic: string
  /** How often its end is asked for while nothing comes, ms. */
  readonly everyMs: number
  /** The records of some messages; undefined for one that cannot be decoded. */
  take(messages: readonly FetchedMessage[], partition: number): Promise<readonly (Taken | undefined)[]>
}

/** The topics are others than those that the store was made from: it has to be made anew. */
export class OtherTopics extends Error {
  override readonly name = 'OtherTopics'
}

/** Reads the topics into the store until it is stopped, read committed, without a consumer group: positions are the store's. */
export class Follower {
  readonly #connection: Connection
  readonly #store: DecisionStore
  readonly #sources: readonly Source[]
  readonly #stopped = new AbortController()
  readonly #caughtUp = new Set<string>()
  #running: Promise<unknown> = Promise.resolve()
  /** Why the store has to be made anew. */
  #fatal: OtherTopics | undefined
  readonly #problems = new Map<string, string>()

  constructor(connection: Connection, store: DecisionStore) {
    this.#connection = connection
    this.#store = store
    this.#sources = sourcesOf(connection)
  }

  /** `failed` is called once, where reading cannot go on. */
  start(failed: (error: OtherTopics) => void): void {
    this.#running = Promise.all(this.#sources.map((source) => this.#follow(source))).then(() => {
      if (this.#fatal) failed(this.#fatal)
    })
  }

  /** Throws OtherTopics where the store was made from others; what kafkajs throws while the broker is out. */
  async checkTopics(): Promise<void> {
    const reader = new PartitionReader(this.#connection.kafka)
    try {
      for (const source of this.#sources)
        await this.#skipExpired(reader, source, await reader.partitions(source.topic))
    } finally {
      await reader.close()
    }
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#running
  }

  /** Whether every topic has been read to its end once, and none fails at the moment. */
  health(): { readonly ready: boolean; readonly reason: string } {
    const [problem] = this.#problems
    if (problem) return { ready: false, reason: `${problem[0]}: ${problem[1]}` }
    const behind = this.#sources.find(({ topic }) => !this.#caughtUp.has(topic))
    return behind
      ? { ready: false, reason: `reading ${behind.topic}` }
      : { ready: true, reason: 'up to date' }
  }

  async #follow(source: Source): Promise<void> {
    const { signal } = this.#stopped
    while (!signal.aborted) {
      const reader = new PartitionReader(this.#connection.kafka)
      try {
        const partitions = await reader.partitions(source.topic)
        await this.#skipExpired(reader, source, partitions)
        while (!signal.aborted) {
          const moved = await this.#readToEnd(reader, source)
          this.#caughtUp.add(source.topic)
          this.#problems.delete(source.topic)
          if (!moved) await delay(source.everyMs, undefined, { signal }).catch(() => {})
        }
      } catch (error) {
        if (error instanceof OtherTopics) {
          this.#fatal = error
          this.#stopped.abort()
          return
        }
        if (signal.aborted) return
        const message = error instanceof Error ? error.message : String(error)
        this.#problems.set(source.topic, message)
        this.#connection.logger.warn({ topic: source.topic, error: message }, 'cannot read; trying again')
        await delay(RETRY_MS, undefined, { signal }).catch(() => {})
      } finally {
        await reader.close().catch(() => {})
      }
    }
  }

  /** Retention may have deleted what was not read: what is gone is gone. A topic that ends before the position is another one. */
  async #skipExpired(
    reader: PartitionReader,
    { topic }: Source,
    partitions: readonly number[],
  ): Promise<void> {
    for (const partition of partitions) {
      const { start, end } = await reader.bounds(topic, partition)
      const position = this.#store.position(topic, partition)
      if (position > end)
        throw new OtherTopics(`${topic}/${partition} ends at ${end}, and was read up to ${position}`)
      if (position < start) this.#store.take({ topic, partition, next: start, records: [], skipped: 0 })
    }
  }

  async #readToEnd(reader: PartitionReader, source: Source): Promise<boolean> {
    const { topic } = source
    let moved = false
    for (const [partition, end] of await reader.ends(topic)) {
      const from = this.#store.position(topic, partition)
      if (from >= end) continue
      moved = true
      for await (const messages of reader.read(topic, partition, from, end)) {
        for (let i = 0; i < messages.length; i += BATCH) {
          if (this.#stopped.signal.aborted) return moved
          const part = messages.slice(i, i + BATCH)
          const taken = await source.take(part, partition)
          const records = taken.filter((record) => record !== undefined)
          this.#store.take({
            topic,
            partition,
            next: Number(part.at(-1)!.offset) + 1,
            records,
            skipped: taken.length - records.length,
          })
          // Pages and live updates come between two batches of a long backlog.
          if (messages.length > BATCH) await new Promise((resolve) => setImmediate(resolve))
        }
      }
      // Markers of transactions take offsets too: what is below the end is read.
      this.#store.take({ topic, partition, next: end, records: [], skipped: 0 })
    }
    return moved
  }
}

function sourcesOf(connection: Connection): Source[] {
  const decoded = <Name extends RecordName>(
    topic: string,
    record: Name,
    everyMs: number,
    take: (value: RecordTypes[Name] | null, message: FetchedMessage, partition: number) => Taken | undefined,
  ): Source => {
    const decoder = new RecordDecoder(record, connection.registry)
    return {
      topic,
      everyMs,
      async take(messages, partition) {
        await decoder.prepare(messages)
        return messages.map((message) => {
          const value = message.value === null ? null : decoder.decode(message.value)
          return value instanceof DecodeFailure ? undefined : take(value, message, partition)
        })
      },
    }
  }
  const keyOf = (message: FetchedMessage) => message.key?.toString('utf8') ?? ''
  return [
    decoded(
      TOPICS.decisions,
      'EnforcementDecision',
      100,
      (value) => (value && { kind: 'decision', value }) || undefined,
    ),
    decoded(
      TOPICS.verdicts,
      'ReviewVerdict',
      100,
      (value) => (value && { kind: 'verdict', value }) || undefined,
    ),
    decoded(
      TOPICS.assessed,
      'AssessedEvent',
      150,
      (value) => (value && { kind: 'assessment', value }) || undefined,
    ),
    decoded(TOPICS.reports, 'UserReport', 300, (value, message) =>
      value
        ? { kind: 'report', value }
        : { kind: 'erasure', account: keyOf(message), at: Number(message.timestamp) },
    ),
    decoded(TOPICS.control, 'PolicyControl', 300, (value, message, partition) => {
      const key = keyOf(message)
      return {
        kind: 'control',
        key,
        partition,
        offset: Number(message.offset),
        publishedAt: Number(message.timestamp),
        value,
        refusal: key.startsWith(SECTION_KEY) ? null : publicationRefusal(value),
      }
    }),
    ...STAGE_NAMES.map((stage) => deadLetterSource(stage)),
  ]
}

const deadLetterSource = (stage: StageName): Source => ({
  topic: deadLetterTopic(stage),
  everyMs: 300,
  take: async (messages, partition) =>
    messages.map((message): Taken => {
      const mark = headerText(message, REPLAYED_HEADER)
      return mark === undefined
        ? {
            kind: 'deadLetter',
            value: describeLetter(stage, partition, message),
            at: Number(message.timestamp),
          }
        : { kind: 'replayMark', stage, partition, offset: Number(mark) }
    }),
})
