import type { EnforcementDecision } from '@wardline/events'
import type { RiskPolicy } from '@wardline/policy/risk'
import { hashOf, withRecent } from './ids.ts'
import {
  aboveFloor,
  EVERYDAY_TONE,
  type Evidence,
  halfLife,
  type MarkSeen,
  OPENNESS_BIT,
  PAIR,
  type Pair,
  wholeSecond,
  withEvidence,
  withMarks,
} from './pair.ts'

/** What a human found about one event of a pair. */
export interface Reversal {
  readonly eventId: string
  /** When the event occurred, ms. */
  readonly at: number
  readonly found: 'harmless' | 'harmful'
  /** Whether the decision that was overturned rested on what the pair had shown before. */
  readonly ofPattern: boolean
}

/** What enforce rests a decision on that comes of the pair, not of the event alone: findings of this stage, and follow-ups. */
const FOLLOWED_UP = 'later_events'
const OF_PATTERN: ReadonlySet<string> = new Set(['staged_approach', 'persistence', 'recruiting', FOLLOWED_UP])

/** What a REVERSAL says of the pair; undefined where it says nothing: a follow-up that fell back to what stood before it. */
export function reversalOf(decision: EnforcementDecision): Reversal | undefined {
  if (decision.type !== 'REVERSAL') return undefined
  const { eventId, occurredAt: at, ruleIds } = decision
  const ofPattern = ruleIds.some((id) => OF_PATTERN.has(id))
  // An order on the section holds what was found harmless, too: heldVerdict says what was found.
  switch (decision.heldVerdict ?? decision.verdict) {
    case 'ALLOW':
    case 'ALLOW_NOT_YOUTH':
      return { eventId, at, found: 'harmless', ofPattern }
    case 'LIMIT_REACH':
    case 'HIDE':
    case 'REMOVE':
      return ruleIds.includes(FOLLOWED_UP) ? undefined : { eventId, at, found: 'harmful', ofPattern }
    default:
      return undefined
  }
}

/**
 * The pair after a human's verdict on one of its events; the same pair where it has taken it before. Decayed counts are
 * changed as they stand at `lastAt`, which stays.
 * - Harmless: what the event brought in goes out, as if it had been said in everyday words, and it is no earlier item any
 *   more. Where the decision rested on the pattern, so does all that the pair had shown until then, but for what a human
 *   has found harmful.
 * - Harmful: it counts as harm in full.
 * First contact, numbers of messages and answers, openness and refusals are facts and stay.
 */
export function afterReversal(before: Pair, reversal: Reversal, policy: RiskPolicy): Pair {
  const eventHash = hashOf(reversal.eventId)
  if (before.judged.includes(eventHash)) return before
  const at = wholeSecond(reversal.at)
  const judged = withRecent(before.judged, eventHash, PAIR.judged)
  const known = before.evidence.find((each) => each.eventHash === eventHash)
  if (reversal.found === 'harmful') return withHarm({ ...before, judged }, eventHash, at, known)

  const halfLifeMs = halfLife(policy)
  let pair: Pair = {
    ...before,
    judged,
    items: before.items.filter(({ eventId }) => eventId !== reversal.eventId),
  }
  if (known) pair = without(pair, known, halfLifeMs)
  return reversal.ofPattern && at > pair.clearedUntil ? cleared(pair, at, halfLifeMs) : pair
}

/** What is left at `until` of a count of 1 at `at`. */
const left = (at: number, until: number, halfLifeMs: number): number =>
  at >= until ? 1 : 2 ** ((at - until) / halfLifeMs)

function withHarm(pair: Pair, eventHash: number, at: number, known: Evidence | undefined): Pair {
  const confirmed: Evidence = known
    ? { ...known, harm: 1 }
    : { eventHash, at: Math.min(at, pair.lastAt), markBits: 0, harm: 1, tone: EVERYDAY_TONE, recruiting: 0 }
  const more = 1 - (known?.harm ?? 0)
  return {
    ...pair,
    harm: pair.harm + more * left(confirmed.at, pair.lastAt, PAIR.harmHalfLifeMs),
    evidence: known
      ? pair.evidence.map((each) => (each === known ? confirmed : each))
      : withEvidence(pair.evidence, confirmed),
  }
}

/** A mark of which less is left was hardly ever seen. */
const LEAST_COUNT = 1 / 16

/** The pair as if the event had been said in everyday words. */
function without(pair: Pair, event: Evidence, halfLifeMs: number): Pair {
  const one = left(event.at, pair.lastAt, halfLifeMs)
  const marks: MarkSeen[] = []
  for (const seen of pair.marks) {
    const shown = event.markBits & ~OPENNESS_BIT & (1 << seen.mark)
    const count = shown === 0 ? seen.count : seen.count - left(event.at, seen.lastAt, halfLifeMs)
    if (shown === 0) marks.push(seen)
    else if (count >= LEAST_COUNT) marks.push({ ...seen, count })
  }
  return {
    ...pair,
    harm: Math.max(0, pair.harm - event.harm * left(event.at, pair.lastAt, PAIR.harmHalfLifeMs)),
    // A tone below the everyday one spoke for the actor and stays.
    tone: pair.tone - one * Math.max(0, event.tone - EVERYDAY_TONE),
    toneAbove: Math.max(0, pair.toneAbove - one * Math.max(0, event.tone)),
    recruiting: Math.max(0, pair.recruiting - one * Math.max(0, event.recruiting)),
    recruitingAbove: Math.max(0, pair.recruitingAbove - one * aboveFloor(event.recruiting)),
    marks,
    evidence: pair.evidence.filter((each) => each !== event),
  }
}

/** The pair with the facts, and with the evidence of after `until` and of what a human has found harmful alone. */
function cleared(pair: Pair, until: number, halfLifeMs: number): Pair {
  const evidence = pair.evidence.filter(({ at, eventHash }) => at > until || pair.judged.includes(eventHash))
  let marks: readonly MarkSeen[] = pair.marks.filter(({ mark }) => (1 << mark) & OPENNESS_BIT)
  let harm = 0
  let tone = EVERYDAY_TONE * pair.messages
  let toneAbove = 0
  let recruiting = 0
  let recruitingAbove = 0
  let sinceRefusal = 0
  for (const event of evidence) {
    const one = left(event.at, pair.lastAt, halfLifeMs)
    harm += event.harm * left(event.at, pair.lastAt, PAIR.harmHalfLifeMs)
    tone += one * (event.tone - EVERYDAY_TONE)
    toneAbove += one * Math.max(0, event.tone)
    recruiting += one * Math.max(0, event.recruiting)
    recruitingAbove += one * aboveFloor(event.recruiting)
    if (event.at > pair.refusedAt) sinceRefusal++
    marks = withMarks(marks, event.markBits & ~OPENNESS_BIT, event.at, halfLifeMs)
  }
  return {
    ...pair,
    // Never more than it was: what is known apart is rounded, and speaks of the last events only.
    harm: Math.min(pair.harm, harm),
    tone: Math.min(pair.tone, tone),
    toneAbove: Math.min(pair.toneAbove, toneAbove),
    recruiting: Math.min(pair.recruiting, recruiting),
    recruitingAbove: Math.min(pair.recruitingAbove, recruitingAbove),
    // That it was refused is a fact; that it went on was found harmless until then.
    sinceRefusal: until < pair.refusedAt ? pair.sinceRefusal : Math.min(pair.sinceRefusal, sinceRefusal),
    marks,
    items: pair.items.filter(({ occurredAt }) => wholeSecond(occurredAt) > until),
    evidence,
    clearedUntil: until,
  }
}
