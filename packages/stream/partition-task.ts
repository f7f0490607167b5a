import {
  type Category,
  DecodeFailure,
  type RecordDecoder,
  type RecordEncoder,
  type RecordName,
  type RecordTypes,
} from '@wardline/events'
import type { FetchedMessage, OutMessage } from './client/kafkajs-internals.ts'
import type { PartitionReader } from './client/partition-reader.ts'
import { partitionOf } from './client/partitioner.ts'
import type { RecordBatchWriter } from './client/record-batch-writer.ts'
import { offsetOf, timestampOf } from './client/record-batches.ts'
import {
  type InputOffset,
  ProducerFenced,
  type TransactionalProducer,
  TransactionContent,
} from './client/transactional-producer.ts'
import { deadLetterMessage } from './dead-letter.ts'
import { encodePositions, joinPositions, POSITION_KEY, readPositions } from './input-positions.ts'
import type { Logger } from './logger.ts'
import type { StageMetrics } from './metrics.ts'
import type { DeadLetterReason, StageResult } from './results.ts'
import type { RecordSpan, Spans } from './spans.ts'
import type { RecordContext, Stage, StageInput } from './stage.ts'
import type { StateStore } from './state.ts'
import { deadLetterTopic, stateTopic } from './topics.ts'
import type { RecordTrace, TraceContext, TraceHeaders } from './trace-context.ts'

/** What all tasks of a stage process share. */
export interface TaskDeps<Output extends RecordName, State extends Record<string, StateStore>> {
  readonly stage: Stage<Output, State>
  readonly encoder: RecordEncoder<Output>
  readonly decoders: ReadonlyMap<string, RecordDecoder<RecordName>>
  readonly reader: PartitionReader
  readonly metrics: StageMetrics
  readonly logger: Logger
  readonly clock: () => number
  readonly maxTransactionRecords: number
  /** Partitions of the output topic. */
  readonly outputPartitions: number
  /** Partitions of the topic that outputs are repartitioned to; 0 where there is none. */
  readonly repartitionPartitions: number
  /** Called with each output after its transaction has committed; absent where nobody asks. */
  readonly committed: ((output: RecordTypes[Output]) => void) | undefined
  readonly traces: TraceContext
  /** Absent where no spans are exported. */
  readonly spans: Spans | undefined
}

/** Outputs a transaction may hold, bytes: well below the topics' max.message.bytes, which bounds one partition's share of it. */
const MAX_TRANSACTION_BYTES = 1_048_576
/** One output may be this large; the topics take 4 MiB, record overhead included. */
const MAX_OUTPUT_BYTES = 3_500_000

/** Transactions of at least so many records write to nearly the same partitions each time. */
const BEGIN_EARLY_FROM = 16

type AnyInput<Output extends RecordName, State> = StageInput<State, RecordTypes[Output]>

/**
 * One partition of a stage: its inputs' partitions of that number, its state, and the producer that fences
 * whoever had them before. Batches of one task run one after the other (the caller sees to it).
 */
export class PartitionTask<Output extends RecordName, State extends Record<string, StateStore>> {
  readonly partition: number
  readonly #deps: TaskDeps<Output, State>
  readonly #producer: TransactionalProducer
  readonly #inputs: ReadonlyMap<string, AnyInput<Output, State>>
  readonly #logger: Logger
  #state: State
  #stores: readonly StateStore[]
  /** Next offset of each input; what #state stands for. Undefined until the first restore. */
  #positions: Map<string, number> | undefined
  /** Those of #positions that a transaction has stood for: where nothing was ever read, there is nothing to lose. */
  #recorded: ReadonlyMap<string, number> = new Map()
  /** Positions after the transaction whose outcome is unknown; its changes wait in the overlays. */
  #undecided: Map<string, number> | undefined
  #eventTime = 0
  readonly #keyBytes = new KeyBytes()

  constructor(partition: number, producer: TransactionalProducer, deps: TaskDeps<Output, State>) {
    this.partition = partition
    this.#deps = deps
    this.#producer = producer
    this.#inputs = new Map(deps.stage.inputs.map((input) => [input.topic, input]))
    this.#logger = deps.logger.child({ partition })
    this.#state = deps.stage.createState()
    this.#stores = Object.values(this.#state)
  }

  /** Next offset to read of an input. Only after `open`. */
  position(topic: string): number {
    const position = this.#positions?.get(topic)
    if (position === undefined) throw new Error(`partition ${this.partition} of ${topic} is not open`)
    return position
  }

