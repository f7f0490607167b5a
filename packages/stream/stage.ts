import type { Category, PolicyControl, RecordName, RecordTypes } from '@wardline/events'
import type { StageResult } from './results.ts'
import type { StateStore } from './state.ts'

/** The four stages of the chain, in order. */
export const STAGE_NAMES = ['normalize', 'classify', 'comment-risk', 'enforce'] as const
export type StageName = (typeof STAGE_NAMES)[number]

/** What a handler may know beside the record's value. All of it is passed in: a handler reads no clock and no network. */
export interface RecordContext<State> {
  /** Key of the record as text; empty where it has none. */
  readonly key: string
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

interface InputOf<Name extends RecordName> {
  readonly topic: string
  readonly record: Name
}

/** The chain itself. Data errors are results; a throw is a defect and dead-letters the record. */
export interface EventsInput<Name extends RecordName, State, Out> extends InputOf<Name> {
  readonly role: 'events'
  handle(value: RecordTypes[Name], context: RecordContext<State>): StageResult<Out>
}

/**
 * What the stage has to know before it looks at events (profiles, reports, verdicts, reversals): on assignment it is
 * read to its end first. `value` is null for a tombstone.
 */
export interface TableInput<Name extends RecordName, State, Out> extends InputOf<Name> {
  readonly role: 'table'
  handle(value: RecordTypes[Name] | null, context: RecordContext<State>): StageResult<Out>
}

/** One input topic of a stage. */
export type StageInput<State, Out> = {
  [Name in RecordName]: EventsInput<Name, State, Out> | TableInput<Name, State, Out>
}[RecordName]

/**
 * Outputs that are written a second time, to a topic of other keys, in the same transaction: as Kafka Streams repartitions
 * a stream. The bytes are those of the output, so both topics carry the same record.
 */
export interface Repartition<Out> {
  readonly topic: string
  readonly key: (value: Out) => string
  readonly when: (value: Out) => boolean
}

/** A stage as the runtime sees it: pure handlers, stores and where the output goes. */
export interface Stage<Output extends RecordName, State extends Record<string, StateStore>> {
  readonly name: StageName
  /** The first input is the one whose name is in the transactional id. All must have equal partition counts. */
  readonly inputs: readonly StageInput<State, RecordTypes[Output]>[]
  readonly output: {
    readonly topic: string
    readonly record: Output
    readonly key: (value: RecordTypes[Output]) => string
    /** Label of the metrics. */
    readonly category: (value: RecordTypes[Output]) => Category
    /** Outputs that a stage with other keys has to see, too. */
    readonly repartition?: Repartition<RecordTypes[Output]>
  }
  /**
   * Takes the newest record of a key of policy.control, null for a tombstone: what stands there before the stage is ready,
   * and what comes later between two batches. It concerns every partition, so it belongs to no state; what it says holds
   * by event time or by version, never by when it arrived. Throws where it cannot take the record: that is logged and
   * counted, changes nothing, and at start the next older record of the key is tried.
   */
  readonly takeControl?: (value: PolicyControl | null, key: string) => void
  /** Fresh, empty stores for one partition. */
  createState(): State
}
