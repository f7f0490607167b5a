import { CATEGORY_SYMBOLS, EVENT_KIND_SYMBOLS, type PriorItem, type Tones } from '@wardline/events'
import { MARKS, type RiskPolicy } from '@wardline/policy/risk'
import { ByteReader, ByteWriter, packedUint48 } from '@wardline/stream'
import { withRecent } from './ids.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

export const PAIR = {
  /** Events of a pair whose repeats are known as such. */
  recentEvents: 6,
  /** Earlier items kept for a risk that is found after the fact. */
  items: 8,
  /** Events whose part in the pair is known apart, so that it can be taken out again. */
  evidence: 8,
  /** Events of a pair that humans have decided on and that are known as such. */
  judged: 8,
  todayHalfLifeMs: DAY,
  harmHalfLifeMs: 7 * DAY,
  refusalHalfLifeMs: 14 * DAY,
  /** Refusals are remembered at most this long. */
  refusalMs: 30 * DAY,
} as const

/** One of MARKS as a pair has shown it. `count` is right at `lastAt`; it halves by the policy's half-life. */
export interface MarkSeen {
  readonly mark: number
  readonly count: number
  readonly lastAt: number
}

/** What one event of the actor brought into the pair: a human may find it harmless. */
export interface Evidence {
  readonly eventHash: number
  /** ms by event time, to the second. */
  readonly at: number
  readonly markBits: number
  /** Score as harm; 1 where a human has found the event harmful. */
  readonly harm: number
  /** Tones toward an approach and toward recruiting. */
  readonly tone: number
  readonly recruiting: number
}

/**
 * What is kept of one actor toward one protected account. Times are ms by event time, to the second; 0 stands for never.
 * Counts are decayed and right at `lastAt`.
 */
export interface Pair {
  readonly firstAt: number
  readonly lastAt: number
  /** Whether the protected account wrote first. */
  readonly startedByProtected: boolean
  /** What the actor sent: by the policy's half-life, by a day's, and of the first that in the local night. */
  readonly messages: number
  readonly today: number
  readonly night: number
  /** What the protected account answered. */
  readonly answers: number
  /** What the actor sent since the last answer; 0 where nobody has ever answered and nothing was sent. */
  readonly unanswered: number
  /** Harm that classify found, summed over scores. */
  readonly harm: number
  /** Sum of tones toward an approach over `messages`, and of those above 0 alone. */
  readonly tone: number
  readonly toneAbove: number
  /** Sum of tones toward recruiting, where what speaks against takes away again; and of how far they are above RECRUITING_FLOOR. */
  readonly recruiting: number
  readonly recruitingAbove: number
  readonly refusals: number
  readonly refusedAt: number
  /** What the actor sent since the last refusal. */
  readonly sinceRefusal: number
  /** In the order in which they were first seen. */
  readonly marks: readonly MarkSeen[]
  /** Hashes of the last events. */
  readonly recent: readonly number[]
  /** What may have to be answered later, oldest first. */
  readonly items: readonly PriorItem[]
  /** The last events that showed something, oldest first. */
  readonly evidence: readonly Evidence[]
  /** Hashes of the last events that a human has decided on anew. */
  readonly judged: readonly number[]
  /** Until when a human has found harmless what the pair had shown; 0: never. */
  readonly clearedUntil: number
}

export const NEW_PAIR: Pair = {
  firstAt: 0,
  lastAt: 0,
  startedByProtected: false,
  messages: 0,
  today: 0,
  night: 0,
  answers: 0,
  unanswered: 0,
  harm: 0,
  tone: 0,
  toneAbove: 0,
  recruiting: 0,
  recruitingAbove: 0,
  refusals: 0,
  refusedAt: 0,
  sinceRefusal: 0,
  marks: [],
  recent: [],
  items: [],
  evidence: [],
  judged: [],
  clearedUntil: 0,
}

/** What speaks for the actor: no evidence against it. */
export const OPENNESS_BIT = 1 << MARKS.indexOf('openness')

