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
import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs'
import { accessRefused } from './client/access-refused.ts'
import { copartitionAssigner } from './client/copartition-assigner.ts'
import { createKafka, KafkaJSProtocolError } from './client/kafka.ts'
import { type FetchedMessage, isUnanswered } from './client/kafkajs-internals.ts'
import { leaveGroup } from './client/leave-group.ts'
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
/** An input table that brings nothing for this long while events wait for it counts as read. */
const TABLE_PATIENCE_MS = 10_000
/** Partitions' batches that kafkajs may hand over at once: above any sensible partition count of one process. */
const CONCURRENT_BATCHES = 256

interface Slot<Output extends RecordName, State extends Record<string, StateStore>> {
  readonly task: PartitionTask<Output, State>
  /** Assignment that opened it; batches of an earlier one are dropped. */
  assignment: number
  ready: boolean
  /** Ends when the batch before has ended: one batch of a task at a time. */
  turn: Promise<void>
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
  readonly #slots = new Map<number, Slot<Output, State>>()
  readonly #stopping = new AbortController()
  /** How far kafkajs has read, control records included, by `topic/partition`; what lag is measured from. */
  readonly #fetched = new Map<string, number>()
  #deps: TaskDeps<Output, State> | undefined
  #consumer: Consumer | undefined
  #assignment = 0
  #joined = false
  #failures = 0
  /** As which the last consumer was in the group, until it has left. */
  #formerMember: string | undefined
  #reason = 'starting'
  #done: Promise<void> | undefined

  constructor(options: StageRunnerOptions<Output, State>) {
    this.#options = options
    this.#logger = options.logger
    this.#kafka = createKafka(options.settings.broker, `wardline-${options.stage.name}`, options.logger)
    this.#registry = new SchemaRegistry(options.settings.registry)
    this.#reader = new PartitionReader(this.#kafka)
    this.#control = this.#createControl()
    this.#topics = options.stage.inputs.map((input) => input.topic)
  }

