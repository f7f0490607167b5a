import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import {
  RecordDecoder,
  RecordEncoder,
  type RecordName,
  type RecordTypes,
  RegistryRefused,
  SchemaRegistry,
} from '@wardline/events'
import type { Kafka } from 'kafkajs'
import { accessRefused } from './client/access-refused.ts'
import { GroupMembership } from './client/group-membership.ts'
import type { GroupMember } from './client/group-offset-requests.ts'
import { createKafka, KafkaJSProtocolError } from './client/kafka.ts'
import { isUnanswered } from './client/kafkajs-internals.ts'
import { PartitionFetcher } from './client/partition-fetcher.ts'
import { PartitionReader } from './client/partition-reader.ts'
import { breakSockets, closeForgottenSockets } from './client/sockets.ts'
import { NotAMember, TransactionalProducer } from './client/transactional-producer.ts'
import { ControlReader } from './control-reader.ts'
import { describe, type Logger } from './logger.ts'
import type { StageMetrics } from './metrics.ts'
import { OffsetsUndecided, PartitionTask, type TaskDeps } from './partition-task.ts'
import type { StageSettings } from './settings.ts'
import type { Spans } from './spans.ts'
import type { Stage } from './stage.ts'
import type { StateStore } from './state.ts'
import { groupId, TOPICS, transactionalId } from './topics.ts'
import { TraceContext } from './trace-context.ts'
import { TransactionLoop } from './transaction-loop.ts'

export interface StageRunnerOptions<Output extends RecordName, State extends Record<string, StateStore>> {
  readonly stage: Stage<Output, State>
  readonly settings: StageSettings
  readonly metrics: StageMetrics
  readonly logger: Logger
  readonly clock: () => number
  /** Called with each output after its transaction has committed. */
  readonly committed?: (output: RecordTypes[Output]) => void
  readonly spans?: Spans
}

const FIRST_BACKOFF_MS = 50
/** An outage ends when the broker answers again, not some seconds later. */
const LONGEST_BACKOFF_MS = 1_000
const LAG_INTERVAL_MS = 2_000
/** A registry that has just started answers before it has read its journal, and knows no schema for some seconds. */
const MISSING_SCHEMA_PATIENCE_MS = 10_000
/** A partition whose events are asked for while others' wait has a connection of its own, up to so many. */
const EVENT_CONNECTIONS = 8
/** An input table that brings nothing for this long while events wait for it counts as read. */
const TABLE_PATIENCE_MS = 10_000
interface Slot<Output extends RecordName, State extends Record<string, StateStore>> {
  readonly task: PartitionTask<Output, State>
  ready: boolean
  /** By topic, the offset after all that has come, control records included. */
  readonly fetched: Map<string, number>
  /** By topic, the offset after all that has been worked on, control records included. */
  readonly done: Map<string, number>
}

/**
 * Runs a stage: joins the group, opens a task for each partition it is given, has what is read go into transactions, and
 * starts over after an outage. Never gives up by itself; `stop` ends it.
 */
export class StageRunner<Output extends RecordName, State extends Record<string, StateStore>> {
  readonly #options: StageRunnerOptions<Output, State>
  readonly #kafka: Kafka
  readonly #registry: SchemaRegistry
  readonly #reader: PartitionReader
  /** Absent where the stage takes no control records. */
  readonly #control: ControlReader | undefined
  readonly #logger: Logger
  readonly #topics: readonly string[]
  readonly #tableTopics: ReadonlySet<string>
  readonly #slots = new Map<number, Slot<Output, State>>()
  readonly #stopping = new AbortController()
  readonly #events: PartitionFetcher
  /** By itself: tables mostly have nothing, and events must not wait for that. */
  readonly #tables: PartitionFetcher
  readonly #membership: GroupMembership
  readonly #producer: TransactionalProducer
  readonly #loop: TransactionLoop<Output, State>
  /** Each goes on when the group next confirms that this process is a member. */
  readonly #awaitingConfirmation: (() => void)[] = []
  #deps: TaskDeps<Output, State> | undefined
  #member: GroupMember = { memberId: '', generationId: -1 }
  /** Counts how often the tasks have been opened or let go; what belongs to an earlier time is dropped. */
  #epoch = 0
  #joined = false
  /** What the loop waits for. */
  #obstacle: string | undefined
  #failures = 0
  #reason = 'starting'
  #done: Promise<void> | undefined

