import type { Kafka } from 'kafkajs'
import { copartitionAssigner } from './copartition-assigner.ts'
import type { GroupMember } from './group-offset-requests.ts'
import { leaveGroup } from './leave-group.ts'

export interface GroupMembershipOptions {
  readonly kafka: Kafka
  readonly groupId: string
  /** All with equal partition counts; a member gets the same partitions of each. */
  readonly topics: readonly string[]
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly heartbeatIntervalMs: number
  /** The group has given this process these partitions, and no others, as the member that commits have to name. */
  readonly assigned: (partitions: readonly number[], member: GroupMember) => void
  /** The group is about to share its partitions anew. */
  readonly rebalancing: () => void
  /** The coordinator has answered a heartbeat: what was assigned last is assigned still. */
  readonly confirmed: () => void
  /** A request was not answered in time. */
  readonly unanswered: () => void
}

/** kafkajs looks at its partitions this often, and then at whether a heartbeat is due, ms. */
const LOOK_MS = 100

const TICK_MS = 500
const DISCONNECT_MS = 5_000

/** kafkajs has neither joined nor sent a heartbeat for two sessions, and gives no error. */
export class MembershipUnconfirmed extends Error {
  override readonly name = 'MembershipUnconfirmed'
}

/**
 * A place in a consumer group, without its reading: kafkajs's consumer joins, answers rebalances and sends heartbeats, with
 * every partition paused. Records are read by a PartitionFetcher and offsets committed by transactions.
 */
export class GroupMembership {
  readonly #options: GroupMembershipOptions
  /** As which the last consumer was in the group, until it has left. */
  #formerMember: string | undefined

  constructor(options: GroupMembershipOptions) {
    this.#options = options
  }

  /**
   * Is a member until the signal, until kafkajs gives up, or until it has said nothing for too long: it waits for some answers
   * without end. Returns the error.
   * `beforeLeaving` is awaited while the group still counts on this member.
   */
  async hold(signal: AbortSignal, beforeLeaving: () => Promise<void>): Promise<unknown> {
    const { kafka, groupId, topics, assigned, rebalancing, confirmed, unanswered, ...times } = this.#options
    const consumer = kafka.consumer({
      groupId,
      partitionAssigners: [copartitionAssigner],
      sessionTimeout: times.sessionTimeoutMs,
      rebalanceTimeout: times.rebalanceTimeoutMs,
      heartbeatInterval: times.heartbeatIntervalMs,
      maxWaitTimeInMs: LOOK_MS,
      allowAutoTopicCreation: false,
      // Whoever holds a membership begins a new one: one place that waits, logs and stays unready.
      retry: { retries: 5, restartOnFailure: async () => false },
    })
    // In ticks, not by the clock: a process that was frozen finds out from kafkajs, and sooner.
    let unconfirmedMs = 0
    let watch: NodeJS.Timeout | undefined
    const ended = new Promise<unknown>((resolve) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => resolve(payload.error))
      signal.addEventListener('abort', () => resolve(undefined), { once: true })
      watch = setInterval(() => {
        if (this.#formerMember === undefined) return
        unconfirmedMs += TICK_MS
        if (unconfirmedMs > 2 * times.sessionTimeoutMs)
          resolve(new MembershipUnconfirmed(`the group has confirmed nothing for ${unconfirmedMs} ms`))
      }, TICK_MS)
    })
    // Runs synchronously when kafkajs has joined, before it looks at its partitions.
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      const { memberId, memberAssignment, generationId } = payload as typeof payload & GroupMember
      this.#formerMember = memberId
      unconfirmedMs = 0
      consumer.pause(topics.map((topic) => ({ topic, partitions: memberAssignment[topic] ?? [] })))
      assigned(memberAssignment[topics[0]!] ?? [], { memberId, generationId })
    })
    consumer.on(consumer.events.REBALANCING, rebalancing)
    consumer.on(consumer.events.HEARTBEAT, () => {
      unconfirmedMs = 0
      confirmed()
    })
    // kafkajs would ask five times more on the same connection before it gives up.
    consumer.on(consumer.events.REQUEST_TIMEOUT, unanswered)
    try {
      await consumer.connect()
      if (this.#formerMember !== undefined) await leaveGroup(kafka, groupId, this.#formerMember)
      this.#formerMember = undefined
      await consumer.subscribe({ topics: [...topics], fromBeginning: true })
      await consumer.run({
        autoCommit: false,
        eachBatch: async () => {
          throw new Error('a batch of a paused partition')
        },
      })
      return await ended
    } catch (error) {
      return error
    } finally {
      clearInterval(watch)
      await beforeLeaving()
      // It waits for what kafkajs is at, which may be nothing that ends.
      await Promise.race([
        consumer.disconnect().catch(() => {}),
        new Promise((resolve) => setTimeout(resolve, DISCONNECT_MS).unref()),
      ])
    }
  }
}