/** Whether the actor has written before; an answer or a refusal alone also makes a pair. */
export const hasWritten = (pair: Pair): boolean => pair.messages > 0

/** Bits of MARKS that these signals show. */
export function marksOf(signals: readonly string[], { bitsOfSignal }: RiskPolicy): number {
  let bits = 0
  for (const signal of signals) bits |= bitsOfSignal.get(signal) ?? 0
  return bits
}

/** The pair with all its counts as they stand at `at`; an earlier moment than its own sees them undiminished. */
function decayedTo(pair: Pair, at: number, halfLifeMs: number): Pair {
  const ms = at - pair.lastAt
  if (ms <= 0 || pair.lastAt === 0) return pair
  const slow = 2 ** (-ms / halfLifeMs)
  return {
    ...pair,
    lastAt: at,
    messages: pair.messages * slow,
    night: pair.night * slow,
    answers: pair.answers * slow,
    tone: pair.tone * slow,
    toneAbove: pair.toneAbove * slow,
    recruiting: pair.recruiting * slow,
    recruitingAbove: pair.recruitingAbove * slow,
    today: pair.today * 2 ** (-ms / PAIR.todayHalfLifeMs),
    harm: pair.harm * 2 ** (-ms / PAIR.harmHalfLifeMs),
    refusals: pair.refusals * 2 ** (-ms / PAIR.refusalHalfLifeMs),
  }
}

/** A late event counts as decayed as it would be by now. */
const late = (pair: Pair, at: number, halfLifeMs: number): number =>
  at >= pair.lastAt ? 1 : 2 ** ((at - pair.lastAt) / halfLifeMs)

export interface Message {
  /** ms by event time. */
  readonly at: number
  readonly eventHash: number
  readonly markBits: number
  /** Score as harm, 0 where it is none. */
  readonly harm: number
  readonly tones: Tones
  /** Whether it came in the protected account's local night. */
  readonly night: boolean
}

export const halfLife = (policy: RiskPolicy): number => policy.approach.halfLifeHours * HOUR

/** The pair as an event at `at` finds it: what has been quiet for too long is forgotten. */
export function pairAt(pair: Pair | undefined, at: number, policy: RiskPolicy): Pair {
  if (pair === undefined || at - pair.lastAt > policy.approach.forgetHours * HOUR) return NEW_PAIR
  return pair
}

/** Log-odds of what is said every day, toward an approach: where a pair without wording stands. */
export const EVERYDAY_TONE = -2
export const meanTone = ({ tone, messages }: Pair): number =>
  messages === 0 ? EVERYDAY_TONE : tone / messages

/** Log-odds of recruiting below which a line speaks no further against it: it is about something else. */
export const RECRUITING_FLOOR = -3
export const aboveFloor = (recruiting: number): number => Math.max(0, recruiting - RECRUITING_FLOOR)
/** How far the messages are above RECRUITING_FLOOR, on average. */
export const meanRecruiting = ({ recruitingAbove, messages }: Pair): number =>
  messages === 0 ? 0 : recruitingAbove / messages

