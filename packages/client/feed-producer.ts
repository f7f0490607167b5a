import {
  type AccountProfile,
  createRecordInput,
  FEED_EVENT_LIMITS,
  type FeedEvent,
  feedEventProblem,
  RecordEncoder,
  type RecordInput,
  type RecordName,
  SchemaRegistry,
  type UserReport,
} from '@wardline/events'
import { partitionOf, TOPICS } from '@wardline/stream'
import type { Kafka, Producer } from 'kafkajs'
import { openKafka } from './open-kafka.ts'
import { type Delivery, type QueuedRecord, SendQueue } from './send-queue.ts'
import type { ClientSettings } from './settings.ts'

export type { Delivery } from './send-queue.ts'

/** What the schema gives a default may be left out. */
export type FeedEventInput = Pick<FeedEvent, 'eventId' | 'kind' | 'occurredAt' | 'actorId'> &
  Partial<FeedEvent>
export type AccountProfileInput = Pick<AccountProfile, 'accountId' | 'updatedAt'> & Partial<AccountProfile>
export type UserReportInput = Pick<UserReport, 'reportId' | 'reporterId' | 'reportedId' | 'reportedAt'> &
  Partial<UserReport>

/**
 * What became of a record that was handed over, at once:
 * - `queued`: it will be sent; `delivered` resolves when it was, or when it was given up. It never rejects.
 * - `refused`: it breaks the contract and would be dead-lettered; `reason` names the field and quotes no text.
 * - `full`: the queue has no room, nothing was taken. Wait for `room()`, or let the event go and count it.
 */
export type Publication =
  | { readonly outcome: 'queued'; readonly delivered: Promise<Delivery> }
  | { readonly outcome: 'refused'; readonly reason: string }
  | { readonly outcome: 'full' }

export interface ProducerOptions {
  /** Records that wait at most; 10,000 where absent. */
  readonly queueRecords?: number
  /** Bytes that wait at most; 64 MiB where absent. */
  readonly queueBytes?: number
  /** How long a request waits for more records, ms; 5 where absent. */
  readonly lingerMs?: number
  /** How long the broker may be out before a record is given up, ms; two minutes where absent. */
  readonly deliveryTimeoutMs?: number
}

interface Encoders {
  readonly event: RecordEncoder<'FeedEvent'>
  readonly profile: RecordEncoder<'AccountProfile'>
  readonly report: RecordEncoder<'UserReport'>
}

/** No retry of ours helps: an administrator has to act, or the record has to change. */
const PERMANENT = new Set([
  'TOPIC_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'INVALID_TOPIC_EXCEPTION',
  'UNSUPPORTED_COMPRESSION_TYPE',
])

/**
 * Publishes feed events, account profiles and reports: under the right key, checked against the contract, idempotent,
 * acknowledged by all replicas in step, in the order of the calls. No call waits; what cannot be taken is said at once.
 *
 * At least once: after an outage a record may be there twice. An event is then counted as a duplicate by its eventId and
 * not answered again; profiles replace one another; reports are counted once by reporter.
 */
