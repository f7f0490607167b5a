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

/** One record of feed.events. */
export interface FedRecord {
  /** `partition/offset` in feed.events. */
  readonly origin: string
  /** null where the record cannot be decoded. */
  readonly eventId: string | null
  /** Whether `wardline dlq replay` put it there: then it stands for the record of the dead letter. */
  readonly replayOf: string | null
}

/** One outcome: a decision, or a dead letter that has not been replayed. */
export interface Outcome {
  /** `partition/offset` in feed.events of the record that it answers; null where that cannot be known. */
  readonly origin: string | null
  readonly kind: 'decision' | 'dead letter'
}

export interface AuditReport {
  /** Records in feed.events, without those that a replay put there. */
  readonly eventsIn: number
  /** Answered by exactly one decision. */
  readonly decisions: number
  /** Answered by exactly one dead letter. */
  readonly deadLetters: number
  /** Repeats of an event that was answered. */
  readonly duplicates: number
  /** Records with no outcome: event id, or `partition/offset` where it has none. */
  readonly missing: readonly string[]
  /** Records, or event ids, with more than one outcome. */
  readonly doubled: readonly string[]
  /** Dead letters that do not come from feed.events: profiles, reports, verdicts, or records that were put into an inner topic. */
  readonly otherDeadLetters: number
  readonly replayed: number
  /** Later decisions on events that have their one: not part of the balance. */
  readonly followUps: number
  readonly reversals: number
}

/** The books balance: in = decisions + dead letters + duplicates, none missing, none doubled. */
export const balances = (report: AuditReport) =>
  report.missing.length === 0 &&
  report.doubled.length === 0 &&
  report.eventsIn === report.decisions + report.deadLetters + report.duplicates

/**
 * Matches every record of feed.events with its outcome. Pure; memory grows with the number of records (about
 * 300 bytes each). `fed` in offset order within a partition.
 */
export function balance(
  fed: readonly FedRecord[],
  outcomes: readonly Outcome[],
  replayed: number,
  later: LaterDecisions = NO_LATER,
): AuditReport {
  const byOrigin = new Map<string, Outcome[]>()
  let otherDeadLetters = 0
  for (const outcome of outcomes) {
    if (outcome.origin === null) {
      otherDeadLetters++
      continue
    }
    const known = byOrigin.get(outcome.origin)
    if (known) known.push(outcome)
    else byOrigin.set(outcome.origin, [outcome])
  }

  const originOf = new Map<string, string>()
  const replays = new Map<string, FedRecord>()
  for (const record of fed) if (record.replayOf !== null) replays.set(record.replayOf, record)

  const doubled = new Set<string>(later.doubled)
  const decidedIds = new Set<string>()
  const name = (record: FedRecord) => record.eventId ?? record.origin
  for (const record of fed) {
    const found = byOrigin.get(record.origin) ?? []
    if (found.length > 1) doubled.add(name(record))
    if (record.eventId === null || !found.some((o) => o.kind === 'decision')) continue
    const first = originOf.get(record.eventId)
    if (first !== undefined && first !== record.origin) doubled.add(record.eventId)
    originOf.set(record.eventId, record.origin)
    decidedIds.add(record.eventId)
  }

  let eventsIn = 0
  let decisions = 0
  let deadLetters = 0
  let duplicates = 0
  const missing: string[] = []
  for (const record of fed) {
    if (record.replayOf !== null) continue
    eventsIn++
    // A dead letter that was replayed is no outcome; the record that the replay made has it.
    const outcome = byOrigin.get(record.origin)?.[0] ?? outcomeOfReplay(record.origin, replays, byOrigin)
    if (outcome?.kind === 'decision') decisions++
    else if (outcome?.kind === 'dead letter') deadLetters++
    else if (record.eventId !== null && decidedIds.has(record.eventId)) duplicates++
    else missing.push(name(record))
  }
  return {
    eventsIn,
    decisions,
    deadLetters,
    duplicates,
    missing,
    doubled: [...doubled],
    otherDeadLetters,
    replayed,
    followUps: later.followUps,
    reversals: later.reversals,
  }
}

/** Follow-ups and reversals; `doubled`: ids of those that stand there twice. */
export interface LaterDecisions {
  readonly followUps: number
  readonly reversals: number
  readonly doubled: readonly string[]
}
const NO_LATER: LaterDecisions = { followUps: 0, reversals: 0, doubled: [] }

function outcomeOfReplay(
  origin: string,
  replays: ReadonlyMap<string, FedRecord>,
  byOrigin: ReadonlyMap<string, readonly Outcome[]>,
): Outcome | undefined {
  for (let replay = replays.get(origin); replay; replay = replays.get(replay.origin)) {
    const outcome = byOrigin.get(replay.origin)?.[0]
    if (outcome) return outcome
  }
  return undefined
}

/** Reads the topics and balances them. What is still on its way counts as missing: audit a chain that has come to rest, or ask again. */
export async function audit(connection: Connection): Promise<AuditReport> {
  const reader = new PartitionReader(connection.kafka)
  try {
    const fed: FedRecord[] = []
    // Outcomes before inputs: what is appended meanwhile can then be missing, never an outcome without input.
    const { outcomes, replayed, replayOrigins, later } = await readOutcomes(connection, reader)
    const decoder = new RecordDecoder('FeedEvent', connection.registry)
    for await (const { partition, message } of readTopic(reader, TOPICS.feedEvents)) {
      await decoder.prepare([message])
      const event = message.value === null ? null : decoder.decode(message.value)
      const replayOf = headerText(message, REPLAY_OF_HEADER)
      fed.push({
        origin: `${partition}/${message.offset}`,
        eventId: event === null || event instanceof DecodeFailure ? null : event.eventId,
        replayOf: replayOf === undefined ? null : (replayOrigins.get(replayOf) ?? replayOf),
      })
    }
    return balance(fed, outcomes, replayed, later)
  } finally {
    await reader.close()
  }
}

async function readOutcomes(connection: Connection, reader: PartitionReader) {
  const outcomes: Outcome[] = []
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
      outcomes.push({ origin: `${decision.feedPartition}/${decision.feedOffset}`, kind: 'decision' })
      continue
    }
    if (decision.type === 'FOLLOW_UP') followUps++
    else if (decision.type === 'REVERSAL') reversals++
    const { decisionId } = decision
    if (seen.has(decisionId)) doubled.push(decisionId)
    seen.add(decisionId)
  }

  /** `stage/partition/offset` of a dead letter to the origin of its record in feed.events. */
  const replayOrigins = new Map<string, string>()
  let replayed = 0
  for (const stage of STAGE_NAMES) {
    const letters: { place: string; origin: string | null }[] = []
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
      if (origin !== null) replayOrigins.set(place, origin)
      if (marked.has(place)) replayed++
      else outcomes.push({ origin, kind: 'dead letter' })
    }
  }
  return { outcomes, replayed, replayOrigins, later: { followUps, reversals, doubled } }
}

const innerDecoders = new WeakMap<Connection, Map<string, RecordDecoder<RecordName>>>()

/** Where in feed.events the record of a dead letter began; null where it did not begin there or cannot be read. */
async function originOfLetter(
  connection: Connection,
  message: Parameters<typeof headerText>[0],
): Promise<string | null> {
  const topic = headerText(message, DEAD_LETTER_HEADERS.topic)
  if (topic === TOPICS.feedEvents) {
    return `${headerText(message, DEAD_LETTER_HEADERS.partition)}/${headerText(message, DEAD_LETTER_HEADERS.offset)}`
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
  return `${value.feedPartition}/${value.feedOffset}`
}
