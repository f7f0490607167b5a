import { setTimeout as delay } from 'node:timers/promises'
import {
  DecodeFailure,
  type EnforcementDecision,
  RecordDecoder,
  RegistryUnavailable,
  SchemaRegistry,
  type Verdict,
} from '@wardline/events'
import { TOPICS } from '@wardline/stream'
import type { Consumer, EachBatchPayload, KafkaMessage } from 'kafkajs'
import { openKafka } from './open-kafka.ts'
import { RecentIds } from './recent-ids.ts'
import type { ClientSettings } from './settings.ts'

/** Where a decision stands in enforcement.decisions. */
export interface Place {
  readonly partition: number
  readonly offset: number
}

/** The one first answer to an event. */
export type FirstDecision = EnforcementDecision & { readonly type: 'DECISION' }
/** A later answer to an event that was answered before; it replaces the earlier one. */
export type FollowUp = EnforcementDecision & { readonly type: 'FOLLOW_UP' }
/** Takes the decision `reverses` back: `verdict` is what the content is now, `liftedAction` what ends for the account. */
export type Reversal = EnforcementDecision & { readonly type: 'REVERSAL'; readonly reverses: string }

/** A record that is no decision that this version knows. */
export interface UnreadableRecord extends Place {
  readonly key: string
  readonly reason: string
  readonly bytes: Buffer | null
}

/**
 * What to do about each. A handler that throws, or whose promise rejects, is called again with the same decision, later
 * ones of its partition waiting: order holds for each actor. Make it idempotent by decisionId: after a crash the last
 * decisions come once more, since a decision is committed only when its handler is done.
 */
export interface DecisionHandlers {
  decision(decision: FirstDecision, place: Place): Promise<void> | void
  followUp(decision: FollowUp, place: Place): Promise<void> | void
  reversal(decision: Reversal, place: Place): Promise<void> | void
  /** Keep it for a human: the next record is read once this is done. */
  unreadable(record: UnreadableRecord): Promise<void> | void
  /** A handler failed and will be called again after `waitMs`. */
  retrying?(error: unknown, place: Place, waitMs: number): void
}

export interface SubscriberOptions {
  /** One a system, the same in all its processes. With the access rules of the repository it begins with `enforcement.`. */
  readonly groupId: string
  /** Also what was decided before the group first came. */
  readonly fromBeginning?: boolean
  /** Partitions that are handled at once; 1 where absent. */
  readonly concurrency?: number
}

const COMMIT_EVERY = 100
/** Ids of handled decisions that are remembered, so that a rebalance repeats none that this process has done. */
const REMEMBERED = 100_000
const FIRST_WAIT_MS = 100
const LONGEST_WAIT_MS = 10_000
const SESSION_MS = 30_000
const HEARTBEAT_MS = 3_000

/** Reads enforcement.decisions, committed transactions only, and hands each decision over, in order for each actor. */
export class DecisionSubscriber {
  readonly #consumer: Consumer
  readonly #decoder: RecordDecoder<'EnforcementDecision'>
  readonly #handlers: DecisionHandlers
  readonly #done = new RecentIds(REMEMBERED)
  readonly #stop = new AbortController()

  private constructor(
    consumer: Consumer,
    decoder: RecordDecoder<'EnforcementDecision'>,
    handlers: DecisionHandlers,
  ) {
    this.#consumer = consumer
    this.#decoder = decoder
    this.#handlers = handlers
  }