export class FeedProducer {
  readonly #queue: SendQueue
  readonly #encoders: Encoders
  readonly #read = {
    event: createRecordInput('FeedEvent'),
    profile: createRecordInput('AccountProfile'),
    report: createRecordInput('UserReport'),
  }

  private constructor(queue: SendQueue, encoders: Encoders) {
    this.#queue = queue
    this.#encoders = encoders
  }

  /** Connects, and looks up the ids of the schemas. Throws where broker or registry do not answer or do not know us. */
  static async connect(settings: ClientSettings, options: ProducerOptions = {}): Promise<FeedProducer> {
    const kafka = openKafka(settings)
    const registry = new SchemaRegistry(settings.registry)
    const encoder = async <Name extends RecordName>(topic: string, record: Name) =>
      new RecordEncoder(record, await registry.idOf(topic, record))
    const [event, profile, report] = await Promise.all([
      encoder(TOPICS.feedEvents, 'FeedEvent'),
      encoder(TOPICS.profiles, 'AccountProfile'),
      encoder(TOPICS.reports, 'UserReport'),
    ])
    const sender = new KafkaSender(kafka)
    await sender.connect()
    const queue = new SendQueue(sender, {
      records: options.queueRecords ?? 10_000,
      bytes: options.queueBytes ?? 64 * 1_048_576,
      lingerMs: options.lingerMs ?? 5,
      deliveryTimeoutMs: options.deliveryTimeoutMs ?? 120_000,
    })
    return new FeedProducer(queue, { event, profile, report })
  }

  /** To feed.events, under the actor's id. A retry of the same event has to carry the same eventId and actorId. */
  publish(event: FeedEventInput): Publication {
    const read = this.#read.event(event)
    if (!read.ok) return refused(read)
    const value = this.#encoders.event.encode(read.value)
    // The append is moments from now; where a clock is off by more than the contract's ten minutes, better hear it here.
    const problem = feedEventProblem(read.value, { appendedAt: Date.now(), bytes: value.length })
    if (problem) return { outcome: 'refused', reason: problem.error }
    return this.#put(TOPICS.feedEvents, read.value.actorId, value)
  }

  /** To accounts.profiles. Write it before the first event of the account, and whenever it changes. */
  putProfile(profile: AccountProfileInput): Publication {
    const read = this.#read.profile(profile)
    if (!read.ok) return refused(read)
    const { accountId } = read.value
    return (
      named('accountId', accountId) ??
      this.#put(TOPICS.profiles, accountId, this.#encoders.profile.encode(read.value))
    )
  }

  /** A tombstone to accounts.profiles: the account's profile and what comment-risk keeps of it go. */
  eraseProfile(accountId: string): Publication {
    return named('accountId', accountId) ?? this.#put(TOPICS.profiles, accountId, null)
  }

  /** To reports.user, under the reported account's id. An appeal is a report of oneself that names the event. */
  report(report: UserReportInput): Publication {
    const read = this.#read.report(report)
    if (!read.ok) return refused(read)
    const { reportedId } = read.value
    return (
      named('reportedId', reportedId) ??
      named('reporterId', read.value.reporterId) ??
      this.#put(TOPICS.reports, reportedId, this.#encoders.report.encode(read.value))
    )
  }

  /** Records that wait or are on their way. */
  get queued(): number {
    return this.#queue.size
  }

  /** Resolves once less than three quarters of the queue are taken. */
  room(): Promise<void> {
    return this.#queue.room()
  }

  /** Resolves once all that was queued before was delivered or given up. */
  flush(): Promise<void> {
    return this.#queue.flush()
  }

  /** Sends what is queued, for at most so long, gives the rest up, disconnects. Nothing can be published after. */
  async close(withinMs = 10_000): Promise<void> {
    await this.#queue.close(withinMs)
  }

  #put(topic: string, key: string, value: Buffer | null): Publication {
    const delivered = this.#queue.offer({ topic, key, value })
    return delivered === null ? { outcome: 'full' } : { outcome: 'queued', delivered }
  }
}

const refused = (input: Extract<RecordInput<RecordName>, { ok: false }>): Publication => ({
  outcome: 'refused',
  reason: input.reason,
})

function named(field: string, id: string): Publication | null {
  if (id.length > 0 && id.length <= FEED_EVENT_LIMITS.idLength) return null
  return {
    outcome: 'refused',
    reason: `${field} has ${id.length} characters; 1 to ${FEED_EVENT_LIMITS.idLength}`,
  }
}

/** Sends batches over an idempotent producer, which it replaces where it failed. */
class KafkaSender {
  readonly #kafka: Kafka
  #producer: Producer | null = null

  constructor(kafka: Kafka) {
    this.#kafka = kafka
  }

  async connect(): Promise<void> {
    const producer = this.#kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner:
        () =>
        ({ partitionMetadata, message }) =>
          partitionOf(Buffer.from(message.key ?? ''), partitionMetadata.length),
    })
    await producer.connect()
    this.#producer = producer
  }

  /** Throws what kafkajs throws. */
  async send(records: readonly QueuedRecord[]): Promise<void> {
    if (this.#producer === null) await this.connect()
    const byTopic = Map.groupBy(records, ({ topic }) => topic)
    try {
      await this.#producer!.sendBatch({
        acks: -1,
        topicMessages: [...byTopic].map(([topic, messages]) => ({
          topic,
          messages: messages.map(({ key, value }) => ({ key, value })),
        })),
      })
    } catch (error) {
      // After a failure its sequence numbers may be ahead of the broker's, and every further request would fail.
      await this.close()
      throw error
    }
  }

  isPermanent(error: unknown): boolean {
    for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
      const { type } = at as { type?: string }
      if (type !== undefined && PERMANENT.has(type)) return true
    }
    return false
  }

  async close(): Promise<void> {
    const producer = this.#producer
    this.#producer = null
    await producer?.disconnect().catch(() => {})
  }
}