  /** Whether the stage is in its group with every partition open, and if not, why. */
  health(): { ready: boolean; reason: string } {
    if (this.#stopping.signal.aborted) return { ready: false, reason: 'stopping' }
    if (!this.#joined) return { ready: false, reason: this.#reason }
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
        const error = await this.#consume()
        if (this.#stopping.signal.aborted) break
        // Not an answer of the broker, but none: the tasks' connections are no better than the consumer's.
        if (!(error instanceof KafkaJSProtocolError)) breakSockets(this.#kafka)
        await this.#backOff('the consumer ended; starting it again', error)
      }
    } finally {
      clearInterval(lagTimer)
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

  /** One life of a kafkajs consumer; returns why it ended. */
  async #consume(): Promise<unknown> {
    const { settings, stage } = this.#options
    const consumer = this.#kafka.consumer({
      groupId: groupId(stage.name),
      partitionAssigners: [copartitionAssigner],
      sessionTimeout: settings.sessionTimeoutMs,
      rebalanceTimeout: settings.rebalanceTimeoutMs,
      heartbeatInterval: settings.heartbeatIntervalMs,
      maxWaitTimeInMs: settings.fetchMaxWaitMs,
      maxBytesPerPartition: 1_048_576,
      allowAutoTopicCreation: false,
      // The loop above starts consumers anew: one place that waits, logs and stays unready.
      retry: { retries: 5, restartOnFailure: async () => false },
    })
    this.#consumer = consumer
    const ended = new Promise<unknown>((resolve) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => resolve(payload.error))
      this.#stopping.signal.addEventListener('abort', () => resolve(undefined), { once: true })
    })
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      this.#formerMember = payload.memberId
      this.#assigned(payload.memberAssignment)
    })
    // kafkajs would ask five times more on the same connection before it gives up.
    consumer.on(consumer.events.REQUEST_TIMEOUT, () => breakSockets(this.#kafka))
    consumer.on(consumer.events.REBALANCING, () => this.#notReady('rebalancing'))
    consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
      // Control records and aborted transactions alone: eachBatch does not see them.
      if (payload.batchSize === 0)
        this.#fetched.set(`${payload.topic}/${payload.partition}`, Number(payload.lastOffset) + 1)
    })
    try {
      await consumer.connect()
      if (this.#formerMember !== undefined)
        await leaveGroup(this.#kafka, groupId(stage.name), this.#formerMember)
      this.#formerMember = undefined
      await consumer.subscribe({ topics: [...this.#topics], fromBeginning: true })
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: CONCURRENT_BATCHES,
        eachBatch: (payload) => this.#eachBatch(payload),
      })
      return await ended
    } catch (error) {
      return error
    } finally {
      this.#notReady('not in the group')
      this.#assignment++
      await consumer.disconnect().catch(() => {})
    }
  }

  /** Runs synchronously when kafkajs has joined, before it fetches. */
  #assigned(memberAssignment: Record<string, number[]>): void {
    const assignment = ++this.#assignment
    const partitions = new Set(memberAssignment[this.#topics[0]!] ?? [])
    this.#consumer!.pause(this.#topics.map((topic) => ({ topic, partitions: memberAssignment[topic] ?? [] })))
    this.#fetched.clear()
    for (const [partition, slot] of this.#slots) {
      if (partitions.has(partition)) continue
      this.#slots.delete(partition)
      this.#options.metrics.forgetPartition(partition)
      void slot.turn.then(() => slot.task.close()).catch(() => {})
    }
    for (const partition of partitions) {
      const known = this.#slots.get(partition)
      const slot = known ?? {
        task: this.#createTask(partition),
        assignment,
        ready: false,
        turn: Promise.resolve(),
      }
      slot.assignment = assignment
      slot.ready = false
      this.#slots.set(partition, slot)
      slot.turn = slot.turn
        .then(() => this.#open(slot, assignment))
        .catch((error: unknown) => {
          this.#logger.error({ partition, error: describe(error) }, 'partition not opened')
        })
    }
    this.#joined = true
    this.#logger.info({ partitions: [...partitions], assignment }, 'joined the group')
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
    const consumer = this.#consumer!
    for (const topic of this.#topics) {
      consumer.seek({ topic, partition: task.partition, offset: String(task.position(topic)) })
    }
    // Not awaited: tables are caught up by batches, and batches wait for this turn to end.
    void this.#resumeInOrder(slot, assignment)
  }

  /** Tables first, to the end that they have now; then events. */
  async #resumeInOrder(slot: Slot<Output, State>, assignment: number): Promise<void> {
    const { task } = slot
    const resume = (topic: string) => this.#consumer!.resume([{ topic, partitions: [task.partition] }])
    const tables = this.#options.stage.inputs
      .filter((input) => input.role === 'table')
      .map((input) => input.topic)
    const events = this.#options.stage.inputs
      .filter((input) => input.role === 'events')
      .map((input) => input.topic)
    try {
      const ends = await Promise.all(
        tables.map(async (topic) => {
          const { end } = await this.#untilAnswered(() => this.#reader.bounds(topic, task.partition))
          return { topic, end }
        }),
      )
      if (!this.#isCurrent(assignment)) return
      for (const topic of tables) resume(topic)
      let progressAt = performance.now()
      let reached = -1
      for (;;) {
        let behind = false
        let sum = 0
        for (const { topic, end } of ends) {
          const at = Math.max(task.position(topic), this.#fetched.get(`${topic}/${task.partition}`) ?? 0)
          sum += at
          if (at < end) behind = true
        }
        if (!behind) break
        if (sum !== reached) {
          reached = sum
          progressAt = performance.now()
        } else if (performance.now() - progressAt > TABLE_PATIENCE_MS) {
          this.#logger.warn({ partition: task.partition, tables }, 'tables brought nothing new; events go on')
          break
        }
        await this.#sleep(20)
        if (!this.#isCurrent(assignment)) return
      }
      for (const topic of events) resume(topic)
      slot.ready = true
      this.#updateReady()
    } catch (error) {
      if (this.#isCurrent(assignment))
        this.#logger.error({ partition: task.partition, error: describe(error) }, 'partition not resumed')
    }
  }

  async #eachBatch(payload: EachBatchPayload): Promise<void> {
    const { topic, partition, messages } = payload.batch
    const slot = this.#slots.get(partition)
    const assignment = this.#assignment
    if (!slot || slot.assignment !== assignment || messages.length === 0) return
    const started = performance.now()
    const turn = slot.turn.then(() => this.#processBatch(payload, slot, assignment))
    slot.turn = turn.catch(() => {})
    await turn
    if (!this.#isCurrent(assignment) || slot.task.position(topic) <= Number(messages.at(-1)!.offset)) return
    payload.resolveOffset(messages.at(-1)!.offset)
    this.#fetched.set(`${topic}/${partition}`, Number(payload.batch.lastOffset()) + 1)
    const { transactionIntervalMs, maxTransactionRecords } = this.#options.settings
    const rest = restAfter(performance.now() - started, messages.length, {
      intervalMs: transactionIntervalMs,
      fullAt: maxTransactionRecords,
    })
    if (rest > 1) await this.#sleep(rest)
  }

  async #processBatch(
    payload: EachBatchPayload,
    slot: Slot<Output, State>,
    assignment: number,
  ): Promise<void> {
    const { topic, partition, messages, highWatermark } = payload.batch
    const last = Number(messages.at(-1)!.offset)
    const lag = Math.max(0, Number(highWatermark) - 1 - last)
    let backoff = FIRST_BACKOFF_MS
    for (;;) {
      // A batch from a former assignment: the partition may be another process's by now.
      if (assignment !== this.#assignment) return
      try {
        if (!(await this.#withoutGap(payload, slot.task))) return
        await slot.task.process(topic, messages as FetchedMessage[], { lag })
        this.#failures = 0
        return
      } catch (error) {
        if (error instanceof RegistryUnavailable || error instanceof RegistryRefused) {
          this.#notReady(error.message)
          this.#logger.warn(
            { topic, partition, error: error.message, retryInMs: backoff },
            'waiting for the schema registry',
          )
          await this.#sleep(backoff)
          if (this.#stopping.signal.aborted) throw rejoin()
          await payload.heartbeat()
          backoff = Math.min(backoff * 2, 1_000)
          this.#joined = assignment === this.#assignment
          this.#updateReady()
          continue
        }
        // One has waited for nothing; the others' connections, the consumer's too, go the same way.
        if (isUnanswered(error)) breakSockets(this.#kafka)
        slot.ready = false
        this.#updateReady()
        this.#failures++
        const wait = Math.min(FIRST_BACKOFF_MS * 2 ** Math.min(this.#failures - 1, 10), LONGEST_BACKOFF_MS)
        this.#logger.warn(
          { topic, partition, error: describe(error), retryInMs: wait },
          'the transaction did not commit; joining the group again',
        )
        await this.#sleep(wait)
        // Whether it committed, and whether the partition is still ours, is settled by joining anew: open() fences first.
        throw rejoin()
      }
    }
  }

  /**
   * False where the batch begins beyond the position and the records between are still there: then the
   * position is sought again. Where retention has deleted them, says so and goes on.
   */
  async #withoutGap(payload: EachBatchPayload, task: PartitionTask<Output, State>): Promise<boolean> {
    const { topic, partition } = payload.batch
    const fetchedFrom = Number((payload.batch as unknown as { fetchedOffset: string }).fetchedOffset)
    const position = task.position(topic)
    if (fetchedFrom <= Math.max(position, this.#fetched.get(`${topic}/${partition}`) ?? 0)) return true
    const { start } = await this.#reader.bounds(topic, partition)
    if (start <= position) {
      this.#logger.warn(
        { topic, partition, position, fetchedFrom },
        'a batch began beyond the position; seeking back',
      )
      this.#consumer!.seek({ topic, partition, offset: String(position) })
      return false
    }
    this.#options.metrics.expiredRecords.inc(start - position)
    this.#logger.error(
      { topic, partition, position, start },
      'retention deleted records that were never read',
    )
    task.skipTo(topic, start)
    return true
  }

  async #reportIdleLag(): Promise<void> {
    if (!this.#joined || this.#stopping.signal.aborted) return
    const topic = this.#topics[0]!
    for (const [partition, slot] of this.#slots) {
      if (!slot.ready) continue
      try {
        const { end } = await this.#reader.bounds(topic, partition, 'read_uncommitted')
        const at = Math.max(slot.task.position(topic), this.#fetched.get(`${topic}/${partition}`) ?? 0)
        this.#options.metrics.setLag(partition, Math.max(0, end - at))
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

/** Makes kafkajs join the group anew. */
const rejoin = () =>
  new KafkaJSProtocolError(
    Object.assign(new Error('joining the group again'), {
      type: 'REBALANCE_IN_PROGRESS',
      code: 27,
      retriable: true,
    }),
  )

function describe(error: unknown): string {
  if (error instanceof Error) return `${error.name}: ${error.message}`.slice(0, 300)
  return String(error).slice(0, 300)
}