  /** Joins the group; resolves once it has. Throws where the broker does not answer or refuses us. */
  static async start(
    settings: ClientSettings,
    options: SubscriberOptions,
    handlers: DecisionHandlers,
  ): Promise<DecisionSubscriber> {
    const kafka = openKafka(settings)
    const consumer = kafka.consumer({
      groupId: options.groupId,
      readUncommitted: false,
      allowAutoTopicCreation: false,
      sessionTimeout: SESSION_MS,
      heartbeatInterval: HEARTBEAT_MS,
      maxWaitTimeInMs: 100,
      // An outage is waited for, however long.
      retry: { retries: 8, restartOnFailure: async () => true },
    })
    const decoder = new RecordDecoder('EnforcementDecision', new SchemaRegistry(settings.registry))
    const subscriber = new DecisionSubscriber(consumer, decoder, handlers)
    const joined = new Promise<void>((resolve) => consumer.on(consumer.events.GROUP_JOIN, () => resolve()))
    await consumer.connect()
    await consumer.subscribe({ topics: [TOPICS.decisions], fromBeginning: options.fromBeginning ?? false })
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: options.concurrency ?? 1,
      eachBatch: (payload) => subscriber.#handleBatch(payload),
    })
    await joined
    return subscriber
  }

  /** Lets the handlers that run finish, commits, leaves the group. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#consumer.disconnect()
  }

  async #handleBatch(payload: EachBatchPayload): Promise<void> {
    const { batch, heartbeat, resolveOffset, isRunning, isStale } = payload
    const goesOn = () => isRunning() && !isStale() && !this.#stop.signal.aborted
    // A handler may take longer than a session.
    const beat = setInterval(() => void heartbeat().catch(() => {}), HEARTBEAT_MS)
    let uncommitted: string | null = null
    let handled = 0
    const commit = async () => {
      if (uncommitted === null) return
      const offset = uncommitted
      uncommitted = null
      await this.#consumer.commitOffsets([{ topic: batch.topic, partition: batch.partition, offset }])
    }
    try {
      if (!(await this.#prepared(batch.messages, goesOn))) return
      for (const message of batch.messages) {
        if (!goesOn() || !(await this.#handle(message, batch.partition, goesOn))) break
        resolveOffset(message.offset)
        uncommitted = String(BigInt(message.offset) + 1n)
        if (++handled % COMMIT_EVERY === 0) await commit()
      }
      if (!isStale()) await commit()
    } finally {
      clearInterval(beat)
    }
  }

  /** Fetches the schemas of a batch, waiting for the registry; false where we are to end first. */
  async #prepared(messages: readonly KafkaMessage[], goesOn: () => boolean): Promise<boolean> {
    let wait = FIRST_WAIT_MS
    while (goesOn()) {
      try {
        await this.#decoder.prepare(messages)
        return true
      } catch (error) {
        if (!(error instanceof RegistryUnavailable)) throw error
        await this.#pause(wait)
        wait = Math.min(wait * 2, LONGEST_WAIT_MS)
      }
    }
    return false
  }

  /** Calls the handler until it is done; false where we are to end first. */
  async #handle(message: KafkaMessage, partition: number, goesOn: () => boolean): Promise<boolean> {
    const place = { partition, offset: Number(message.offset) }
    const decision = message.value === null ? null : this.#decoder.decode(message.value)
    const isKnown = decision !== null && !(decision instanceof DecodeFailure)
    if (isKnown && this.#done.has(decision.decisionId)) return true
    let wait = FIRST_WAIT_MS
    while (goesOn()) {
      try {
        if (isKnown) await this.#dispatch(decision, message, place)
        else await this.#unreadable(message, place, decision?.error ?? 'a record without a value')
        if (isKnown) this.#done.add(decision.decisionId)
        return true
      } catch (error) {
        this.#handlers.retrying?.(error, place, wait)
        await this.#pause(wait)
        wait = Math.min(wait * 2, LONGEST_WAIT_MS)
      }
    }
    return false
  }

  async #dispatch(decision: EnforcementDecision, message: KafkaMessage, place: Place): Promise<void> {
    switch (decision.type) {
      case 'DECISION':
        return this.#handlers.decision(decision as FirstDecision, place)
      case 'FOLLOW_UP':
        return this.#handlers.followUp(decision as FollowUp, place)
      case 'REVERSAL':
        if (decision.reverses === null)
          return this.#unreadable(message, place, 'a reversal that names no decision')
        return this.#handlers.reversal(decision as Reversal, place)
      case 'UNKNOWN':
        return this.#unreadable(message, place, 'a type of decision that this version does not know')
    }
  }

  async #unreadable(message: KafkaMessage, place: Place, reason: string): Promise<void> {
    await this.#handlers.unreadable({
      ...place,
      key: message.key?.toString('utf8') ?? '',
      reason,
      bytes: message.value,
    })
  }

  #pause(ms: number): Promise<void> {
    return delay(ms, undefined, { signal: this.#stop.signal }).catch(() => {})
  }
}

/** What to do with the content: a verdict of a newer version is held for review until this one knows it. */
export function verdictInForce({ verdict }: EnforcementDecision): Exclude<Verdict, 'UNKNOWN'> {
  return verdict === 'UNKNOWN' ? 'HOLD_FOR_REVIEW' : verdict
}
