import { DecodeFailure, RecordDecoder, type RecordName } from '@wardline/events'
import { type Connection, headerText, readAt, readTopic } from '@wardline/records'
import {
  DEAD_LETTER_HEADERS,
  DEAD_LETTER_REASONS,
  type DeadLetterReason,
  deadLetterTopic,
  type FetchedMessage,
  PartitionReader,
  REPLAY_OF_HEADER,
  REPLAYED_HEADER,
  STAGE_NAMES,
  type StageName,
  TOPIC_SPECS,
} from '@wardline/stream'

/** A dead letter with where it lies and where it came from. */
export interface DeadLetter {
  readonly stage: StageName
  /** Place in `<stage>.dlq`. */
  readonly partition: number
  readonly offset: number
  readonly reason: DeadLetterReason | 'unknown'
  readonly error: string
  /** Where the record was read. */
  readonly from: {
    readonly topic: string
    readonly partition: number
    readonly offset: number
    readonly timestamp: number
  }
  readonly replayed: boolean
  readonly message: FetchedMessage
}

export type LetterContent = Omit<DeadLetter, 'replayed'>

export interface DeadLetterFilter {
  readonly stages?: readonly StageName[]
  readonly reason?: string
  /** `partition/offset` in the dead letter topic. */
  readonly place?: string
  readonly includeReplayed?: boolean
}

/** `classify/3/17`: stage, partition and offset of a dead letter. */
export const placeOf = (letter: DeadLetter) => `${letter.stage}/${letter.partition}/${letter.offset}`

/** Dead letters in the order of their topics. Those already replayed are left out unless asked for. */
export async function readDeadLetters(
  connection: Connection,
  filter: DeadLetterFilter = {},
): Promise<DeadLetter[]> {
  const reader = new PartitionReader(connection.kafka)
  try {
    const letters: DeadLetter[] = []
    for (const stage of filter.stages ?? STAGE_NAMES) {
      const replayed = new Set<string>()
      const found: LetterContent[] = []
      for await (const { partition, message } of readTopic(reader, deadLetterTopic(stage))) {
        const mark = headerText(message, REPLAYED_HEADER)
        if (mark === undefined) found.push(describeLetter(stage, partition, message))
        else replayed.add(`${partition}/${mark}`)
      }
      for (const letter of found) {
        const place = `${letter.partition}/${letter.offset}`
        if (filter.reason !== undefined && letter.reason !== filter.reason) continue
        if (filter.place !== undefined && place !== filter.place) continue
        if (replayed.has(place) && !filter.includeReplayed) continue
        letters.push({ ...letter, replayed: replayed.has(place) })
      }
    }
    return letters
  } finally {
    await reader.close()
  }
}

/** One dead letter by its place; undefined where there is none (any more). Whether it was replayed takes the whole topic. */
export async function readDeadLetter(
  connection: Connection,
  stage: StageName,
  partition: number,
  offset: number,
): Promise<LetterContent | undefined> {
  const message = await readAt(connection, deadLetterTopic(stage), partition, offset)
  return message && headerText(message, REPLAYED_HEADER) === undefined
    ? describeLetter(stage, partition, message)
    : undefined
}

/** What a record of a dead letter topic that is no mark of a replay says. */
export function describeLetter(stage: StageName, partition: number, message: FetchedMessage): LetterContent {
  const reason = headerText(message, DEAD_LETTER_HEADERS.reason)
  return {
    stage,
    partition,
    offset: Number(message.offset),
    reason: DEAD_LETTER_REASONS.find((known) => known === reason) ?? 'unknown',
    error: headerText(message, DEAD_LETTER_HEADERS.error) ?? '',
    from: {
      topic: headerText(message, DEAD_LETTER_HEADERS.topic) ?? '',
      partition: Number(headerText(message, DEAD_LETTER_HEADERS.partition) ?? -1),
      offset: Number(headerText(message, DEAD_LETTER_HEADERS.offset) ?? -1),
      timestamp: Number(headerText(message, DEAD_LETTER_HEADERS.timestamp) ?? 0),
    },
    message,
  }
}

/** The record as far as it can be decoded, or why it cannot. */
export async function decodeLetter(connection: Connection, letter: LetterContent): Promise<unknown> {
  const record = TOPIC_SPECS.find((spec) => spec.topic === letter.from.topic)?.record
  if (!record) return { undecodable: `no record is known for topic ${letter.from.topic}` }
  if (letter.message.value === null) return null
  const decoder = new RecordDecoder<RecordName>(record, connection.registry)
  await decoder.prepare([letter.message])
  const value = decoder.decode(letter.message.value)
  return value instanceof DecodeFailure ? { undecodable: value.error } : value
}

/**
 * Puts dead letters back where they were read, each with a mark in its dead letter topic, in one transaction:
 * a letter is replayed once, whatever fails and whoever else replays at the same time. Returns those replayed.
 */
export async function replayDeadLetters(
  connection: Connection,
  filter: DeadLetterFilter,
): Promise<DeadLetter[]> {
  const producer = connection.kafka.producer({
    transactionalId: 'wardline-cli.dlq-replay',
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    // Every message names its partition: the one it was read from.
    createPartitioner:
      () =>
      ({ message }) =>
        message.partition ?? 0,
  })
  await producer.connect()
  try {
    const transaction = await producer.transaction()
    try {
      // Read after the transaction has fenced other replays: what they committed is seen, what they did not never will be.
      const letters = (await readDeadLetters(connection, filter)).filter((letter) => letter.from.topic !== '')
      for (const letter of letters) {
        const headers: Record<string, Buffer | string> = {}
        for (const [name, value] of Object.entries(letter.message.headers ?? {})) {
          const last = Array.isArray(value) ? value.at(-1) : value
          if (last !== undefined && !name.startsWith('dlq_')) headers[name] = last
        }
        headers[REPLAY_OF_HEADER] = placeOf(letter)
        const { key, value } = letter.message
        await transaction.sendBatch({
          acks: -1,
          topicMessages: [
            {
              topic: letter.from.topic,
              messages: [{ key, value, headers, partition: letter.from.partition }],
            },
            {
              topic: deadLetterTopic(letter.stage),
              messages: [
                {
                  key,
                  value: null,
                  partition: letter.partition,
                  headers: { [REPLAYED_HEADER]: String(letter.offset) },
                },
              ],
            },
          ],
        })
      }
      await transaction.commit()
      return letters
    } catch (error) {
      await transaction.abort().catch(() => {})
      throw error
    }
  } finally {
    await producer.disconnect()
  }
}