/** The pair after the actor's event. */
export function afterMessage(before: Pair, message: Message, policy: RiskPolicy): Pair {
  const at = wholeSecond(message.at)
  const halfLifeMs = halfLife(policy)
  const pair = decayedTo(before, at, halfLifeMs)
  const one = late(pair, at, halfLifeMs)
  // A picture or a face has no wording: it leaves the mean of the tones where it is.
  const hasWording = message.tones.approach !== 0 || message.tones.recruiting !== 0
  const tone = hasWording ? message.tones.approach : meanTone(pair)
  const { eventHash, markBits, harm } = message
  const { recruiting } = message.tones
  const above = hasWording ? aboveFloor(recruiting) : meanRecruiting(pair)
  return {
    firstAt: pair.firstAt === 0 ? at : Math.min(pair.firstAt, at),
    lastAt: Math.max(pair.lastAt, at),
    startedByProtected: pair.startedByProtected,
    messages: pair.messages + one,
    today: pair.today + late(pair, at, PAIR.todayHalfLifeMs),
    night: pair.night + (message.night ? one : 0),
    answers: pair.answers,
    unanswered: pair.unanswered + 1,
    harm: pair.harm + harm * late(pair, at, PAIR.harmHalfLifeMs),
    tone: pair.tone + one * tone,
    toneAbove: pair.toneAbove + one * Math.max(0, tone),
    recruiting: Math.max(0, pair.recruiting + one * recruiting),
    recruitingAbove: pair.recruitingAbove + one * above,
    refusals: pair.refusals,
    refusedAt: pair.refusedAt,
    sinceRefusal: isRefused(pair, at) ? pair.sinceRefusal + 1 : pair.sinceRefusal,
    marks: markBits === 0 ? pair.marks : withMarks(pair.marks, markBits, at, halfLifeMs),
    recent: withRecent(pair.recent, eventHash, PAIR.recentEvents),
    items: pair.items,
    evidence:
      (markBits & ~OPENNESS_BIT) === 0 && harm === 0
        ? pair.evidence
        : withEvidence(pair.evidence, {
            eventHash,
            at,
            markBits,
            harm,
            tone,
            recruiting: hasWording ? recruiting : RECRUITING_FLOOR,
          }),
    judged: pair.judged,
    clearedUntil: pair.clearedUntil,
  }
}

/** The list with this at its end and at most PAIR.evidence in it. */
export function withEvidence(evidence: readonly Evidence[], one: Evidence): readonly Evidence[] {
  const next = evidence.length >= PAIR.evidence ? evidence.slice(1) : evidence.slice()
  next.push(one)
  return next
}

/** The pair after the protected account answered the actor; `refuses`: told it to stop. */
export function afterAnswer(
  before: Pair,
  at: number,
  eventHash: number,
  refuses: boolean,
  policy: RiskPolicy,
): Pair {
  const second = wholeSecond(at)
  const pair = decayedTo(before, second, halfLife(policy))
  return {
    ...pair,
    firstAt: pair.firstAt === 0 ? second : Math.min(pair.firstAt, second),
    lastAt: Math.max(pair.lastAt, second),
    startedByProtected: pair.firstAt === 0 || pair.startedByProtected,
    answers: pair.answers + late(pair, second, halfLife(policy)),
    unanswered: 0,
    refusals: refuses ? pair.refusals + late(pair, second, PAIR.refusalHalfLifeMs) : pair.refusals,
    refusedAt: refuses ? Math.max(pair.refusedAt, second) : pair.refusedAt,
    sinceRefusal: refuses && pair.refusedAt < second ? 0 : pair.sinceRefusal,
    recent: withRecent(pair.recent, eventHash, PAIR.recentEvents),
  }
}

export const wholeSecond = (at: number): number => 1000 * Math.floor(at / 1000)

export const isRefused = (pair: Pair, at: number): boolean =>
  pair.refusedAt !== 0 && at > pair.refusedAt && at - pair.refusedAt <= PAIR.refusalMs

/** How often a mark counts at `at`. */
export const countAt = ({ count, lastAt }: MarkSeen, at: number, halfLifeMs: number): number =>
  at <= lastAt ? count : count * 2 ** ((lastAt - at) / halfLifeMs)

export function withMarks(
  marks: readonly MarkSeen[],
  bits: number,
  at: number,
  halfLifeMs: number,
): readonly MarkSeen[] {
  const next: MarkSeen[] = []
  let rest = bits
  for (const seen of marks) {
    const bit = 1 << seen.mark
    if ((bits & bit) === 0) {
      next.push(seen)
      continue
    }
    rest &= ~bit
    const count =
      at >= seen.lastAt
        ? countAt(seen, at, halfLifeMs) + 1
        : seen.count + 2 ** ((at - seen.lastAt) / halfLifeMs)
    next.push({ mark: seen.mark, count, lastAt: Math.max(seen.lastAt, at) })
  }
  for (let mark = 0; mark < MARKS.length; mark++)
    if (rest & (1 << mark)) next.push({ mark, count: 1, lastAt: at })
  return next
}

