import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { connect } from '@wardline/cli/connection'
import { publishProfiles } from '@wardline/cli/sample'
import { freePorts, type Stack, startStack } from '@wardline/local'
import { type Connection, type FedMessage, FeedPublisher } from '@wardline/records'
import { createSampleFeed, recordKey, type SampleFeed } from '@wardline/sample-feed'
import { applyTopics, PartitionReader, partitionOf, TOPICS, wantedTopics } from '@wardline/stream'
import { CompressionTypes } from 'kafkajs'
import type { Process } from './processes.ts'

/** How often the end of a topic is asked for: what a measured time is exact to, ms. */
const LOOK_EVERY_MS = 20
/** After so long without a new record what was asked for is counted. */
const QUIET_MS = 1_200
const STUCK_AFTER_MS = 60_000
const RECORDS_A_REQUEST = 2_000
/** Less than a topic takes at once, whatever partition it all goes to. */
const BYTES_A_REQUEST = 2_000_000
/** Confluent framing: a zero byte and the schema's id. */
const FRAME_BYTES = 5

/** For runs of minutes: the broker compiles to the last level, which `make up` does without. */
const BROKER_JVM_OPTIONS = '-XX:+UseSerialGC'

/** Encoded events of the sample feed, and how many of them had not been encoded before: each gets one answer. */
export interface EncodedEvents {
  readonly messages: readonly FedMessage[]
  readonly distinct: number
}

/** A broker and a registry for benchmarks, with topics that can be made anew between contestants. */
export class BenchStack {
  readonly stack: Stack
  #partitions: number
  readonly connection: Connection
  readonly #folder: string
  #reader: PartitionReader
  readonly #publisher: FeedPublisher
  #feed: SampleFeed
  /** Of all events encoded since the feed began: its repeats may be of much earlier ones. */
  #ids = new Set<string>()

  private constructor(stack: Stack, folder: string, partitions: number) {
    this.stack = stack
    this.#folder = folder
    this.#partitions = partitions
    this.connection = connect({
      WARDLINE_BROKERS: stack.brokers.join(','),
      WARDLINE_REGISTRY_URL: stack.registryUrl,
    })
    this.#reader = new PartitionReader(this.connection.kafka)
    this.#publisher = new FeedPublisher(this.connection)
    this.#feed = createSampleFeed({ seed: 7, startAt: BenchStack.feedStart() })
  }

  static async start(options: { partitions: number; log?: (line: string) => void }): Promise<BenchStack> {
    process.env.WARDLINE_BROKER_JVM_OPTIONS ??= BROKER_JVM_OPTIONS
    const folder = mkdtempSync(join(tmpdir(), 'wardline-bench-'))
    const { partitions, log = () => {} } = options
    const ports = await freePorts()
    const stack = await startStack({ folder, partitions, ports, log, withoutServices: true })
    const bench = new BenchStack(stack, folder, partitions)
    await bench.#publisher.connect()
    return bench
  }

  /** Early enough that events made at 50 a second of their own time are not in the future when they are appended, ms. */
  static feedStart(): number {
    return Date.now() - 12 * 3_600_000
  }

  /** Of every topic. */
  get partitions(): number {
    return this.#partitions
  }

  /** The broker, as a process to be measured. */
  get broker(): Process {
    return { name: 'broker', pid: this.stack.broker.pid }
  }