  get stores(): readonly StateStore[] {
    return this.#stores
  }

  /**
   * Takes the partition: fences the former owner, reads how far it came, and brings the state to that
   * point. The order matters: before the fence a transaction may still be committing, and an offset read
   * then would be too old.
   */
  async open(): Promise<void> {
    await this.#producer.fence()
    const committed = await this.#reachedPositions()
    if (this.#undecided && samePositions(this.#undecided, committed)) {
      for (const store of this.#stores) store.merge()
    } else {
      for (const store of this.#stores) store.discard()
      if (!this.#positions || !samePositions(this.#positions, committed)) await this.#restore()
    }
    this.#undecided = undefined
    this.#positions = committed
    this.#logger.info({ positions: Object.fromEntries(committed) }, 'partition taken')
  }

  /** Moves a position past records that retention deleted. */
  skipTo(topic: string, offset: number): void {
    this.#positions!.set(topic, offset)
  }

  /**
   * Runs the messages through the stage, a transaction for each part of them, skipping what is behind the position.
   * Throws ProducerFenced or TransactionFailed: then `open` again, if the partition is still ours; and
   * RegistryUnavailable: then try again later.
   */
  async process(
    topic: string,
    messages: readonly FetchedMessage[],
    headersSeen: { lag: number },
  ): Promise<void> {
    const input = this.#inputs.get(topic)
    const decoder = this.#deps.decoders.get(topic)
    if (!input || !decoder) throw new Error(`${this.#deps.stage.name} has no input ${topic}`)
    await decoder.prepare(messages)
    let from = 0
    const position = this.position(topic)
    while (from < messages.length && offsetOf(messages[from]!) < position) from++
    while (from < messages.length) from = await this.#transaction(input, decoder, messages, from)
    // How far a table is behind is another thing, and mostly nothing to wait for.
    if (input.role === 'events') this.#deps.metrics.setLag(this.partition, headersSeen.lag)
  }

  async close(): Promise<void> {
    await this.#producer.close()
  }

  async #transaction(
    input: AnyInput<Output, State>,
    decoder: RecordDecoder<RecordName>,
    messages: readonly FetchedMessage[],
    from: number,
  ): Promise<number> {
    const { stage, metrics, clock } = this.#deps
    const batch = new Batch<RecordTypes[Output]>(input.role === 'events')
    const limit = Math.min(messages.length, from + this.#deps.maxTransactionRecords)
    // A few records write to other partitions every time: those that join for nothing would cost more than the round saves.
    if (limit - from >= BEGIN_EARLY_FROM) await this.#producer.begin()
    const now = clock()
    let at = from
    let started = performance.now()
    for (; at < limit && batch.bytes < MAX_TRANSACTION_BYTES; at++) {
      const message = messages[at]!
      const result = this.#handle(input, decoder, message, now)
      switch (result.kind) {
        case 'forward':
          this.#addOutputs(batch, message, result.outputs, input.topic, now)
          break
        case 'deadLetter':
          this.#addDeadLetter(batch, message, input.topic, result.reason, result.error, now)
          break
        case 'drop':
          batch.duplicates++
          break
        default:
          result satisfies never
      }
      const ended = performance.now()
      batch.endRecord((ended - started) / 1000)
      started = ended
    }

    for (const store of this.#stores) {
      for (const { key, value } of store.changes(this.#eventTime)) {
        const message: OutMessage = { key: `${store.name}/${key}`, value, timestamp: String(now) }
        batch.content.add(stateTopic(stage.name), this.partition, message)
      }
    }

    const after = new Map(this.#positions)
    after.set(input.topic, offsetOf(messages[at - 1]!) + 1)
    const recorded = new Map(this.#recorded).set(input.topic, after.get(input.topic)!)
    batch.content.add(stateTopic(stage.name), this.partition, {
      key: POSITION_KEY,
      value: encodePositions(recorded),
      timestamp: String(now),
    })
    this.#undecided = after
    const offsets: InputOffset[] = [
      { topic: input.topic, partition: this.partition, offset: after.get(input.topic)! },
    ]
    try {
      await this.#producer.commit(batch.content, offsets)
    } catch (error) {
      metrics.transactions[error instanceof ProducerFenced ? 'fenced' : 'failed'].inc()
      throw error
    }
    for (const store of this.#stores) store.merge()
    this.#positions = after
    this.#recorded = recorded
    this.#undecided = undefined
    this.#count(batch, clock())
    return at
  }

  #handle(
    input: AnyInput<Output, State>,
    decoder: RecordDecoder<RecordName>,
    message: FetchedMessage,
    now: number,
  ): StageResult<RecordTypes[Output]> {
    let value: RecordTypes[RecordName] | null = null
    if (message.value !== null) {
      const decoded = decoder.decode(message.value)
      if (decoded instanceof DecodeFailure)
        return { kind: 'deadLetter', reason: decoded.reason, error: decoded.error }
      value = decoded
    } else if (input.role === 'events') {
      return { kind: 'deadLetter', reason: 'undecodable', error: 'the record has no value' }
    }
    const appendedAt = timestampOf(message)
    if (input.role === 'events') {
      const fedAt = (value as { feedAppendedAt?: number } | null)?.feedAppendedAt ?? appendedAt
      if (fedAt > this.#eventTime) this.#eventTime = fedAt
    }
    const context = new MessageContext(message, this.#state, this.partition, appendedAt, now)
    for (const store of this.#stores) store.beginRecord()
    try {
      // The decoder of this topic gave the value, so it is of the record that the input names.
      const result = input.handle(value as never, context)
      if (result.kind !== 'forward') for (const store of this.#stores) store.undoRecord()
      return result
    } catch (error) {
      for (const store of this.#stores) store.undoRecord()
      const where = { topic: input.topic, offset: message.offset }
      // Only the class and place of the error: its message might quote the record.
      const name = error instanceof Error ? error.name : 'unknown'
      this.#logger.error(
        { ...where, error: name, stack: placeOf(error) },
        'a record could not be processed; dead-lettered',
      )
      return { kind: 'deadLetter', reason: 'processing_failed', error: `${name} in ${this.#deps.stage.name}` }
    }
  }

  #addOutputs(
    batch: Batch<RecordTypes[Output]>,
    message: FetchedMessage,
    outputs: readonly RecordTypes[Output][],
    topic: string,
    now: number,
  ): void {
    const { encoder, traces } = this.#deps
    const trace = traces.of(message.headers)
    const { headers } = trace
    if (outputs.length === 1) {
      // Nearly every record: its bytes go from the encoder's buffer into the batch, nothing else is made of them.
      const output = outputs[0]!
      const length = encoder.encodeToScratch(output)
      if (length > MAX_OUTPUT_BYTES) return this.#refuseOutput(batch, message, topic, length, now)
      batch.forwarded++
      const span = this.#beginSpan(batch, trace, message, topic, now)
      if (span) headers.traceparent = span.traceparent
      this.#write(batch, output, encoder.scratch, length, headers, now)
      return
    }
    const values: Buffer[] = []
    for (const output of outputs) {
      const value = encoder.encode(output)
      if (value.length > MAX_OUTPUT_BYTES) return this.#refuseOutput(batch, message, topic, value.length, now)
      values.push(value)
    }
    batch.forwarded++
    const span = this.#beginSpan(batch, trace, message, topic, now)
    if (span) headers.traceparent = span.traceparent
    for (const [i, value] of values.entries())
      this.#write(batch, outputs[i]!, value, value.length, headers, now)
  }

  #write(
    batch: Batch<RecordTypes[Output]>,
    output: RecordTypes[Output],
    value: Buffer,
    length: number,
    headers: TraceHeaders,
    now: number,
  ): void {
    const { stage, outputPartitions, repartitionPartitions, committed } = this.#deps
    const keyLength = this.#keyBytes.utf8(stage.output.key(output))
    const key = this.#keyBytes.buffer
    batch
      .outputOf(partitionOf(key, outputPartitions, keyLength), stage.output.topic)
      .addParts(key, keyLength, value, length, headers, now)
    batch.bytes += length + keyLength
    const { repartition } = stage.output
    if (repartition?.when(output)) {
      const copyKeyLength = this.#keyBytes.utf8(repartition.key(output))
      const copyKey = this.#keyBytes.buffer
      batch.content
        .batch(repartition.topic, partitionOf(copyKey, repartitionPartitions, copyKeyLength))
        .addParts(copyKey, copyKeyLength, value, length, headers, now)
      batch.bytes += length + copyKeyLength
    }
    batch.categories.push(stage.output.category(output))
    batch.fedAt.push((output as { feedAppendedAt?: number }).feedAppendedAt ?? NOT_FED)
    batch.traces.push(headers.traceparent)
    // What waits for the commit outlives collections of the young generation, so no more of it than somebody asks for.
    if (committed) batch.outputs.push(output)
  }

  #refuseOutput(
    batch: Batch<RecordTypes[Output]>,
    message: FetchedMessage,
    topic: string,
    bytes: number,
    now: number,
  ): void {
    for (const store of this.#stores) store.undoRecord()
    const error = `its ${this.#deps.stage.output.record} would take ${bytes} bytes`
    this.#addDeadLetter(batch, message, topic, 'too_large', error, now)
  }

  #addDeadLetter(
    batch: Batch<RecordTypes[Output]>,
    message: FetchedMessage,
    topic: string,
    reason: DeadLetterReason,
    error: string,
    now: number,
  ): void {
    const { stage } = this.#deps
    const letter = deadLetterMessage(
      message,
      { topic, partition: this.partition },
      stage.name,
      reason,
      error,
      now,
    )
    batch.content.add(deadLetterTopic(stage.name), this.partition, letter)
    batch.bytes += letter.value?.length ?? 0
    batch.deadLetters.push(reason)
    if (!this.#deps.spans) return
    this.#beginSpan(batch, this.#deps.traces.of(message.headers), message, topic, now)?.failed(reason)
  }

  #beginSpan(
    batch: Batch<RecordTypes[Output]>,
    trace: RecordTrace,
    message: FetchedMessage,
    topic: string,
    now: number,
  ): RecordSpan | undefined {
    const { spans } = this.#deps
    if (!spans) return undefined
    const span = spans.begin(trace, { topic, partition: this.partition, offset: message.offset }, now)
    if (span) batch.spans.push(span)
    return span
  }

  /** Counts only what has committed. */
  #count(batch: Batch<RecordTypes[Output]>, committedAt: number): void {
    const { metrics, committed } = this.#deps
    metrics.transactions.committed.inc()
    for (const span of batch.spans) span.end(committedAt)
    for (const reason of batch.deadLetters) metrics.deadLetters[reason].inc()
    for (let i = 0; i < batch.categories.length; i++) {
      const category = batch.categories[i]!
      const fedAt = batch.fedAt[i]!
      // A record's first output answers it; what else comes of it is about earlier events, whose age was measured then.
      const answers = i === 0 || batch.recordOf[i] !== batch.recordOf[i - 1]
      if (batch.areEvents && answers && fedAt !== NOT_FED) {
        const trace = batch.traces[i]!
        const age = Math.max(0, committedAt - fedAt) / 1000
        metrics.age[category].observe(age, committedAt, trace)
        metrics.work[category].observe(batch.seconds[batch.recordOf[i]!]!, committedAt, trace)
      }
    }
    if (committed) for (const output of batch.outputs) committed(output)
    if (!batch.areEvents) return
    if (batch.forwarded > 0) metrics.forwarded.inc(batch.forwarded)
    if (batch.deadLetters.length > 0) metrics.deadLettered.inc(batch.deadLetters.length)
    if (batch.duplicates > 0) metrics.duplicates.inc(batch.duplicates)
  }

  /** By the group's offsets and the stage's own record of them, see joinPositions. */
  async #reachedPositions(): Promise<Map<string, number>> {
    const { stage, reader, metrics } = this.#deps
    const topics = [...this.#inputs.keys()]
    const [committed, own] = await Promise.all([
      this.#producer.committedOffsets(topics, this.partition),
      readPositions(reader, stateTopic(stage.name), this.partition),
    ])
    const ends = new Map<string, number>()
    for (const topic of topics) {
      if ((own?.get(topic) ?? -1) > committed.get(topic)!)
        ends.set(topic, (await reader.bounds(topic, this.partition)).end)
    }
    const { positions, lost, ahead } = joinPositions(committed, own, ends)
    if (lost.length > 0) {
      metrics.offsetsLost.inc()
      this.#logger.error(
        { lost, committed: Object.fromEntries(committed), own: Object.fromEntries(own!) },
        'the broker has lost committed offsets of the group; going on by the own record of them, nothing is read twice',
      )
    }
    if (ahead.length > 0) {
      this.#logger.error(
        { ahead, committed: Object.fromEntries(committed), own: Object.fromEntries(own!) },
        'the state topic is behind the committed offsets: it has lost its end, or a version before this one was in between',
      )
    }
    this.#recorded = new Map([...positions].filter(([, offset]) => offset >= 0))
    for (const [topic, offset] of positions) {
      if (offset >= 0) continue
      const { start } = await reader.bounds(topic, this.partition)
      positions.set(topic, start)
    }
    return positions
  }

  async #restore(): Promise<void> {
    const { stage, reader, metrics } = this.#deps
    this.#state = stage.createState()
    this.#stores = Object.values(this.#state)
    if (this.#stores.length === 0) return
    metrics.restoreBegins(this.partition)
    const byName = new Map(this.#stores.map((store) => [store.name, store]))
    const topic = stateTopic(stage.name)
    const { start, end } = await reader.bounds(topic, this.partition)
    let records = 0
    for await (const messages of reader.read(topic, this.partition, start, end)) {
      for (const message of messages) {
        const key = message.key?.toString('utf8') ?? ''
        const slash = key.indexOf('/')
        // A store that a newer or older version keeps: not ours to read, not ours to delete.
        byName.get(key.slice(0, slash))?.restore(key.slice(slash + 1), message.value)
        records++
      }
    }
    const seconds = metrics.restoreEnds(this.partition)
    this.#logger.info({ records, seconds: Number(seconds.toFixed(3)) }, 'state restored')
  }
}

/** RecordContext over a message; the key becomes text only where a handler reads it. */
class MessageContext<State> implements RecordContext<State> {
  readonly #message: FetchedMessage
  readonly state: State
  readonly partition: number
  readonly offset: number
  readonly appendedAt: number
  readonly bytes: number
  readonly now: number

  constructor(message: FetchedMessage, state: State, partition: number, appendedAt: number, now: number) {
    this.#message = message
    this.state = state
    this.partition = partition
    this.offset = offsetOf(message)
    this.appendedAt = appendedAt
    this.bytes = message.value?.length ?? 0
    this.now = now
  }

  get key(): string {
    return this.#message.key?.toString('utf8') ?? ''
  }
}

/** A key's bytes in a buffer that the next key overwrites. */
class KeyBytes {
  buffer = Buffer.alloc(1_024)

  /** Writes the key; returns its length in bytes. */
  utf8(key: string): number {
    const { length } = key
    if (length * 3 > this.buffer.length) this.buffer = Buffer.alloc(length * 3)
    const { buffer } = this
    // Ids are short and of ASCII: a loop costs less than the way to the native function and back.
    for (let i = 0; i < length; i++) {
      const code = key.charCodeAt(i)
      if (code >= 0x80) return buffer.write(key)
      buffer[i] = code
    }
    return length
  }
}

/** What one transaction gathers. */
const NOT_FED = -1

class Batch<Out> {
  readonly content = new TransactionContent()
  /** Where somebody asks for them. */
  readonly outputs: Out[] = []
  /** Of each output: category, append of its event to the feed (ms, or NOT_FED). */
  readonly categories: Category[] = []
  readonly fedAt: number[] = []
  /** traceparent of each output. */
  readonly traces: (Buffer | string)[] = []
  /** Index of the record that gave each output. */
  readonly recordOf: number[] = []
  /** Work on each record, seconds. */
  readonly seconds: number[] = []
  readonly deadLetters: DeadLetterReason[] = []
  readonly spans: RecordSpan[] = []
  readonly areEvents: boolean
  readonly #outputs: RecordBatchWriter[] = []
  forwarded = 0
  duplicates = 0
  bytes = 0

  constructor(areEvents: boolean) {
    this.areEvents = areEvents
  }

  /** Where the outputs of a partition go. */
  outputOf(partition: number, topic: string): RecordBatchWriter {
    return (this.#outputs[partition] ??= this.content.batch(topic, partition))
  }

  endRecord(seconds: number): void {
    while (this.recordOf.length < this.categories.length) this.recordOf.push(this.seconds.length)
    this.seconds.push(seconds)
  }
}

function samePositions(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): boolean {
  for (const [topic, offset] of a) if (b.get(topic) !== offset) return false
  return a.size === b.size
}

/** The first lines of a stack below the message: where, never what. */
function placeOf(error: unknown): string[] {
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  return stack
    .split('\n')
    .filter((line) => line.trimStart().startsWith('at '))
    .slice(0, 5)
    .map((line) => line.trim())
}
