import {
  DecodeFailure,
  type RecordDecoder,
  type RecordEncoder,
  type RecordName,
  type RecordTypes,
} from '@wardline/events'
import type { FetchedMessage } from './client/kafkajs-internals.ts'
import type { PartitionOffset, PartitionReader } from './client/partition-reader.ts'
import { partitionOf } from './client/partitioner.ts'
import { offsetOf, timestampOf } from './client/record-batches.ts'
import type { TransactionalProducer } from './client/transactional-producer.ts'
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
import type { Transaction } from './transaction.ts'

/** What all tasks of a stage process share. */
export interface TaskDeps<Output extends RecordName, State extends Record<string, StateStore>> {
  readonly stage: Stage<Output, State>
  readonly encoder: RecordEncoder<Output>
  readonly decoders: ReadonlyMap<string, RecordDecoder<RecordName>>
  readonly reader: PartitionReader
  readonly metrics: StageMetrics
  readonly logger: Logger
  readonly sleep: (ms: number) => Promise<void>
  readonly maxTransactionRecords: number
  /** Partitions of the output topic. */
  readonly outputPartitions: number
  /** Partitions of the topic that outputs are repartitioned to; 0 where there is none. */
  readonly repartitionPartitions: number
  /** Whether somebody asks for the outputs of transactions that have committed. */
  readonly keepOutputs: boolean
  readonly traces: TraceContext
  /** Absent where no spans are exported. */
  readonly spans: Spans | undefined
}

/** One output may be this large; the topics take 4 MiB, record overhead included. */
const MAX_OUTPUT_BYTES = 3_500_000

/** A former owner that lives ends its transaction within this time, ms. */
const ENDING_MS = 250
const LOOK_AGAIN_MS = 20
/** Longer than any owner that lives takes to end its transaction, ms. */
const UNDECIDED_MS = 10_000

type AnyInput<Output extends RecordName, State> = StageInput<State, RecordTypes[Output]>

/** What former owners began has not been decided for long. To be opened anew, with a producer that is fenced anew. */
export class OffsetsUndecided extends Error {
  override readonly name = 'OffsetsUndecided'
}

/** One partition of a stage: its inputs' partitions of that number, and its state. Part of one transaction at a time. */
export class PartitionTask<Output extends RecordName, State extends Record<string, StateStore>> {
  readonly partition: number
  readonly #deps: TaskDeps<Output, State>
  readonly #inputs: ReadonlyMap<string, AnyInput<Output, State>>
  readonly #logger: Logger
  #state: State
  #stores: readonly StateStore[]
  /** Next offset of each input; what #state stands for. Undefined until the first restore. */
  #positions: Map<string, number> | undefined
  /** Those of #positions that a transaction has stood for: where nothing was ever read, there is nothing to lose. */
  #recorded: ReadonlyMap<string, number> = new Map()
  /** Next offset of each input that the transaction at hand has taken records of. */
  readonly #taken = new Map<string, number>()
  /** Positions, and those to be recorded, after the transaction whose outcome is unknown; its changes wait in the overlays. */
  #undecided: Map<string, number> | undefined
  #recording: ReadonlyMap<string, number> = new Map()
  #eventTime = 0
  readonly #keyBytes = new KeyBytes()

