import { APPROACH_FEATURES, APPROACH_STAGES, MARKS, type RiskPolicy } from '@wardline/policy/risk'
import { noisyOr } from './age.ts'
import { countAt, EVERYDAY_TONE, isRefused, meanTone, type Pair } from './pair.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

const markIndex = (name: (typeof MARKS)[number]): number => MARKS.indexOf(name)
const STAGES = APPROACH_STAGES.length
export const STAGE_BITS = (1 << STAGES) - 1
const SECRECY = markIndex('secrecy')
const ALONE = markIndex('alone')
const GIFT = markIndex('gift')
const SEXUAL = markIndex('sexual')
const MOVE = markIndex('move')
const MEET = markIndex('meet')
const PRESSING = markIndex('pressing')
const OPENNESS = markIndex('openness')
export const SEXUAL_BIT = 1 << SEXUAL
/** Stages that somebody who writes to children does not pass by accident: what is kept for later and what is a late one. */
export const TELLING_BITS =
  (1 << ALONE) | (1 << SECRECY) | (1 << GIFT) | (1 << SEXUAL) | (1 << MOVE) | (1 << MEET) | (1 << PRESSING)

/** What each further time that a mark is seen leaves of the doubt about it. */
const DOUBT = 0.5
/** From this evidence on, a stage counts as passed. */
const PASSED = 0.2

const marks = new Float64Array(MARKS.length)

/**
 * What the approach model sees of a pair, this event included, in the order of APPROACH_FEATURES; each from 0 to 1.
 * - a stage, `pressing`, `openness`: 1 - 0.5^n for n times seen, decayed. Openness counts half where there is secrecy:
 *   who says that parents know and that they must not, does not mean it.
 * - `order`: in how many of four cases a stage was first seen after an earlier one.
 * - `hidden`: secrecy or being alone together with gifts, sexual talk, moving on or meeting.
 * - `breadth`: how many stages, of six.
 * - `pace`: messages within a day, of 40. `unanswered`: since the last answer beyond the first, of 8.
 * - `refused`: messages since a refusal, of 5. `refusals`: 1 - 0.5^n for n of them that still count. `night`: share of
 *   messages in the local night, of few only a part.
 * - `harm`: what classify found, of 2.
 * - `tone`, `toneAbove`, `toneSum`: mean of the tones of its messages, from -2 to 1; sum of those above 0, of 10; sum of how
 *   far they are above what is said every day, of 40.
 * - `answered`: answers to messages, of 1. `acquainted`: age of the pair, of 60 days. `started`: the minor
 *   wrote first.
 * All that raises is scaled by who talks to whom (`approachWeight`): the same words weigh less between peers.
 */
export function approachFeatures(
  pair: Pair,
  at: number,
  who: number,
  policy: RiskPolicy,
  features: Float64Array,
): void {
  const halfLifeMs = policy.approach.halfLifeHours * HOUR
  marks.fill(0)
  let order = 0
  let furthest = -1
  for (const seen of pair.marks) {
    const evidence = 1 - DOUBT ** countAt(seen, at, halfLifeMs)
    marks[seen.mark] = evidence
    if (seen.mark >= STAGES || evidence < PASSED) continue
    if (furthest >= 0 && seen.mark > furthest) order++
    if (seen.mark > furthest) furthest = seen.mark
  }
  let breadth = 0
  for (let stage = 0; stage < STAGES; stage++) {
    breadth += marks[stage]!
    features[stage] = who * marks[stage]!
  }
  const intent = noisyOr(marks[SECRECY]!, marks[ALONE]!)
  const goal = noisyOr(noisyOr(marks[GIFT]!, marks[SEXUAL]!), noisyOr(marks[MOVE]!, marks[MEET]!))
  let i = STAGES
  features[i++] = who * marks[PRESSING]!
  features[i++] = who * Math.min(1, order / 4)
  features[i++] = who * intent * goal
  features[i++] = who * Math.min(1, breadth / 6)
  features[i++] = who * Math.min(1, pair.today / 40)
  features[i++] = who * Math.min(1, Math.max(0, pair.unanswered - 1) / 8)
  const refused = isRefused(pair, at)
  features[i++] = who * (refused ? Math.min(1, pair.sinceRefusal / 5) : 0)
  features[i++] = who * (refused ? 1 - DOUBT ** pair.refusals : 0)
  features[i++] = who * (pair.messages === 0 ? 0 : pair.night / Math.max(4, pair.messages))
  features[i++] = who * Math.min(1, pair.harm / 2)
  features[i++] = who * Math.min(1, Math.max(0, meanTone(pair) - EVERYDAY_TONE) / 3)
  features[i++] = who * Math.min(1, pair.toneAbove / 10)
  features[i++] = who * Math.min(1, Math.max(0, pair.tone - EVERYDAY_TONE * pair.messages) / 40)
  features[i++] = marks[OPENNESS]! * (1 - 0.5 * marks[SECRECY]!)
  features[i++] = pair.messages === 0 ? 0 : Math.min(1, pair.answers / pair.messages)
  features[i++] = Math.min(1, (pair.lastAt - pair.firstAt) / (60 * DAY))
  features[i] = pair.startedByProtected ? 1 : 0
}

const features = new Float64Array(APPROACH_FEATURES.length)

/**
 * How far the approach has come with this event, 0 to 1: a logistic model over `approachFeatures`. `pair` has the event in it
 * already, `markBits` is what it shows. Where it shows nothing, an approach that has come far is carried on to it in part.
 */
export function approachScore(
  pair: Pair,
  at: number,
  markBits: number,
  who: number,
  policy: RiskPolicy,
): number {
  // Wording alone is no approach: some stage has to have shown itself.
  if (who === 0 || !pair.marks.some(({ mark }) => mark < STAGES)) return 0
  approachFeatures(pair, at, who, policy, features)
  const { approach, approachWeights } = policy
  let logit = approach.bias
  for (let i = 0; i < features.length; i++) logit += approachWeights[i]! * features[i]!
  const score = 1 / (1 + Math.exp(-logit))
  if (markBits & (STAGE_BITS | (1 << PRESSING))) return score
  if (score < approach.carryFrom) return 0
  let latest = 0
  for (const { mark, lastAt } of pair.marks) if (mark < STAGES && lastAt > latest) latest = lastAt
  const quiet = Math.max(0, at - latest)
  return score * approach.carryShare * 2 ** (-quiet / (approach.carryHalfLifeHours * HOUR))
}

/** Names of the stages that the pair has passed, in the order in which they were first seen. */
export const passedStages = (pair: Pair): string[] =>
  pair.marks.filter(({ mark }) => mark < STAGES).map(({ mark }) => MARKS[mark]!)

/**
 * Contact that goes on after the protected account refused it, 0 to 1: more with each message and each refusal.
 * `substance` (0 to 1) is what the event itself shows: harm, or an approach. The pair has the event in it already.
 */
export function persistenceScore(pair: Pair, at: number, substance: number, who: number): number {
  if (!isRefused(pair, at) || pair.sinceRefusal === 0) return 0
  const messages = Math.min(pair.sinceRefusal, 6)
  const insisting = 1 - 0.75 * 0.85 ** (messages - 1) * 0.8 ** Math.max(0, pair.refusals - 1)
  // Peers quarrel and make up; but who is told to stop is told so at any age.
  const weight = Math.max(0.5, who)
  return noisyOr(insisting * weight, 0.5 * substance * weight)
}
