import type { ClassifiedEvent } from '@wardline/events'
import { MARKS, RECRUITING_FEATURES, type RiskPolicy } from '@wardline/policy/risk'
import { countAt, EVERYDAY_TONE, meanRecruiting, type Pair } from './pair.ts'

const RECRUITING = MARKS.indexOf('recruiting')
const MOVE = MARKS.indexOf('move')
export const RECRUITING_BIT = 1 << RECRUITING
const MOVE_BIT = 1 << MOVE
const HOUR = 3_600_000
/** What each further time that a mark is seen leaves of the doubt about it. */
const DOUBT = 0.5
/** A score in the category from which it counts as the words. */
const OWN_FROM = 0.4

/** What recruiting is told by: the event, and the pair before and with it. */
export interface RecruitingInput {
  readonly event: Pick<
    ClassifiedEvent,
    'occurredAt' | 'actorAgeBand' | 'category' | 'score' | 'scores' | 'contactHashes' | 'tones'
  >
  readonly markBits: number
  readonly who: number
  /** Minors on the partition who got the event's text or contact handle. */
  readonly spread: number
  readonly before: Pair
  readonly pair: Pair
  readonly policy: RiskPolicy
}

/**
 * Whether the event says anything of recruiting: its words, a score in the category, a tone above the everyday one, or a way
 * to go on elsewhere after such words.
 */
export function showsRecruiting({ event, markBits, pair }: RecruitingInput): boolean {
  const { recruiting } = event.tones
  const hasTone = recruiting !== 0 && recruiting > EVERYDAY_TONE
  if (markBits & RECRUITING_BIT || hasTone || ownScore(event) >= OWN_FROM) return true
  if (event.contactHashes.length === 0 && !(markBits & MOVE_BIT)) return false
  return pair.recruitingAbove > 0 || pair.marks.some(({ mark }) => mark === RECRUITING)
}

/**
 * What the recruiting model sees, in the order of RECRUITING_FEATURES; each from 0 to 1.
 * - `words`: 1 - 0.5^n for n times that words of recruiting were said, this event included, decayed. `own`: the event's score
 *   in `game_companion`.
 * - `tone`: of this event, log-odds, of 4. `toneSum`: of the conversation, where what speaks against takes away again, of 8.
 *   `toneMean`: how far the messages are above RECRUITING_FLOOR, on average, of 5.
 * - `handle`: the event has a way to be reached. `move`: as `words`, for asking to go to another app or place.
 * - `repeated`: said before. `minor`: how much the conversation counts by who talks to whom. `unverified`: the actor's age is not
 *   established; most who honestly teach, sell or look after minors have it established. `spread`: it goes to many minors.
 */
export function recruitingFeatures(input: RecruitingInput, features: Float64Array): void {
  const { event, who, spread, before, pair, policy } = input
  let words = 0
  let moved = 0
  for (const seen of pair.marks) {
    if (seen.mark !== MOVE && seen.mark !== RECRUITING) continue
    const evidence = 1 - DOUBT ** countAt(seen, event.occurredAt, policy.approach.halfLifeHours * HOUR)
    if (seen.mark === MOVE) moved = evidence
    else words = evidence
  }
  features[0] = words
  features[1] = ownScore(event)
  features[2] = within(event.tones.recruiting / 4)
  features[3] = within(pair.recruiting / 8)
  features[4] = within(meanRecruiting(pair) / 5)
  features[5] = event.contactHashes.length > 0 ? 1 : 0
  features[6] = moved
  features[7] = before.marks.some(({ mark }) => mark === RECRUITING) ? 1 : 0
  features[8] = who
  features[9] = event.actorAgeBand === 'UNKNOWN' ? 1 : 0
  features[10] = spread >= policy.spread.minors ? 1 : 0
}

const features = new Float64Array(RECRUITING_FEATURES.length)

/**
 * Recruiting for game companionship, paid chat and the like, 0 to 1: a logistic model over `recruitingFeatures`; less between
 * peers, who look for company to play with in the same words.
 */
export function recruitingScore(input: RecruitingInput): number {
  if (!showsRecruiting(input)) return 0
  const { policy, who } = input
  recruitingFeatures(input, features)
  let logit = policy.recruiting.bias
  for (let i = 0; i < features.length; i++) logit += policy.recruitingWeights[i]! * features[i]!
  return Math.min(1, 0.3 + who) / (1 + Math.exp(-logit))
}

function ownScore({ category, score, scores }: RecruitingInput['event']): number {
  for (const each of scores) if (each.category === 'game_companion') return each.score
  return category === 'game_companion' ? score : 0
}

const within = (value: number): number => Math.min(1, Math.max(0, value))