  constructor(partition: number, deps: TaskDeps<Output, State>) {
    this.partition = partition
    this.#deps = deps
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
   * Takes the partition: waits until all that its former owners began has been decided, reads how far they came, and brings
   * the state to that point. Only as a member of the group's present generation, with a producer that has been fenced: what
   * a former member begins from now on can no longer be committed. False where `isOver` before. Throws OffsetsUndecided.
   */
  async open(producer: TransactionalProducer, isOver: () => boolean): Promise<boolean> {
    const committed = await this.#decidedOffsets(producer, isOver)
    if (!committed) return false
    const reached = await this.#reachedPositions(committed)
    if (this.#undecided && samePositions(this.#undecided, reached)) {
      for (const store of this.#stores) store.merge()
    } else {
      for (const store of this.#stores) store.discard()
      if (!this.#positions || !samePositions(this.#positions, reached)) await this.#restore()
    }
    this.#taken.clear()
    this.#undecided = undefined
    this.#positions = reached
    this.#logger.info({ positions: Object.fromEntries(reached) }, 'partition taken')
    return true
  }

  /** Moves a position past records that retention deleted. */
  skipTo(topic: string, offset: number): void {
    this.#positions!.set(topic, offset)
  }

  /** Gets ready to take the messages. Throws RegistryUnavailable or RegistryRefused: then try again later. */
  async prepare(topic: string, messages: readonly FetchedMessage[]): Promise<void> {
    await this.#decoderOf(topic).prepare(messages)
  }

  /**
   * Runs messages through the stage into the transaction, from the index on, skipping what is behind the position, as long
   * as they fit in. Returns the index after the last one taken. To be called in one synchronous run with `seal`.
   */
  take(
    topic: string,
    messages: readonly FetchedMessage[],
    from: number,
    transaction: Transaction<RecordTypes[Output]>,
    now: number,
  ): number {
    const input = this.#inputOf(topic)
    const decoder = this.#decoderOf(topic)
    const position = this.#taken.get(topic) ?? this.position(topic)
    let at = from
    while (at < messages.length && offsetOf(messages[at]!) < position) at++
    const first = at
    let started = performance.now()
    for (; at < messages.length; at++) {
      if (transaction.isFull || transaction.records >= this.#deps.maxTransactionRecords) break
      const message = messages[at]!
      const result = this.#handle(input, decoder, message, now)
      let fits = true
      switch (result.kind) {
        case 'forward':
          fits = this.#addOutputs(transaction, message, result.outputs, input, now)
          break
        case 'deadLetter':
          fits = this.#addDeadLetter(transaction, message, input, result.reason, result.error, now)
          break
        case 'drop':
          if (input.role === 'events') transaction.duplicates++
          break
        default:
          result satisfies never
      }
      if (!fits) {
        for (const store of this.#stores) store.undoRecord()
        break
      }
      const ended = performance.now()
      transaction.endRecord((ended - started) / 1000)
      started = ended
    }
    if (at > first) this.#taken.set(topic, offsetOf(messages[at - 1]!) + 1)
    return at
  }

  /** Adds the state's changes and the positions to the transaction; returns the offsets to commit with it. */
  seal(transaction: Transaction<RecordTypes[Output]>, now: number): PartitionOffset[] {
    const topic = stateTopic(this.#deps.stage.name)
    const timestamp = String(now)
    for (const store of this.#stores) {
      for (const { key, value } of store.changes(this.#eventTime))
        transaction.content.add(topic, this.partition, { key: `${store.name}/${key}`, value, timestamp })
    }
    this.#undecided = new Map([...this.#positions!, ...this.#taken])
    this.#recording = new Map([...this.#recorded, ...this.#taken])
    transaction.content.add(topic, this.partition, {
      key: POSITION_KEY,
      value: encodePositions(this.#recording),
      timestamp,
    })
    return [...this.#taken].map(([input, offset]) => ({ topic: input, partition: this.partition, offset }))
  }

  /** The transaction that it was sealed in has committed. Where it has not, `open` finds out what became of it. */
  committed(): void {
    for (const store of this.#stores) store.merge()
    this.#positions = this.#undecided!
    this.#recorded = this.#recording
    this.#undecided = undefined
    this.#taken.clear()
  }

  #inputOf(topic: string): AnyInput<Output, State> {
    const input = this.#inputs.get(topic)
    if (!input) throw new Error(`${this.#deps.stage.name} has no input ${topic}`)
    return input
  }

  #decoderOf(topic: string): RecordDecoder<RecordName> {
    const decoder = this.#deps.decoders.get(topic)
    if (!decoder) throw new Error(`${this.#deps.stage.name} has no input ${topic}`)
    return decoder
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

  /** False where there is no room for them. */
  #addOutputs(
    transaction: Transaction<RecordTypes[Output]>,
    message: FetchedMessage,
    outputs: readonly RecordTypes[Output][],
    input: AnyInput<Output, State>,
    now: number,
  ): boolean {
    const { encoder, traces } = this.#deps
    const trace = traces.of(message.headers)
    const { headers } = trace
    if (outputs.length === 1) {
      // Nearly every record: its bytes go from the encoder's buffer into the batch, nothing else is made of them.
      const output = outputs[0]!
      const length = encoder.encodeToScratch(output)
      if (length > MAX_OUTPUT_BYTES) return this.#refuseOutput(transaction, message, input, length, now)
      if (!transaction.fits(length)) return false
      const span = this.#beginSpan(transaction, trace, message, input.topic, now)
      if (span) headers.traceparent = span.traceparent
      this.#write(transaction, output, encoder.scratch, length, headers, input, now)
    } else {
      const values: Buffer[] = []
      let bytes = 0
      for (const output of outputs) {
        const value = encoder.encode(output)
        if (value.length > MAX_OUTPUT_BYTES)
          return this.#refuseOutput(transaction, message, input, value.length, now)
        values.push(value)
        bytes += value.length
      }
      if (!transaction.fits(bytes)) return false
      const span = this.#beginSpan(transaction, trace, message, input.topic, now)
      if (span) headers.traceparent = span.traceparent
      for (const [i, value] of values.entries())
        this.#write(transaction, outputs[i]!, value, value.length, headers, input, now)
    }
    if (input.role === 'events') transaction.forwarded++
    return true
  }

  #write(
    transaction: Transaction<RecordTypes[Output]>,
    output: RecordTypes[Output],
    value: Buffer,
    length: number,
    headers: TraceHeaders,
    input: AnyInput<Output, State>,
    now: number,
  ): void {
    const { stage, outputPartitions, repartitionPartitions, keepOutputs } = this.#deps
    const keyLength = this.#keyBytes.utf8(stage.output.key(output))
    const key = this.#keyBytes.buffer
    transaction
      .outputOf(partitionOf(key, outputPartitions, keyLength), stage.output.topic)
      .addParts(key, keyLength, value, length, headers, now)
    transaction.wrote(length + keyLength)
    const { repartition } = stage.output
    if (repartition?.when(output)) {
      const copyKeyLength = this.#keyBytes.utf8(repartition.key(output))
      const copyKey = this.#keyBytes.buffer
      transaction.content
        .batch(repartition.topic, partitionOf(copyKey, repartitionPartitions, copyKeyLength))
        .addParts(copyKey, copyKeyLength, value, length, headers, now)
      transaction.wrote(length + copyKeyLength)
    }
    const fedAt = input.role === 'events' ? (output as { feedAppendedAt?: number }).feedAppendedAt : undefined
    transaction.addOutput(stage.output.category(output), fedAt, headers.traceparent)
    // What waits for the commit outlives collections of the young generation, so no more of it than somebody asks for.
    if (keepOutputs) transaction.outputs.push(output)
  }

  #refuseOutput(
    transaction: Transaction<RecordTypes[Output]>,
    message: FetchedMessage,
    input: AnyInput<Output, State>,
    bytes: number,
    now: number,
  ): boolean {
    for (const store of this.#stores) store.undoRecord()
    const error = `its ${this.#deps.stage.output.record} would take ${bytes} bytes`
    return this.#addDeadLetter(transaction, message, input, 'too_large', error, now)
  }

  /** False where there is no room for it. */
  #addDeadLetter(
    transaction: Transaction<RecordTypes[Output]>,
    message: FetchedMessage,
    { topic, role }: AnyInput<Output, State>,
    reason: DeadLetterReason,
    error: string,
    now: number,
  ): boolean {
    const { stage } = this.#deps
    const from = { topic, partition: this.partition }
    const letter = deadLetterMessage(message, from, stage.name, reason, error, now)
    const bytes = letter.value?.length ?? 0
    if (!transaction.fits(bytes)) return false
    transaction.content.add(deadLetterTopic(stage.name), this.partition, letter)
    transaction.wrote(bytes)
    transaction.deadLetters.push(reason)
    if (role === 'events') transaction.deadLetteredEvents++
    if (this.#deps.spans)
      this.#beginSpan(transaction, this.#deps.traces.of(message.headers), message, topic, now)?.failed(reason)
    return true
  }

  #beginSpan(
    transaction: Transaction<RecordTypes[Output]>,
    trace: RecordTrace,
    message: FetchedMessage,
    topic: string,
    now: number,
  ): RecordSpan | undefined {
    const { spans } = this.#deps
    if (!spans) return undefined
    const span = spans.begin(trace, { topic, partition: this.partition, offset: message.offset }, now)
    if (span) transaction.spans.push(span)
    return span
  }

  /**
   * The group's offsets, once no transaction of a former owner is open here: one that commits offsets of this partition, or
   * has written to its state. Every transaction does both. A former owner that was stopped has ended its own; one that died
   * has not, and is ended here; one that nobody knows ends by its timeout. Null where `isOver` before.
   */
  async #decidedOffsets(
    producer: TransactionalProducer,
    isOver: () => boolean,
  ): Promise<ReadonlyMap<string, number> | null> {
    const { stage, reader, sleep } = this.#deps
    const topics = [...this.#inputs.keys()]
    const topic = stateTopic(stage.name)
    const began = performance.now()
    const ended = new Set([producer.transactionalId])
    while (!isOver()) {
      const offsets = await producer.committedOffsets(topics, this.partition)
      const [decided, all] = await Promise.all([
        reader.bounds(topic, this.partition),
        reader.bounds(topic, this.partition, 'read_uncommitted'),
      ])
      if (decided.end === all.end && offsets.every(({ stable }) => stable))
        return new Map(offsets.map((each) => [each.topic, each.offset]))
      const waited = performance.now() - began
      if (waited > UNDECIDED_MS)
        throw new OffsetsUndecided(
          `transactions on partition ${this.partition} are undecided since ${Math.round(waited)} ms`,
        )
      if (waited > ENDING_MS) {
        for (const owner of await producer.lastCommitters(topics, this.partition)) {
          if (ended.has(owner)) continue
          ended.add(owner)
          this.#logger.info({ by: owner }, 'ending the transaction of a former owner')
          await producer.fenceOther(owner)
        }
      }
      await sleep(LOOK_AGAIN_MS)
    }
    return null
  }

  /** By the group's offsets and the stage's own record of them, see joinPositions. */
  async #reachedPositions(committed: ReadonlyMap<string, number>): Promise<Map<string, number>> {
    const { stage, reader, metrics } = this.#deps
    const topics = [...this.#inputs.keys()]
    const own = await readPositions(reader, stateTopic(stage.name), this.partition)
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