/** A pair as it is kept: one character a byte, in memory a fifth of the object (bench/stages). */
export type PackedPair = string

const writer = new ByteWriter()
/** Counts are kept in 64ths. */
const FRACTIONS = 64
const fraction = (count: number): number => Math.min(0xffff, Math.round(count * FRACTIONS))
/** Scores are kept in thousandths. */
const SCORE = 1000
/** A tone may be below 0: the sign goes into the lowest bit. There is one 0, or what was packed twice would differ. */
function signed(tone: number, parts: number): number {
  const size = Math.min(0xffff, Math.round(Math.abs(tone) * parts))
  return size === 0 ? 0 : 2 * size + (tone < 0 ? 1 : 0)
}
const unsigned = (written: number, parts: number): number =>
  (written % 2 === 1 ? -1 : 1) * (Math.floor(written / 2) / parts)
/** Tones of evidence: what is taken out need not be exact to more. */
const EVIDENCE_FRACTIONS = 16

export function packPair(pair: Pair): PackedPair {
  writer.uint48(pair.lastAt)
  writer.uint((pair.lastAt - pair.firstAt) / 1000)
  writer.uint(2 * pair.unanswered + (pair.startedByProtected ? 1 : 0))
  writer.uint(fraction(pair.messages))
  writer.uint(fraction(pair.today))
  writer.uint(fraction(pair.night))
  writer.uint(fraction(pair.answers))
  writer.uint(fraction(pair.harm))
  writer.uint(signed(pair.tone, FRACTIONS))
  writer.uint(fraction(pair.toneAbove))
  writer.uint(fraction(pair.recruiting))
  writer.uint(pair.refusedAt === 0 ? 0 : 1 + Math.max(0, pair.lastAt - pair.refusedAt) / 1000)
  if (pair.refusedAt !== 0) {
    writer.uint(fraction(pair.refusals))
    writer.uint(pair.sinceRefusal)
  }
  writer.uint(pair.marks.length)
  for (const { mark, count, lastAt } of pair.marks) {
    writer.uint(mark)
    writer.uint(fraction(count))
    writer.uint((pair.lastAt - lastAt) / 1000)
  }
  writer.uint(pair.recent.length)
  for (const hash of pair.recent) writer.uint(hash)
  writer.uint(pair.items.length)
  for (const item of pair.items) {
    writer.text(item.eventId)
    writer.uint(EVENT_KIND_SYMBOLS.indexOf(item.kind))
    writer.text(item.contentId === item.eventId ? '' : item.contentId)
    writer.uint(item.occurredAt)
    writer.uint(item.feedPartition)
    writer.uint(item.feedOffset)
    writer.uint(item.feedAppendedAt)
    writer.uint(CATEGORY_SYMBOLS.indexOf(item.category))
    writer.uint(Math.round(item.score * SCORE))
    writer.text(item.section)
  }
  // At the end and only where there is any: most pairs have none, and those that earlier versions wrote end here, or
  // before the last number.
  const recruitingAbove = fraction(pair.recruitingAbove)
  if (pair.evidence.length > 0 || pair.judged.length > 0 || pair.clearedUntil !== 0 || recruitingAbove > 0) {
    writer.uint(pair.evidence.length)
    for (const { eventHash, at, markBits, harm, tone, recruiting } of pair.evidence) {
      writer.uint(eventHash)
      writer.uint((pair.lastAt - at) / 1000)
      writer.uint(markBits)
      writer.uint(fraction(harm))
      writer.uint(signed(tone, EVIDENCE_FRACTIONS))
      writer.uint(signed(recruiting, EVIDENCE_FRACTIONS))
    }
    writer.uint(pair.judged.length)
    for (const hash of pair.judged) writer.uint(hash)
    writer.uint(pair.clearedUntil / 1000)
    if (recruitingAbove > 0) writer.uint(recruitingAbove)
  }
  return writer.packed()
}

