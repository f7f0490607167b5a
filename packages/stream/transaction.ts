import type { Category } from '@wardline/events'
import type { RecordBatchWriter } from './client/record-batch-writer.ts'
import { TransactionContent } from './client/transactional-producer.ts'
import type { StageMetrics } from './metrics.ts'
import type { DeadLetterReason } from './results.ts'
import type { RecordSpan } from './spans.ts'

/** Bytes that a transaction may hold: one partition may get all of them in one batch, and topics take 4 MiB of that. */
const MOST_BYTES = 4_000_000
/** A transaction that holds so many takes no further record. */
const ENOUGH_BYTES = 2_097_152
/** What a record takes beside key and value: lengths, times, headers. */
const OVERHEAD_BYTES = 120
const NOT_FED = -1

/** What one transaction gathers, of all partitions of a process: what it writes, and what is counted once it has committed. */
export class Transaction<Out> {
  readonly content = new TransactionContent()
  /** Outputs themselves, where somebody asks for them. */
  readonly outputs: Out[] = []
  readonly deadLetters: DeadLetterReason[] = []
  readonly spans: RecordSpan[] = []
  /** Of the chain's events; records of tables are not among them. */
  forwarded = 0
  duplicates = 0
  deadLetteredEvents = 0
  /** Of each output: category, append of its event to the feed (ms, or NOT_FED), traceparent, index of its record. */
  readonly #categories: Category[] = []
  readonly #fedAt: number[] = []
  readonly #traces: (Buffer | string)[] = []
  readonly #recordOf: number[] = []
  /** Work on each record, seconds. */
  readonly #seconds: number[] = []
  readonly #writers: RecordBatchWriter[] = []
  #bytes = 0

  /** Input records so far. */
  get records(): number {
    return this.#seconds.length
  }

  get isFull(): boolean {
    return this.#bytes >= ENOUGH_BYTES
  }

  /** Whether a record of so many bytes fits in; the first one always does. */
  fits(bytes: number): boolean {
    return this.#bytes === 0 || this.#bytes + bytes + OVERHEAD_BYTES <= MOST_BYTES
  }

  /** Where the outputs of a partition go. */
  outputOf(partition: number, topic: string): RecordBatchWriter {
    return (this.#writers[partition] ??= this.content.batch(topic, partition))
  }

  /** A record of so many bytes was written. */
  wrote(bytes: number): void {
    this.#bytes += bytes + OVERHEAD_BYTES
  }

  /** The record at hand gave an output. `fedAt`: when its event was appended to the feed, ms; absent where it is no event's answer. */
  addOutput(category: Category, fedAt: number | undefined, trace: Buffer | string): void {
    this.#categories.push(category)
    this.#fedAt.push(fedAt ?? NOT_FED)
    this.#traces.push(trace)
  }

  /** The record at hand is done. */
  endRecord(seconds: number): void {
    while (this.#recordOf.length < this.#categories.length) this.#recordOf.push(this.#seconds.length)
    this.#seconds.push(seconds)
  }

  /** Counts what has committed. */
  count(metrics: StageMetrics, committedAt: number): void {
    metrics.transactions.committed.inc()
    for (const span of this.spans) span.end(committedAt)
    for (const reason of this.deadLetters) metrics.deadLetters[reason].inc()
    for (let i = 0; i < this.#categories.length; i++) {
      const fedAt = this.#fedAt[i]!
      // A record's first output answers it; what else comes of it is about earlier events, whose age was measured then.
      if (fedAt === NOT_FED || (i > 0 && this.#recordOf[i] === this.#recordOf[i - 1])) continue
      const category = this.#categories[i]!
      const trace = this.#traces[i]!
      metrics.age[category].observe(Math.max(0, committedAt - fedAt) / 1000, committedAt, trace)
      metrics.work[category].observe(this.#seconds[this.#recordOf[i]!]!, committedAt, trace)
    }
    if (this.forwarded > 0) metrics.forwarded.inc(this.forwarded)
    if (this.deadLetteredEvents > 0) metrics.deadLettered.inc(this.deadLetteredEvents)
    if (this.duplicates > 0) metrics.duplicates.inc(this.duplicates)
  }
}
