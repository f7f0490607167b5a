import { DecodeFailure, RecordDecoder, type RecordName } from '@wardline/events'
import { type Connection, headerText, readTopic } from '@wardline/records'
import {
  DEAD_LETTER_HEADERS,
  deadLetterTopic,
  PartitionReader,
  REPLAY_OF_HEADER,
  REPLAYED_HEADER,
  STAGE_NAMES,
  TOPIC_SPECS,
  TOPICS,
} from '@wardline/stream'
import { AuditBooks, type AuditReport, type FedRecord, type Place, placeName } from './audit-books.ts'

export { type AuditReport, balances } from './audit-books.ts'

/** Reads the topics and balances them. What is still on its way counts as missing: audit a chain that has come to rest, or ask again. */
export async function audit(connection: Connection): Promise<AuditReport> {
  const reader = new PartitionReader(connection.kafka)
  const books = new AuditBooks()
  try {
    // Outcomes before inputs: what is appended meanwhile can then be missing, never an outcome without input.
    const { replayed, replayOrigins, later } = await readOutcomes(connection, reader, books)
    const decoder = new RecordDecoder('FeedEvent', connection.registry)
    const readFeed = async (each: (record: FedRecord) => void): Promise<void> => {
      for await (const { partition, message } of readTopic(reader, TOPICS.feedEvents)) {
        await decoder.prepare([message])
        const event = message.value === null ? null : decoder.decode(message.value)
        const replayOf = headerText(message, REPLAY_OF_HEADER)
        each({
          partition,
          offset: Number(message.offset),
          eventId: event === null || event instanceof DecodeFailure ? null : event.eventId,
          replayOf: replayOf === undefined ? null : (replayOrigins.get(replayOf) ?? replayOf),
        })
      }
    }
    await readFeed((record) => books.take(record))
    if (books.unclear()) await readFeed((record) => books.lookAgain(record))
    return books.report(replayed, later)
  } finally {
    await reader.close()
  }
}

async function readOutcomes(connection: Connection, reader: PartitionReader, books: AuditBooks) {
  const seen = new Set<string>()
  const doubled: string[] = []
  let followUps = 0
  let reversals = 0
  const decisions = new RecordDecoder('EnforcementDecision', connection.registry)
  for await (const { message } of readTopic(reader, TOPICS.decisions)) {
    await decisions.prepare([message])
    const decision = message.value === null ? null : decisions.decode(message.value)
    if (decision === null || decision instanceof DecodeFailure) continue
    if (decision.type === 'DECISION') {
      books.outcome({ partition: decision.feedPartition, offset: decision.feedOffset }, 'decision')
      continue
    }
    if (decision.type === 'FOLLOW_UP') followUps++
    else if (decision.type === 'REVERSAL') reversals++
    const { decisionId } = decision
    if (seen.has(decisionId)) doubled.push(decisionId)
    seen.add(decisionId)
  }

  /** `stage/partition/offset` of a dead letter to the place of its record in feed.events. */
  const replayOrigins = new Map<string, string>()
  let replayed = 0
  for (const stage of STAGE_NAMES) {
    const letters: { place: string; origin: Place | null }[] = []
    const marked = new Set<string>()
    for await (const { partition, message } of readTopic(reader, deadLetterTopic(stage))) {
      const mark = headerText(message, REPLAYED_HEADER)
      if (mark !== undefined) {
        marked.add(`${stage}/${partition}/${mark}`)
        continue
      }
      letters.push({
        place: `${stage}/${partition}/${message.offset}`,
        origin: await originOfLetter(connection, message),
      })
    }
    for (const { place, origin } of letters) {
      if (origin !== null) replayOrigins.set(place, placeName(origin))
      if (marked.has(place)) replayed++
      else books.outcome(origin, 'dead letter')
    }
  }
  return { replayed, replayOrigins, later: { followUps, reversals, doubled } }
}

const innerDecoders = new WeakMap<Connection, Map<string, RecordDecoder<RecordName>>>()

/** Where in feed.events the record of a dead letter began; null where it did not begin there or cannot be read. */
async function originOfLetter(
  connection: Connection,
  message: Parameters<typeof headerText>[0],
): Promise<Place | null> {
  const topic = headerText(message, DEAD_LETTER_HEADERS.topic)
  if (topic === TOPICS.feedEvents) {
    return {
      partition: Number(headerText(message, DEAD_LETTER_HEADERS.partition)),
      offset: Number(headerText(message, DEAD_LETTER_HEADERS.offset)),
    }
  }
  // A reversal names an event that has its answer; as a dead letter it is not another one.
  const record = topic === TOPICS.reversals ? null : TOPIC_SPECS.find((spec) => spec.topic === topic)?.record
  if (!record || message.value === null) return null
  let decoders = innerDecoders.get(connection)
  if (!decoders) innerDecoders.set(connection, (decoders = new Map()))
  let decoder = decoders.get(record)
  if (!decoder) decoders.set(record, (decoder = new RecordDecoder<RecordName>(record, connection.registry)))
  await decoder.prepare([message])
  const value = decoder.decode(message.value)
  if (value instanceof DecodeFailure || !('feedOffset' in value)) return null
  return { partition: value.feedPartition, offset: value.feedOffset }
}
