import type { FetchedMessage, OutMessage } from './client/kafkajs-internals.ts'
import type { DeadLetterReason } from './results.ts'
import type { StageName } from './stage.ts'

/** Headers that a dead letter carries beside the record's own. */
export const DEAD_LETTER_HEADERS = {
  stage: 'dlq_stage',
  reason: 'dlq_reason',
  error: 'dlq_error',
  topic: 'dlq_topic',
  partition: 'dlq_partition',
  offset: 'dlq_offset',
  timestamp: 'dlq_timestamp',
} as const

/**
 * On a record that `wardline dlq replay` put back: `<stage>/<partition>/<offset>` of the dead letter.
 * On a mark in the dead letter topic (no value): the offset of the dead letter that was replayed.
 */
export const REPLAY_OF_HEADER = 'dlq_replay_of'
export const REPLAYED_HEADER = 'dlq_replayed'

export interface RecordOrigin {
  readonly topic: string
  readonly partition: number
}

const MAX_ERROR_LENGTH = 500

/** The record as it came, key, value and headers, with where it came from and why it stopped. */
export function deadLetterMessage(
  message: FetchedMessage,
  origin: RecordOrigin,
  stage: StageName,
  reason: DeadLetterReason,
  error: string,
  now: number,
): OutMessage {
  const headers: Record<string, Buffer | string> = {}
  for (const [name, value] of Object.entries(message.headers ?? {})) {
    // A header may be repeated; the last is the one that consumers commonly see.
    const last = Array.isArray(value) ? value.at(-1) : value
    if (last !== undefined) headers[name] = last
  }
  headers[DEAD_LETTER_HEADERS.stage] = stage
  headers[DEAD_LETTER_HEADERS.reason] = reason
  headers[DEAD_LETTER_HEADERS.error] = error.slice(0, MAX_ERROR_LENGTH)
  headers[DEAD_LETTER_HEADERS.topic] = origin.topic
  headers[DEAD_LETTER_HEADERS.partition] = String(origin.partition)
  headers[DEAD_LETTER_HEADERS.offset] = message.offset
  headers[DEAD_LETTER_HEADERS.timestamp] = message.timestamp
  return { key: message.key, value: message.value, headers, timestamp: String(now) }
}
