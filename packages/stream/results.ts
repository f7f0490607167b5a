/**
 * Why a record was dead-lettered; the value of the header `dlq_reason` and of the label `reason`.
 * The set is small and fixed: dashboards and `wardline dlq` group by it.
 */
export const DEAD_LETTER_REASONS = [
  /** The bytes are no Avro record in Confluent framing, or do not fit the schema they name. */
  'undecodable',
  /** The registry does not know the schema id. */
  'unknown_schema',
  /** The schema exists, but it is another record's, or cannot be read as ours. */
  'incompatible_schema',
  /** The record, its text or one of its lists is larger than the contract allows. */
  'too_large',
  /** The kind of event is one that this version does not know. */
  'unknown_kind',
  /** occurredAt is too far from the append time. */
  'bad_time',
  /** More than nine media. */
  'too_many_media',
  /** Anything else in the contract of the event that does not hold: a missing id, a negative number. */
  'invalid',
  /** The stage's own logic threw. A defect of ours: the record is kept, the partition goes on. */
  'processing_failed',
] as const
export type DeadLetterReason = (typeof DEAD_LETTER_REASONS)[number]

/**
 * What a stage answers to one record. Errors of data are values; only outages throw.
 * - `forward`: outputs to write, usually one; none where a record only changes state (a profile, a report).
 * - `deadLetter`: the record goes to `<stage>.dlq` as it came. `error` is for people and holds no message text.
 * - `drop`: the record is a repeat and is counted, nothing else.
 */
export type StageResult<Out> =
  | { readonly kind: 'forward'; readonly outputs: readonly Out[] }
  | { readonly kind: 'deadLetter'; readonly reason: DeadLetterReason; readonly error: string }
  | { readonly kind: 'drop'; readonly reason: 'duplicate' }

export const forward = <Out>(...outputs: Out[]): StageResult<Out> => ({ kind: 'forward', outputs })
export const deadLetter = (reason: DeadLetterReason, error: string): StageResult<never> => ({
  kind: 'deadLetter',
  reason,
  error,
})
export const duplicate: StageResult<never> = { kind: 'drop', reason: 'duplicate' }
