import { type RecordName, type RecordTypes, RegistryRefused, RegistryUnavailable } from '@wardline/events'
import type { FetchedBatch } from './client/fetched-batch.ts'
import type { GroupMember } from './client/group-offset-requests.ts'
import type { PartitionOffset } from './client/partition-reader.ts'
import { NotAMember, ProducerFenced, type TransactionalProducer } from './client/transactional-producer.ts'
import type { Logger } from './logger.ts'
import type { StageMetrics } from './metrics.ts'
import type { PartitionTask } from './partition-task.ts'
import type { StateStore } from './state.ts'
import { Transaction } from './transaction.ts'
import { restAfter } from './transaction-pace.ts'

/** Records of one partition of one input topic, on their way into a transaction. */
export interface Delivery<Output extends RecordName, State extends Record<string, StateStore>> {
  readonly task: PartitionTask<Output, State>
  readonly batch: FetchedBatch
  /** Whether the broker has more of it. */
  readonly isBehind: boolean
  /** Index of the first message that no transaction has taken. */
  at: number
  /** Its last message has been taken: what comes after may be fetched. */
  readonly taken: () => void
  /** The transaction with its last message has committed. */
  readonly committed: () => void
  /** The loop has rested. */
  readonly rested: () => void
}

export interface TransactionLoopOptions<Output extends RecordName> {
  readonly producer: TransactionalProducer
  readonly metrics: StageMetrics
  readonly clock: () => number
  readonly logger: Logger
  /** Shortest time from one transaction's begin to the next one's, ms. */
  readonly intervalMs: number
  readonly sleep: (ms: number) => Promise<void>
  /** As whom transactions commit. */
  readonly member: () => GroupMember
  /** Called with each output after its transaction has committed; absent where nobody asks. */
  readonly committed: ((output: RecordTypes[Output]) => void) | undefined
  /**
   * A transaction of this member has not committed, or nobody knows: everything that waits has been dropped, and the tasks
   * have to be opened anew.
   */
  readonly failed: (error: unknown, member: GroupMember) => void
  /** What the loop waits for before it can go on; undefined once it can. */
  readonly obstacle: (reason: string | undefined) => void
}

/** Transactions of at least so many records write to nearly the same partitions each time. */
const BEGIN_EARLY_FROM = 16
/** After a rest, the answers to what is asked for then come within this time, ms. */
const GATHERING_MS = 3
const FIRST_BACKOFF_MS = 50
const LONGEST_BACKOFF_MS = 1_000

/**
 * Takes what has come of all partitions of the process into one transaction, commits it, rests, and goes on. Kafka's cost
 * of a transaction hardly depends on how many partitions are in it.
 */
export class TransactionLoop<Output extends RecordName, State extends Record<string, StateStore>> {
  readonly #options: TransactionLoopOptions<Output>
  #queue: Delivery<Output, State>[] = []
  #wake: () => void = () => {}
  /** Ends when the transaction at hand has. */
  #cycle: Promise<unknown> = Promise.resolve()

  constructor(options: TransactionLoopOptions<Output>) {
    this.#options = options
  }

  add(delivery: Delivery<Output, State>): void {
    this.#queue.push(delivery)
    this.#wake()
  }

  /** Drops what waits; resolves when the transaction at hand has ended. */
  async clear(): Promise<void> {
    this.#queue = []
    await this.#cycle
  }

  /** Never throws; ends with the signal, after the transaction at hand. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.#wake(), { once: true })
    const { intervalMs, sleep } = this.#options
    while (!signal.aborted) {
      if (this.#queue.length === 0) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
        continue
      }
      const started = performance.now()
      const cycle = this.#transact()
      this.#cycle = cycle
      const { records, ended } = await cycle
      // Control records alone were no transaction; and who is behind does not rest.
      const goesOn = records === 0 || this.#queue.some((delivery) => delivery.isBehind || delivery.at > 0)
      const rest = goesOn ? 0 : restAfter(performance.now() - started, intervalMs)
      if (rest > 1) await sleep(rest)
      for (const delivery of ended) delivery.rested()
      // What came during the rest would otherwise go without what is asked for now.
      if (rest > 1 && this.#queue.length > 0) await sleep(GATHERING_MS)
    }
  }

  /** One transaction of what waits. */
  async #transact(): Promise<{ records: number; ended: readonly Delivery<Output, State>[] }> {
    const { producer, clock, metrics, committed, failed } = this.#options
    const queue = this.#queue
    const member = this.#options.member()
    try {
      if (!(await this.#prepare(queue))) return NOTHING
      // What comes from here on has not been prepared.
      const prepared = queue.length
      let waiting = 0
      for (const { at, batch } of queue) waiting += batch.messages.length - at
      if (waiting >= BEGIN_EARLY_FROM) await producer.begin()
      if (queue !== this.#queue) return NOTHING
      const transaction = new Transaction<RecordTypes[Output]>()
      const now = clock()
      const tasks = new Set<PartitionTask<Output, State>>()
      const ended: Delivery<Output, State>[] = []
      for (let i = 0; i < prepared; i++) {
        const delivery = queue[i]!
        const { task, batch } = delivery
        if (batch.messages.length > delivery.at) {
          delivery.at = task.take(batch.topic, batch.messages, delivery.at, transaction, now)
          tasks.add(task)
        }
        if (delivery.at < batch.messages.length) break
        ended.push(delivery)
      }
      queue.splice(0, ended.length)
      const offsets: PartitionOffset[] = []
      for (const task of tasks) offsets.push(...task.seal(transaction, now))
      for (const delivery of ended) delivery.taken()
      if (tasks.size > 0) {
        await producer.commit(transaction.content, offsets, member)
        for (const task of tasks) task.committed()
        transaction.count(metrics, clock())
        if (committed) for (const output of transaction.outputs) committed(output)
      }
      for (const delivery of ended) delivery.committed()
      return { records: transaction.records, ended }
    } catch (error) {
      const isFenced = error instanceof ProducerFenced || error instanceof NotAMember
      metrics.transactions[isFenced ? 'fenced' : 'failed'].inc()
      this.#queue = []
      failed(error, member)
      return NOTHING
    }
  }

  /** False where the queue was dropped before all of it could be decoded. */
  async #prepare(queue: readonly Delivery<Output, State>[]): Promise<boolean> {
    const { sleep, logger, obstacle } = this.#options
    let backoff = FIRST_BACKOFF_MS
    for (let i = 0; i < queue.length; ) {
      const { task, batch } = queue[i]!
      try {
        await task.prepare(batch.topic, batch.messages)
        i++
      } catch (error) {
        if (!(error instanceof RegistryUnavailable || error instanceof RegistryRefused)) throw error
        obstacle(error.message)
        logger.warn(
          { topic: batch.topic, partition: batch.partition, error: error.message, retryInMs: backoff },
          'waiting for the schema registry',
        )
        await sleep(backoff)
        backoff = Math.min(backoff * 2, LONGEST_BACKOFF_MS)
        obstacle(undefined)
      }
      if (queue !== this.#queue) return false
    }
    return true
  }
}

const NOTHING = { records: 0, ended: [] } as const
