import { setTimeout as delay } from 'node:timers/promises'
import {
  RecordDecoder,
  RecordEncoder,
  type RecordName,
  type RecordTypes,
  RegistryRefused,
  RegistryUnavailable,
  SchemaRegistry,
} from '@wardline/events'
import type { Kafka } from 'kafkajs'
import { accessRefused } from './client/access-refused.ts'
import type { FetchedBatch } from './client/fetched-batch.ts'
import { GroupMembership } from './client/group-membership.ts'
import { createKafka, KafkaJSProtocolError } from './client/kafka.ts'
import { isUnanswered } from './client/kafkajs-internals.ts'
import { PartitionFetcher } from './client/partition-fetcher.ts'
import { PartitionReader } from './client/partition-reader.ts'
import { breakSockets, closeForgottenSockets } from './client/sockets.ts'
import { TransactionalProducer } from './client/transactional-producer.ts'
import { ControlReader } from './control-reader.ts'
import type { Logger } from './logger.ts'
import type { StageMetrics } from './metrics.ts'
import { PartitionTask, type TaskDeps } from './partition-task.ts'
import type { StageSettings } from './settings.ts'
import type { Spans } from './spans.ts'
import type { Stage } from './stage.ts'
import type { StateStore } from './state.ts'
import { groupId, TOPICS, transactionalId } from './topics.ts'
import { TraceContext } from './trace-context.ts'
import { restAfter } from './transaction-pace.ts'

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
  /** Counts how often its reading has begun or ended; batches of an earlier one are dropped. */
  reading: number
  ready: boolean
  /** What its batch waits for, where it cannot be worked on. */
  obstacle: string | undefined
  /** Ends when the batch before has ended: one batch of a task at a time. */
  turn: Promise<void>
  /** By topic, the offset after all that has come, control records included. */
  readonly fetched: Map<string, number>
  /** By topic, the offset after all that has been worked on, control records included. */
  readonly done: Map<string, number>
}

