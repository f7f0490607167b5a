import type { RecordName, RecordTypes } from '@wardline/events'
import type { StageResult } from './results.ts'
import type { StateStore } from './state.ts'

/** The four stages of the chain, in order. */
export const STAGE_NAMES = ['normalize', 'classify', 'comment-risk', 'enforce'] as const
export type StageName = (typeof STAGE_NAMES)[number]

/** What a handler may know beside the record's value. All of it is passed in: a handler reads no clock and no network. */
export interface RecordContext<State> {
  /** State of this partition; changes are undone where the record fails or the transaction aborts. */
  readonly state: State
  /** Partition of the input topic. */
  readonly partition: number
  /** Offset of the record in it. */
  readonly offset: number
  /** Timestamp of the record, ms since 1970 UTC; for feed.events the broker's append time. */
  readonly appendedAt: number
  /** Bytes of the record's value. */
  readonly bytes: number
  /** The stage's clock when the batch began, ms since 1970 UTC. */
  readonly now: number
}

/** One input topic of a stage. */
export interface StageInput<Name extends RecordName, State, Out> {
  readonly topic: string
  readonly record: Name
  /**
   * `events`: the chain itself. `table`: what the stage has to know before it looks at events
   * (profiles, verdicts): on assignment it is read to its end first.
   */
  readonly role: 'events' | 'table'
  /** `value` is null for a tombstone, which only `table` topics have. Data errors are results; a throw is a defect and dead-letters the record. */
  handle(value: RecordTypes[Name] | null, context: RecordContext<State>): StageResult<Out>
}

/** A stage as the runtime sees it: pure handlers, stores and where the output goes. */
export interface Stage<Output extends RecordName, State extends Record<string, StateStore>> {
  readonly name: StageName
  /** The first input is the one whose name is in the transactional id. All must have equal partition counts. */
  // biome-ignore lint/suspicious/noExplicitAny: inputs of one stage differ in record type
  readonly inputs: readonly StageInput<any, State, RecordTypes[Output]>[]
  readonly output: {
    readonly topic: string
    readonly record: Output
    readonly key: (value: RecordTypes[Output]) => string
  }
  /** Fresh, empty stores for one partition. */
  createState(): State
}