  /** Deletes every topic and consumer group of the chain and of its peers, and makes the chain's topics anew, with profiles. */
  async reset(partitions = this.#partitions): Promise<void> {
    this.#partitions = partitions
    const admin = this.connection.kafka.admin()
    await admin.connect()
    try {
      const { groups } = await admin.listGroups()
      const groupIds = groups.map(({ groupId }) => groupId).filter((id) => !id.includes('apicurio'))
      for (let tries = 0; groupIds.length > 0; tries++) {
        // A group goes only when its members' sessions have ended.
        const done = await admin.deleteGroups(groupIds).then(
          () => true,
          () => false,
        )
        if (done || tries > 40) break
        await delay(250)
      }
      const topics = (await admin.listTopics()).filter(
        (topic) => !topic.startsWith('__') && !isRegistry(topic),
      )
      if (topics.length > 0) await admin.deleteTopics({ topics })
      for (let tries = 0; tries < 100; tries++) {
        const left = (await admin.listTopics()).filter((topic) => topics.includes(topic))
        if (left.length === 0) break
        await delay(50)
      }
    } finally {
      await admin.disconnect()
    }
    for (let tries = 0; ; tries++) {
      // Names that have just been deleted are unknown for a moment even after they were made anew.
      try {
        const { kafka } = this.connection
        await applyTopics({
          kafka,
          wanted: wantedTopics({ partitions: this.partitions, replicationFactor: 1 }),
        })
        break
      } catch (error) {
        if (tries === 20) throw error
        await delay(200)
      }
    }
    // It knows the topics as they were, with as many partitions as they had.
    await this.#reader.close()
    this.#reader = new PartitionReader(this.connection.kafka)
    await publishProfiles(this.#publisher, this.#feed.profiles())
  }

  /** The next events of the sample feed, as a producer sends them. */
  async encode(count: number): Promise<EncodedEvents> {
    const messages: FedMessage[] = []
    const ids = this.#ids
    const before = ids.size
    for (const { event } of this.#feed.events(count)) {
      ids.add(event.eventId)
      messages.push({
        key: recordKey(event),
        value: await this.#publisher.encode(TOPICS.feedEvents, 'FeedEvent', event),
      })
    }
    return { messages, distinct: ids.size - before }
  }

  /** Begins the sample feed anew, from a seed. */
  startFeed(seed: number, startAt: number): SampleFeed {
    this.#feed = createSampleFeed({ seed, startAt })
    this.#ids = new Set()
    return this.#feed
  }

  get publisher(): FeedPublisher {
    return this.#publisher
  }

  /**
   * Writes the messages in one transaction and returns the function that commits it: until then no committed reader sees
   * any of them, then they are all there at once.
   */
  async preload(topic: string, messages: readonly FedMessage[]): Promise<() => Promise<void>> {
    const producer = this.connection.kafka.producer({
      transactionalId: `bench-preload-${topic}`,
      idempotent: true,
      maxInFlightRequests: 1,
      transactionTimeout: 300_000,
      allowAutoTopicCreation: false,
      createPartitioner:
        () =>
        ({ message, partitionMetadata }) =>
          partitionOf(Buffer.from(message.key ?? ''), partitionMetadata.length),
    })
    await producer.connect()
    const transaction = await producer.transaction()
    for (let from = 0; from < messages.length; ) {
      let to = from
      for (
        let bytes = 0;
        to < messages.length && to - from < RECORDS_A_REQUEST && bytes < BYTES_A_REQUEST;
        to++
      )
        bytes += messages[to]!.value?.length ?? 0
      await transaction.send({
        topic,
        messages: messages.slice(from, to) as FedMessage[],
        acks: -1,
        compression: CompressionTypes.None,
      })
      from = to
    }
    return async () => {
      await transaction.commit()
      await producer.disconnect()
    }
  }

  /** Read-committed ends of a topic's partitions, summed; cheap. */
  async end(topic: string): Promise<number> {
    let sum = 0
    for (const end of (await this.#reader.ends(topic)).values()) sum += end
    return sum
  }

  /** Every record of a topic: to count, or to feed a stage alone with. */
  async *records(topic: string): AsyncGenerator<FedMessage> {
    for (let partition = 0; partition < this.partitions; partition++) {
      const { start, end } = await this.#reader.bounds(topic, partition)
      for await (const messages of this.#reader.read(topic, partition, start, end))
        for (const { key, value } of messages) yield { key: key?.toString() ?? '', value }
    }
  }

  /**
   * Waits until the topic holds `distinct` different event ids; resolves with when it last grew before that
   * (performance.now). Looks at ends alone while they grow and counts when they rest.
   */
  async untilAnswered(
    topic: string,
    distinct: number,
    /** Called whenever the topic has grown. */
    grew: () => void = () => {},
  ): Promise<number> {
    const began = performance.now()
    let last = -1
    let found = 0
    let grewAt = began
    let counted = -1
    for (;;) {
      const end = await this.end(topic)
      if (end !== last) {
        last = end
        grewAt = performance.now()
        grew()
      } else if (performance.now() - grewAt > QUIET_MS && counted !== last) {
        counted = last
        const ids = new Set<string>()
        for await (const { value } of this.records(topic)) ids.add(eventIdOf(topic, value!))
        if (ids.size >= distinct) return grewAt
        found = ids.size
      }
      if (performance.now() - Math.max(grewAt, began) > STUCK_AFTER_MS)
        throw new Error(`${topic} has ${found} of ${distinct} events and gets no more`)
      await delay(LOOK_EVERY_MS)
    }
  }

  /** Bytes on disk of a topic's record logs, indices left out. */
  bytesOnDisk(topic: string): number {
    let bytes = 0
    const data = join(this.#folder, 'kafka', 'data')
    for (let partition = 0; partition < this.partitions; partition++) {
      const folder = join(data, `${topic}-${partition}`)
      for (const file of readdirSync(folder))
        if (file.endsWith('.log')) bytes += statSync(join(folder, file)).size
    }
    return bytes
  }

  async stop(): Promise<void> {
    await this.#publisher.close().catch(() => {})
    await this.#reader.close().catch(() => {})
    await this.stack.stop()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** The registry keeps its journal in the same broker. */
const isRegistry = (topic: string) => topic.includes('kafkasql') || topic.includes('registry')

/** Event id of a record of the chain: its first field, in a decision the third, after its own id and its type. */
export function eventIdOf(topic: string, value: Buffer): string {
  const cursor = { at: FRAME_BYTES }
  if (topic === TOPICS.decisions) {
    textAt(value, cursor)
    cursor.at++
  }
  return textAt(value, cursor)
}

function textAt(value: Buffer, cursor: { at: number }): string {
  let length = 0
  for (let scale = 1; ; scale *= 128) {
    const byte = value[cursor.at++]!
    length += (byte & 0x7f) * scale
    if (byte < 0x80) break
  }
  const from = cursor.at
  cursor.at += length / 2
  return value.toString('latin1', from, cursor.at)
}