/**
 * Runs a stage: joins the group, opens a task for each partition it is given, hands batches to the tasks,
 * and starts over after an outage. Never gives up by itself; `stop` ends it.
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
  /** Each goes on when the group next confirms that this process is a member. */
  readonly #awaitingConfirmation: (() => void)[] = []
  #deps: TaskDeps<Output, State> | undefined
  #assignment = 0
  #joined = false
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
      assigned: (partitions) => this.#assigned(partitions),
      rebalancing: () => this.#notReady('rebalancing'),
      confirmed: () => this.#confirmed(),
      unanswered,
    })
  }

  /** Whether the stage is in its group with every partition open, and if not, why. */
  health(): { ready: boolean; reason: string } {
    if (this.#stopping.signal.aborted) return { ready: false, reason: 'stopping' }
    if (!this.#joined) return { ready: false, reason: this.#reason }
    for (const [partition, slot] of this.#slots) {
      if (slot.obstacle !== undefined) return { ready: false, reason: slot.obstacle }
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

  /** Finishes the batches at hand, leaves the group, closes the connections. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#done
  }

  async #run(): Promise<void> {
    const lagTimer = setInterval(() => void this.#reportIdleLag(), LAG_INTERVAL_MS)
    let following: Promise<void> | undefined
    try {
      this.#deps = await this.#untilAnswered(() => this.#prepare())
      await this.#untilAnswered(() => this.#control?.catchUp(), `reading ${TOPICS.control}`)
      following = this.#control?.follow()
      while (!this.#stopping.signal.aborted) {
        const error = await this.#membership.hold(this.#stopping.signal, () => this.#beforeLeaving())
        if (this.#stopping.signal.aborted) break
        // Not an answer of the broker, but none: the tasks' connections are no better than the consumer's.
        if (!(error instanceof KafkaJSProtocolError)) breakSockets(this.#kafka)
        await this.#backOff('the consumer ended; starting it again', error)
      }
    } finally {
      clearInterval(lagTimer)
      await Promise.all([this.#events.close(), this.#tables.close()])
      await Promise.allSettled([...this.#slots.values()].map((slot) => slot.task.close()))
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
      clock,
      maxTransactionRecords: settings.maxTransactionRecords,
      outputPartitions,
      repartitionPartitions,
      committed,
      traces: new TraceContext(settings.tracing?.share),
      spans,
    }
  }

  /** Batches that wait are dropped; those at hand are finished, where the process ends, while the partitions are still ours. */
  async #beforeLeaving(): Promise<void> {
    this.#notReady('not in the group')
    this.#assignment++
    this.#events.forgetAll()
    this.#tables.forgetAll()
    for (const slot of this.#slots.values()) slot.reading++
    if (this.#stopping.signal.aborted)
      await Promise.allSettled([...this.#slots.values()].map((slot) => slot.turn))
  }

  /** The group has given us these partitions: the others' tasks end, these are opened, known ones too. */
  #assigned(partitions: readonly number[]): void {
    const assignment = ++this.#assignment
    this.#events.forgetAll()
    this.#tables.forgetAll()
    for (const [partition, slot] of this.#slots) {
      slot.reading++
      if (partitions.includes(partition)) continue
      this.#slots.delete(partition)
      this.#options.metrics.forgetPartition(partition)
      void slot.turn.then(() => slot.task.close()).catch(() => {})
    }
    for (const partition of partitions) {
      const slot = this.#slots.get(partition) ?? {
        task: this.#createTask(partition),
        reading: 0,
        ready: false,
        turn: Promise.resolve(),
        obstacle: undefined,
        fetched: new Map(),
        done: new Map(),
      }
      this.#slots.set(partition, slot)
      this.#openInTurn(slot, assignment)
    }
    this.#joined = true
    this.#logger.info({ partitions, assignment }, 'joined the group')
    this.#updateReady()
  }

  #createTask(partition: number): PartitionTask<Output, State> {
    const { stage, settings } = this.#options
    const producer = new TransactionalProducer({
      kafka: this.#kafka,
      transactionalId: transactionalId(stage.name, this.#topics[0]!, partition),
      groupId: groupId(stage.name),
      transactionTimeoutMs: settings.transactionTimeoutMs,
      sleep: delay,
    })
    return new PartitionTask(partition, producer, this.#deps!)
  }

  #isCurrent(assignment: number): boolean {
    return assignment === this.#assignment && !this.#stopping.signal.aborted
  }

  /** Opens the slot's task when what it is at has ended. */
  #openInTurn(slot: Slot<Output, State>, assignment: number): void {
    slot.ready = false
    slot.turn = slot.turn
      .then(() => this.#open(slot, assignment))
      .catch((error: unknown) => {
        const { partition } = slot.task
        this.#logger.error({ partition, error: describe(error) }, 'partition not opened')
      })
  }

  /** Opens the task for this assignment, trying until it succeeds or the assignment is over. */
  async #open(slot: Slot<Output, State>, assignment: number): Promise<void> {
    const { task } = slot
    let backoff = FIRST_BACKOFF_MS
    while (this.#isCurrent(assignment)) {
      try {
        await task.open()
        break
      } catch (error) {
        if (isUnanswered(error)) breakSockets(this.#kafka)
        this.#logger.warn(
          { partition: task.partition, error: describe(error), retryInMs: backoff },
          'partition cannot be opened yet',
        )
        await this.#sleep(backoff)
        backoff = Math.min(backoff * 2, LONGEST_BACKOFF_MS)
      }
    }
    if (!this.#isCurrent(assignment)) return
    slot.fetched.clear()
    slot.done.clear()
    // Not awaited: tables are caught up by batches, and batches wait for this turn to end.
    void this.#readInOrder(slot, ++slot.reading, assignment)
  }

  /** Tables first, to the end that they have now; then events. */
  async #readInOrder(slot: Slot<Output, State>, reading: number, assignment: number): Promise<void> {
    const { task } = slot
    const tables = [...this.#tableTopics]
    const events = this.#topics.filter((topic) => !this.#tableTopics.has(topic))
    const isOver = () => reading !== slot.reading || !this.#isCurrent(assignment)
    try {
      const ends = await Promise.all(
        tables.map(async (topic) => {
          const { end } = await this.#untilAnswered(() => this.#reader.bounds(topic, task.partition))
          return { topic, end }
        }),
      )
      if (isOver()) return
      for (const topic of tables) this.#want(slot, reading, topic)
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
        if (isOver()) return
      }
      for (const topic of events) this.#want(slot, reading, topic)
      slot.ready = true
      this.#updateReady()
    } catch (error) {
      if (!isOver())
        this.#logger.error({ partition: task.partition, error: describe(error) }, 'partition not read')
    }
  }

  #fetcherOf(topic: string): PartitionFetcher {
    return this.#tableTopics.has(topic) ? this.#tables : this.#events
  }

  /** Asks for what comes after all that has come of the topic. */
  #want(slot: Slot<Output, State>, reading: number, topic: string): void {
    this.#fetcherOf(topic).want({
      topic,
      partition: slot.task.partition,
      offset: slot.fetched.get(topic) ?? slot.task.position(topic),
      deliver: (batch) => {
        if (reading !== slot.reading) return
        slot.fetched.set(topic, Number(batch.lastOffset()) + 1)
        this.#inTurn(slot, () => this.#work(slot, reading, batch))
      },
      outOfRange: () => this.#inTurn(slot, () => this.#passGap(slot, reading, topic)),
    })
  }

  #inTurn(slot: Slot<Output, State>, work: () => Promise<void>): void {
    slot.turn = slot.turn.then(work).catch((error: unknown) => {
      if (this.#stopping.signal.aborted) return
      this.#logger.error(
        { partition: slot.task.partition, error: describe(error) },
        'a batch could not be worked on',
      )
    })
  }

  async #work(slot: Slot<Output, State>, reading: number, batch: FetchedBatch): Promise<void> {
    if (reading !== slot.reading) return
    const { topic, messages } = batch
    const { transactionIntervalMs, maxTransactionRecords } = this.#options.settings
    // Where there is much, there is more: it comes while this is worked on, one batch ahead.
    const ahead = messages.length * 2 >= maxTransactionRecords
    if (ahead) this.#want(slot, reading, topic)
    const started = performance.now()
    if (messages.length > 0 && !(await this.#process(slot, reading, batch))) return
    slot.done.set(topic, Number(batch.lastOffset()) + 1)
    if (ahead) return
    const rest = restAfter(performance.now() - started, messages.length, {
      intervalMs: transactionIntervalMs,
      fullAt: maxTransactionRecords,
    })
    const wantMore = () => {
      if (reading === slot.reading) this.#want(slot, reading, topic)
    }
    // Control records alone were no transaction. Not awaited: the turn is free for other topics of the partition.
    if (messages.length > 0 && rest > 1) void this.#sleep(rest).then(wantMore)
    else wantMore()
  }

  /** False where the batch is not to be worked on, or has to come again. */
  async #process(slot: Slot<Output, State>, reading: number, batch: FetchedBatch): Promise<boolean> {
    const { topic, partition, messages, highWatermark } = batch
    const lag = Math.max(0, Number(highWatermark) - 1 - Number(messages.at(-1)!.offset))
    let backoff = FIRST_BACKOFF_MS
    while (reading === slot.reading) {
      try {
        await slot.task.process(topic, messages, { lag })
        this.#failures = 0
        return true
      } catch (error) {
        if (error instanceof RegistryUnavailable || error instanceof RegistryRefused) {
          this.#logger.warn(
            { topic, partition, error: error.message, retryInMs: backoff },
            'waiting for the schema registry',
          )
          slot.obstacle = error.message
          this.#updateReady()
          await this.#sleep(backoff)
          backoff = Math.min(backoff * 2, LONGEST_BACKOFF_MS)
          slot.obstacle = undefined
          this.#updateReady()
          if (this.#stopping.signal.aborted) return false
          continue
        }
        // One has waited for nothing; the others' connections, the consumer's too, go the same way.
        if (isUnanswered(error)) breakSockets(this.#kafka)
        this.#failures++
        const wait = Math.min(FIRST_BACKOFF_MS * 2 ** Math.min(this.#failures - 1, 10), LONGEST_BACKOFF_MS)
        this.#logger.warn(
          { topic, partition, error: describe(error), retryInMs: wait },
          'the transaction did not commit; opening the partition again',
        )
        void this.#reopen(slot, wait)
        return false
      }
    }
    return false
  }

  /**
   * After a transaction that did not commit, or of which nobody knows: `open` settles that, and fences. It waits until the
   * group has confirmed that the partition is ours, so that two processes which both take it for theirs do not go on fencing
   * one another: the one that is no member any more is not confirmed.
   */
  async #reopen(slot: Slot<Output, State>, waitMs: number): Promise<void> {
    const assignment = this.#assignment
    slot.reading++
    slot.ready = false
    this.#updateReady()
    for (const topic of this.#topics) this.#fetcherOf(topic).forget(topic, slot.task.partition)
    await this.#sleep(waitMs)
    await new Promise<void>((resolve) => this.#awaitingConfirmation.push(resolve))
    if (this.#isCurrent(assignment) && this.#slots.get(slot.task.partition) === slot)
      this.#openInTurn(slot, assignment)
  }

  #confirmed(): void {
    for (const go of this.#awaitingConfirmation.splice(0)) go()
  }

  /** The log does not have what comes next: retention has deleted it, or the log has lost its end. */
  async #passGap(slot: Slot<Output, State>, reading: number, topic: string): Promise<void> {
    if (reading !== slot.reading) return
    const { task } = slot
    const { partition } = task
    const position = slot.fetched.get(topic) ?? task.position(topic)
    const { start, end } = await this.#untilAnswered(() =>
      this.#reader.bounds(topic, partition, 'read_uncommitted'),
    )
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
    if (reading === slot.reading) this.#want(slot, reading, topic)
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

function describe(error: unknown): string {
  if (error instanceof Error) return `${error.name}: ${error.message}`.slice(0, 300)
  return String(error).slice(0, 300)
}