  constructor(options: StageRunnerOptions<Output, State>) {
    this.#options = options
    this.#logger = options.logger
    this.#kafka = createKafka(options.settings.broker, `wardline-${options.stage.name}`, options.logger)
    this.#registry = new SchemaRegistry(options.settings.registry)
    this.#reader = new PartitionReader(this.#kafka)
    this.#control = this.#createControl()
    const { inputs } = options.stage
    this.#topics = inputs.map((input) => input.topic)
    this.#tableTopics = new Set(inputs.filter((input) => input.role === 'table').map((input) => input.topic))
    const { settings } = options
    const unanswered = () => breakSockets(this.#kafka)
    const fetching = {
      connect: () => new PartitionReader(this.#kafka),
      maxWaitMs: settings.fetchMaxWaitMs,
      logger: this.#logger,
      sleep: (ms: number) => this.#sleep(ms),
      unanswered,
    }
    this.#events = new PartitionFetcher({ ...fetching, maxConnections: EVENT_CONNECTIONS })
    this.#tables = new PartitionFetcher({ ...fetching, maxConnections: 1 })
    this.#membership = new GroupMembership({
      kafka: this.#kafka,
      groupId: groupId(options.stage.name),
      topics: this.#topics,
      sessionTimeoutMs: settings.sessionTimeoutMs,
      rebalanceTimeoutMs: settings.rebalanceTimeoutMs,
      heartbeatIntervalMs: settings.heartbeatIntervalMs,
      assigned: (partitions, member) => this.#assigned(partitions, member),
      rebalancing: () => this.#notReady('rebalancing'),
      confirmed: () => this.#confirmed(),
      unanswered,
    })
    const { metrics, clock, committed } = options
    this.#producer = new TransactionalProducer({
      kafka: this.#kafka,
      transactionalId: transactionalId(options.stage.name, randomUUID()),
      groupId: groupId(options.stage.name),
      transactionTimeoutMs: settings.transactionTimeoutMs,
      sleep: delay,
    })
    this.#loop = new TransactionLoop({
      producer: this.#producer,
      metrics,
      clock,
      logger: this.#logger,
      intervalMs: settings.transactionIntervalMs,
      sleep: (ms) => this.#sleep(ms),
      member: () => this.#member,
      committed,
      failed: (error, member) => this.#failed(error, member),
      obstacle: (reason) => {
        this.#obstacle = reason
        this.#updateReady()
      },
    })
  }

  /** Whether the stage is in its group with every partition open, and if not, why. */
  health(): { ready: boolean; reason: string } {
    if (this.#stopping.signal.aborted) return { ready: false, reason: 'stopping' }
    if (!this.#joined) return { ready: false, reason: this.#reason }
    if (this.#obstacle !== undefined) return { ready: false, reason: this.#obstacle }
    for (const [partition, slot] of this.#slots) {
      if (!slot.ready) return { ready: false, reason: `opening partition ${partition}` }
    }
    return { ready: true, reason: 'ready' }
  }

  /** Begins; returns at once. `done` settles after `stop`, or rejects where waiting cannot help (a schema that is not registered). */
  start(): void {
    this.#done = this.#run()
  }

  get done(): Promise<void> {
    return this.#done ?? Promise.resolve()
  }

  /** Finishes the transaction at hand, leaves the group, closes the connections. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#done
  }

  async #run(): Promise<void> {
    const lagTimer = setInterval(() => void this.#reportIdleLag(), LAG_INTERVAL_MS)
    let following: Promise<void> | undefined
    let working: Promise<void> | undefined
    try {
      this.#deps = await this.#untilAnswered(() => this.#prepare())
      await this.#untilAnswered(() => this.#control?.catchUp(), `reading ${TOPICS.control}`)
      following = this.#control?.follow()
      working = this.#loop.run(this.#stopping.signal)
      while (!this.#stopping.signal.aborted) {
        const error = await this.#membership.hold(this.#stopping.signal, () => this.#beforeLeaving())
        if (this.#stopping.signal.aborted) break
        // Not an answer of the broker, but none: the tasks' connections are no better than the consumer's.
        if (!(error instanceof KafkaJSProtocolError)) breakSockets(this.#kafka)
        await this.#backOff('the consumer ended; starting it again', error)
      }
    } finally {
      clearInterval(lagTimer)
      this.#stopping.abort()
      await working
      await Promise.allSettled([this.#events.close(), this.#tables.close(), this.#producer.close()])
      await this.#reader.close().catch(() => {})
      await this.#control?.close()
      await following
      await this.#options.spans?.close()
      closeForgottenSockets(this.#kafka)
      this.#options.metrics.setReady(false)
    }
  }

  #createControl(): ControlReader | undefined {
    const { stage, metrics, clock } = this.#options
    const { takeControl } = stage
    if (!takeControl) return undefined
    return new ControlReader({
      createReader: () => new PartitionReader(this.#kafka),
      decoder: new RecordDecoder('PolicyControl', this.#registry, clock),
      take: (value, key) => takeControl(value, key),
      metrics,
      logger: this.#logger,
      clock,
      sleep: (ms) => this.#sleep(ms),
    })
  }

  async #prepare(): Promise<TaskDeps<Output, State>> {
    const { stage, metrics, clock, settings, committed, spans } = this.#options
    const schemaId = await this.#registry.idOf(stage.output.topic, stage.output.record)
    const decoders = new Map(
      stage.inputs.map((input) => [
        input.topic,
        new RecordDecoder(input.record as RecordName, this.#registry, clock),
      ]),
    )
    const { topic: outputTopic, repartition } = stage.output
    const outputPartitions = (await this.#reader.partitions(outputTopic)).length
    const repartitionPartitions = repartition ? (await this.#reader.partitions(repartition.topic)).length : 0
    for (const topic of this.#topics) await this.#reader.partitions(topic)
    return {
      stage,
      encoder: new RecordEncoder(stage.output.record, schemaId),
      decoders,
      reader: this.#reader,
      metrics,
      logger: this.#logger,
      sleep: (ms) => this.#sleep(ms),
      maxTransactionRecords: settings.maxTransactionRecords,
      outputPartitions,
      repartitionPartitions,
      keepOutputs: committed !== undefined,
      traces: new TraceContext(settings.tracing?.share),
      spans,
    }
  }

  /** What waits is dropped; the transaction at hand is finished, where the process ends, while the partitions are still ours. */
  async #beforeLeaving(): Promise<void> {
    this.#notReady('not in the group')
    this.#letGo()
    const ended = this.#loop.clear()
    if (this.#stopping.signal.aborted) await ended
  }

  /** From here on nothing that was asked for before counts. */
  #letGo(): number {
    this.#events.forgetAll()
    this.#tables.forgetAll()
    for (const slot of this.#slots.values()) slot.ready = false
    return ++this.#epoch
  }

  #isOver(epoch: number): boolean {
    return epoch !== this.#epoch || this.#stopping.signal.aborted
  }

  /** The group has given us these partitions, and no others. */
  #assigned(partitions: readonly number[], member: GroupMember): void {
    this.#member = member
    for (const partition of this.#slots.keys()) {
      if (partitions.includes(partition)) continue
      this.#slots.delete(partition)
      this.#options.metrics.forgetPartition(partition)
    }
    for (const partition of partitions) {
      if (this.#slots.has(partition)) continue
      const task = new PartitionTask(partition, this.#deps!)
      this.#slots.set(partition, { task, ready: false, fetched: new Map(), done: new Map() })
    }
    this.#joined = true
    this.#logger.info({ partitions, generation: member.generationId }, 'joined the group')
    void this.#openAll(this.#letGo())
    this.#updateReady()
  }

  /**
   * A transaction did not commit, or nobody knows, or one of before stays undecided: `open` settles that. A producer that was
   * fenced goes on, too, as long as the group takes it for a member: whoever got one of its partitions ended what it seemed to
   * have left open.
   */
  #failed(error: unknown, member: GroupMember): void {
    if (isUnanswered(error)) breakSockets(this.#kafka)
    const epoch = this.#letGo()
    this.#failures++
    const wait = Math.min(FIRST_BACKOFF_MS * 2 ** Math.min(this.#failures - 1, 10), LONGEST_BACKOFF_MS)
    this.#logger.warn(
      { error: describe(error), retryInMs: wait },
      error instanceof OffsetsUndecided
        ? 'opening the partitions again'
        : 'the transaction did not commit; opening the partitions again',
    )
    this.#updateReady()
    // Whoever is not in the group at the moment opens them when it is again.
    if (!this.#joined) return
    // A member of an earlier generation, and the present one has been told since: no need to wait for it.
    const mayGoOn =
      error instanceof NotAMember && member === this.#member
        ? new Promise<void>((resolve) => this.#awaitingConfirmation.push(resolve))
        : this.#sleep(wait)
    void mayGoOn.then(() => this.#openAll(epoch))
  }

  /** A heartbeat was answered. */
  #confirmed(): void {
    for (const go of this.#awaitingConfirmation.splice(0)) go()
  }

  /** Opens every task, trying until it succeeds or something else has happened. */
  async #openAll(epoch: number): Promise<void> {
    // Whoever waited to open them may come late: what waits in the loop then belongs to those that are open.
    if (this.#isOver(epoch)) return
    await this.#loop.clear()
    if (!(await this.#untilOver(epoch, () => this.#producer.fence(), 'the producer cannot be fenced yet')))
      return
    for (const slot of this.#slots.values()) void this.#open(slot, epoch)
  }

  async #open(slot: Slot<Output, State>, epoch: number): Promise<void> {
    const { task } = slot
    const { partition } = task
    slot.fetched.clear()
    slot.done.clear()
    const isOver = () => this.#isOver(epoch)
    const open = async () => {
      try {
        await task.open(this.#producer, isOver)
      } catch (error) {
        if (!(error instanceof OffsetsUndecided)) throw error
        // What this producer itself has left pending ends when it is fenced.
        this.#failed(error, this.#member)
      }
    }
    if (await this.#untilOver(epoch, open, 'partition cannot be opened yet', { partition }))
      await this.#readInOrder(slot, epoch)
  }

  /** Tries again after a failure; false where the epoch is over. */
  async #untilOver(
    epoch: number,
    attempt: () => Promise<void>,
    failure: string,
    of: { readonly partition?: number } = {},
  ): Promise<boolean> {
    for (let backoff = FIRST_BACKOFF_MS; !this.#isOver(epoch); backoff *= 2) {
      try {
        await attempt()
        break
      } catch (error) {
        if (isUnanswered(error)) breakSockets(this.#kafka)
        const retryInMs = Math.min(backoff, LONGEST_BACKOFF_MS)
        this.#logger.warn({ ...of, error: describe(error), retryInMs }, failure)
        await this.#sleep(retryInMs)
      }
    }
    return !this.#isOver(epoch)
  }

  /** Tables first, to the end that they have now; then events. */
  async #readInOrder(slot: Slot<Output, State>, epoch: number): Promise<void> {
    const { task } = slot
    const tables = [...this.#tableTopics]
    const events = this.#topics.filter((topic) => !this.#tableTopics.has(topic))
    try {
      const ends = await Promise.all(
        tables.map(async (topic) => {
          const { end } = await this.#untilAnswered(() => this.#reader.bounds(topic, task.partition))
          return { topic, end }
        }),
      )
      if (this.#isOver(epoch)) return
      for (const topic of tables) this.#want(slot, epoch, topic)
      let progressAt = performance.now()
      let sumBefore = -1
      for (;;) {
        let behind = false
        let sum = 0
        for (const { topic, end } of ends) {
          const at = reached(slot, topic)
          sum += at
          if (at < end) behind = true
        }
        if (!behind) break
        if (sum !== sumBefore) {
          sumBefore = sum
          progressAt = performance.now()
        } else if (performance.now() - progressAt > TABLE_PATIENCE_MS) {
          this.#logger.warn({ partition: task.partition, tables }, 'tables brought nothing new; events go on')
          break
        }
        await this.#sleep(20)
        if (this.#isOver(epoch)) return
      }
      for (const topic of events) this.#want(slot, epoch, topic)
      slot.ready = true
      this.#updateReady()
    } catch (error) {
      if (!this.#isOver(epoch))
        this.#logger.error({ partition: task.partition, error: describe(error) }, 'partition not read')
    }
  }

  /** Asks for what comes after all that has come of the topic. */
  #want(slot: Slot<Output, State>, epoch: number, topic: string): void {
    if (this.#isOver(epoch)) return
    const { task } = slot
    const isTable = this.#tableTopics.has(topic)
    const fetcher = isTable ? this.#tables : this.#events
    fetcher.want({
      topic,
      partition: task.partition,
      offset: slot.fetched.get(topic) ?? task.position(topic),
      deliver: (batch) => {
        const next = Number(batch.lastOffset()) + 1
        slot.fetched.set(topic, next)
        // Where the broker has more, it comes while this is worked on. Where it has not, whoever asks later gets more at once.
        const isBehind = next < Number(batch.lastStableOffset)
        const wantMore = () => this.#want(slot, epoch, topic)
        this.#loop.add({
          task,
          batch,
          isBehind,
          at: 0,
          taken: () => {
            if (isBehind) wantMore()
          },
          committed: () => {
            this.#failures = 0
            slot.done.set(topic, next)
            // How far a table is behind is another thing, and mostly nothing to wait for.
            if (!isTable)
              this.#options.metrics.setLag(task.partition, Math.max(0, Number(batch.highWatermark) - next))
          },
          rested: () => {
            if (!isBehind) wantMore()
          },
        })
      },
      outOfRange: () => void this.#passGap(slot, epoch, topic),
    })
  }

  /** The log does not have what comes next: retention has deleted it, or the log has lost its end. */
  async #passGap(slot: Slot<Output, State>, epoch: number, topic: string): Promise<void> {
    const { task } = slot
    const { partition } = task
    const position = slot.fetched.get(topic) ?? task.position(topic)
    const pass = async () => {
      const { start, end } = await this.#reader.bounds(topic, partition, 'read_uncommitted')
      if (this.#isOver(epoch)) return
      if (start > position) {
        this.#options.metrics.expiredRecords.inc(start - position)
        this.#logger.error(
          { topic, partition, position, start },
          'retention deleted records that were never read',
        )
        task.skipTo(topic, start)
        slot.fetched.set(topic, start)
      } else {
        this.#logger.error(
          { topic, partition, position, end },
          'the topic ends before the position: it has lost records; waiting for it to reach the position again',
        )
        await this.#sleep(LONGEST_BACKOFF_MS)
      }
    }
    if (await this.#untilOver(epoch, pass, 'the bounds of the topic are not known', { partition }))
      this.#want(slot, epoch, topic)
  }

  async #reportIdleLag(): Promise<void> {
    if (!this.#joined || this.#stopping.signal.aborted) return
    const topic = this.#topics[0]!
    for (const [partition, slot] of this.#slots) {
      if (!slot.ready) continue
      try {
        const { end } = await this.#reader.bounds(topic, partition, 'read_uncommitted')
        this.#options.metrics.setLag(partition, Math.max(0, end - reached(slot, topic)))
      } catch {
        return
      }
    }
    const totals = new Map<string, { entries: number; evictions: number }>()
    for (const slot of this.#slots.values()) {
      for (const store of slot.task.stores) {
        const total = totals.get(store.name) ?? { entries: 0, evictions: 0 }
        totals.set(store.name, {
          entries: total.entries + store.entries,
          evictions: total.evictions + store.evictions,
        })
      }
    }
    for (const [store, { entries, evictions }] of totals)
      this.#options.metrics.setStore(store, entries, evictions)
  }

  /** Repeats while broker or registry do not answer; passes on what waiting cannot mend. */
  async #untilAnswered<T>(attempt: () => Promise<T> | T, doing?: string): Promise<T> {
    if (doing !== undefined) this.#reason = doing
    let backoff = FIRST_BACKOFF_MS * 4
    let missingSince: number | undefined
    for (;;) {
      try {
        return await attempt()
      } catch (error) {
        if (this.#stopping.signal.aborted || error instanceof RegistryRefused) throw error
        if (error instanceof Error && error.name === 'SchemaNotRegistered') {
          missingSince ??= performance.now()
          if (performance.now() - missingSince > MISSING_SCHEMA_PATIENCE_MS) throw error
        } else missingSince = undefined
        const refused = await accessRefused(error, this.#options.settings.broker)
        if (refused) throw refused
        this.#reason = doing === undefined ? describe(error) : `${doing}: ${describe(error)}`
        this.#logger.warn(
          { error: describe(error), retryInMs: backoff, ...(doing === undefined ? {} : { doing }) },
          'waiting for the broker and the registry',
        )
        await this.#sleep(backoff)
        backoff = Math.min(backoff * 2, LONGEST_BACKOFF_MS)
      }
    }
  }

  async #backOff(message: string, error: unknown): Promise<void> {
    this.#failures++
    const wait = Math.min(FIRST_BACKOFF_MS * 2 ** Math.min(this.#failures - 1, 10), LONGEST_BACKOFF_MS)
    this.#reason = describe(error)
    this.#logger.warn({ error: describe(error), retryInMs: wait }, message)
    await this.#sleep(wait)
  }

  async #sleep(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#stopping.signal }).catch(() => {})
  }

  #notReady(reason: string): void {
    this.#joined = false
    this.#reason = reason
    this.#updateReady()
  }

  #updateReady(): void {
    this.#options.metrics.setReady(this.health().ready)
  }
}

/** Offset after all of a topic that has been worked on, control records included. */
const reached = <Output extends RecordName, State extends Record<string, StateStore>>(
  { task, done }: Slot<Output, State>,
  topic: string,
) => Math.max(task.position(topic), done.get(topic) ?? 0)