export function unpackPair(packed: PackedPair): Pair {
  const reader = new ByteReader(Buffer.from(packed, 'latin1'))
  const lastAt = reader.uint48()
  const firstAt = lastAt - 1000 * reader.uint()
  const unanswered = reader.uint()
  const messages = reader.uint() / FRACTIONS
  const today = reader.uint() / FRACTIONS
  const night = reader.uint() / FRACTIONS
  const answers = reader.uint() / FRACTIONS
  const harm = reader.uint() / FRACTIONS
  const tone = unsigned(reader.uint(), FRACTIONS)
  const toneAbove = reader.uint() / FRACTIONS
  const recruiting = reader.uint() / FRACTIONS
  const refusedAgo = reader.uint()
  const refusals = refusedAgo === 0 ? 0 : reader.uint() / FRACTIONS
  const sinceRefusal = refusedAgo === 0 ? 0 : reader.uint()
  const marks: MarkSeen[] = []
  for (let left = reader.uint(); left > 0; left--) {
    const mark = reader.uint()
    const count = reader.uint() / FRACTIONS
    marks.push({ mark, count, lastAt: lastAt - 1000 * reader.uint() })
  }
  const recent: number[] = []
  for (let left = reader.uint(); left > 0; left--) recent.push(reader.uint())
  const items: PriorItem[] = []
  for (let left = reader.uint(); left > 0; left--) {
    const eventId = reader.text()
    const kind = EVENT_KIND_SYMBOLS[reader.uint()] ?? 'UNKNOWN'
    const contentId = reader.text()
    items.push({
      eventId,
      kind,
      contentId: contentId === '' ? eventId : contentId,
      occurredAt: reader.uint(),
      feedPartition: reader.uint(),
      feedOffset: reader.uint(),
      feedAppendedAt: reader.uint(),
      category: CATEGORY_SYMBOLS[reader.uint()] ?? 'unclassified',
      score: reader.uint() / SCORE,
      section: reader.text(),
    })
  }
  const evidence: Evidence[] = []
  const judged: number[] = []
  let clearedUntil = 0
  let recruitingAbove = 0
  if (reader.hasMore) {
    for (let left = reader.uint(); left > 0; left--)
      evidence.push({
        eventHash: reader.uint(),
        at: lastAt - 1000 * reader.uint(),
        markBits: reader.uint(),
        harm: reader.uint() / FRACTIONS,
        tone: unsigned(reader.uint(), EVIDENCE_FRACTIONS),
        recruiting: unsigned(reader.uint(), EVIDENCE_FRACTIONS),
      })
    for (let left = reader.uint(); left > 0; left--) judged.push(reader.uint())
    clearedUntil = 1000 * reader.uint()
    if (reader.hasMore) recruitingAbove = reader.uint() / FRACTIONS
  }
  return {
    firstAt,
    lastAt,
    startedByProtected: unanswered % 2 === 1,
    messages,
    today,
    night,
    answers,
    unanswered: Math.floor(unanswered / 2),
    harm,
    tone,
    toneAbove,
    recruiting,
    recruitingAbove,
    refusals,
    refusedAt: refusedAgo === 0 ? 0 : lastAt - 1000 * (refusedAgo - 1),
    sinceRefusal,
    marks,
    recent,
    items,
    evidence,
    judged,
    clearedUntil,
  }
}

/** When the pair was last written, without unpacking the rest. */
export const lastAtOf = (packed: PackedPair): number => packedUint48(packed, 0)

export const pairCodec = {
  encode: (packed: PackedPair): Buffer => Buffer.from(packed, 'latin1'),
  decode: (bytes: Buffer): PackedPair => bytes.toString('latin1'),
}
