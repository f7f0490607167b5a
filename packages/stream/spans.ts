import type { DeadLetterReason } from './results.ts'
import type { RecordTrace } from './trace-context.ts'

/** Where a record lies. */
export interface RecordPlace {
  readonly topic: string
  readonly partition: number
  readonly offset: string
}

/** The work of a stage on one record, from the beginning of its transaction to the commit. */
export interface RecordSpan {
  /** What the outputs carry: the same trace, this span as the parent. */
  readonly traceparent: string
  failed(reason: DeadLetterReason): void
  /** `at`: when the transaction committed, ms since 1970 UTC. A span that is not ended (the transaction failed) is not exported. */
  end(at: number): void
}

/** Where a stage records spans; a stage that exports none has none. */
export interface Spans {
  /** Undefined where the trace is not sampled. `startedAt`: ms since 1970 UTC. */
  begin(trace: RecordTrace, place: RecordPlace, startedAt: number): RecordSpan | undefined
  /** Sends what is left, for two seconds at most. */
  close(): Promise<void>
}
