import type {
  AgeBand,
  Category,
  CategoryScore,
  ClassifiedEvent,
  EventKind,
  RiskFinding,
  UsageStatus,
} from '@wardline/events'
import { PILE_ON_FEATURES, profileOf, type RiskPolicy } from '@wardline/policy/risk'
import { DAY, type ProtectedAccount, pileOnFeatures, threadOf } from './account.ts'
import { approachWeight, isMinor, noisyOr, raisedForAge } from './age.ts'
import { approachScore, persistenceScore, SEXUAL_BIT, STAGE_BITS, TELLING_BITS } from './approach.ts'
import { countWithin } from './distinct.ts'
import { hashOf } from './ids.ts'
import { hasWritten, isRefused, OPENNESS_BIT, type Pair } from './pair.ts'
import { RECRUITING_BIT, recruitingScore } from './recruiting.ts'

export const RISK = {
  /** A finding below this is not worth telling. */
  leastFinding: 0.08,
  /** From this score on, a finding may name the category of the event. */
  findingThreshold: 0.5,
  /** From this score on, harm that classify left benign is a minor's harm once raised for the age. */
  raisedThreshold: 0.62,
  /** Sum of decayed scores from which an actor's harm to one minor is repeated. */
  repeatedHarm: 1.5,
  /** Earlier items are kept where a conversation counts at least so much: between peers they hardly ever come to matter. */
  leastWhoForItems: 0.5,
  /** Usage events whose repeats are known as such. */
  recentUsage: 16,
} as const

const CONVERSATION_KINDS: ReadonlySet<EventKind> = new Set(['COMMENT', 'PRIVATE_MESSAGE', 'GROUP_MESSAGE'])

/** Categories that are done to somebody. */
const ATTACKS: ReadonlySet<Category> = new Set(['abuse_bullying', 'hate', 'privacy_exposure'])
/** Categories by which an adult gets at a minor. */
const APPROACHES: ReadonlySet<Category> = new Set(['grooming', 'contact_solicitation', 'sexual_enticement'])
/** Of those, what peers and guardians say in the same words. */
const FAMILIAR: ReadonlySet<Category> = new Set(['grooming', 'contact_solicitation'])
/** Harm that also counts where the minor wrote it: it tells of danger to the writer. */
const HARM_TO_SELF: ReadonlySet<Category> = new Set(['self_harm', 'privacy_exposure'])

/** Categories of no harm; UNKNOWN scores in them are never raised. */
const harmless = (category: Category): boolean => category === 'benign' || category === 'unclassified'

/** Everything that an event's risk is computed from. Read only. */
export interface RiskInput {
  readonly event: ClassifiedEvent
  readonly protectedAgeBand: AgeBand
  /** The pair before and with this event; undefined where the event addresses nobody else or no minor. */
  readonly before: Pair | undefined
  readonly pair: Pair | undefined
  /** How much a conversation counts by who talks to whom. */
  readonly who: number
  /** Bits of MARKS that the event shows. */
  readonly markBits: number
  readonly hostility: number
  /** The protected account with this event in it. */
  readonly account: ProtectedAccount | undefined
  /** Minors on the partition who got the event's text or contact handle. */
  readonly spread: number
  readonly usageStatus: UsageStatus | null
  readonly policy: RiskPolicy
}

export interface Risk {
  readonly riskCategory: Category
  readonly risk: number
  readonly findings: RiskFinding[]
}

/** Whether the event is said by one account to another. */
export const isAddressed = (event: ClassifiedEvent): boolean =>
  event.protectedId !== event.actorId && CONVERSATION_KINDS.has(event.kind)

export const isConversation = (event: ClassifiedEvent): boolean => CONVERSATION_KINDS.has(event.kind)

/** How much the event attacks the account that it addresses: the highest score of an attacking category. */
export function attackScore(event: Pick<ClassifiedEvent, 'category' | 'score' | 'scores'>): number {
  let highest = 0
  for (const { category, score } of event.scores)
    if (score > highest && ATTACKS.has(category)) highest = score
  return ATTACKS.has(event.category) ? Math.max(highest, event.score) : highest
}

/**
 * How hostile an event is to the account that it addresses: its score as an attack, or what a hostile word or tone counts
 * as. A score that no hostile tone goes along with counts half: it takes more of it to be an attack.
 */
export function hostilityOf(
  event: Pick<ClassifiedEvent, 'category' | 'score' | 'scores' | 'signals' | 'tones'>,
  { pileOn }: RiskPolicy,
): number {
  const attack = attackScore(event) * (event.tones.hostile < 0 ? 0.5 : 1)
  const hostile = event.signals.includes('hostile') || event.tones.hostile >= pileOn.toneFrom
  return hostile ? Math.max(attack, pileOn.hostileScore) : attack
}

/** The event's score as harm to the one addressed: 0 where classify found none. */
export const harmScore = (event: ClassifiedEvent, toMinor: boolean, who: number): number =>
  harmless(event.category) ? 0 : familiarScore(event, toMinor, who)

/**
 * The event's score; of an approach (grooming, asking for contact) less where those talk who know one another: a
 * child asks another where it lives, a guardian whether it is alone. Below the threshold of findings it counts for nothing.
 */
function familiarScore({ category, score }: ClassifiedEvent, toMinor: boolean, who: number): number {
  if (!toMinor || who >= 0.5 || !FAMILIAR.has(category)) return score
  const left = score * (0.4 + 1.2 * who)
  return left >= RISK.findingThreshold ? left : 0
}

/**
 * The category that the decision should speak for and its risk. Scores of classify are raised by the age of
 * the minor they meet, findings are added from state, and the highest of all wins; where nothing passes its
 * threshold the category is benign and the risk is still the highest score.
 */
export function assessRisk(input: RiskInput): Risk {
  const { event, protectedAgeBand: band } = input
  const findings = findingsOf(input)
  let { riskCategory, risk } = ownRisk(event, band, input.pair !== undefined, input.who)
  for (const { category, score } of findings) {
    if (score < RISK.findingThreshold) continue
    if (score > risk || riskCategory === 'benign') {
      riskCategory = category
      risk = score
    }
  }
  return { riskCategory, risk: clamp(risk), findings }
}

/** Classify's answer, raised where the harm meets a minor. */
function ownRisk(
  event: ClassifiedEvent,
  band: AgeBand,
  toMinor: boolean,
  who: number,
): { riskCategory: Category; risk: number } {
  const category = harmless(event.category) ? 'benign' : event.category
  if (!isMinor(band) || event.kind === 'USAGE') return { riskCategory: category, risk: event.score }
  const left = familiarScore(event, toMinor, who)
  if (category !== 'benign' && left > 0 && left < event.score) return { riskCategory: category, risk: left }
  if (category !== 'benign' && left > 0)
    return { riskCategory: category, risk: raisedScore(event, category, event.score, band) }
  // What is about minors by its category needs no raising: too little for it in one line is for the conversation to show.
  const top = highestScore(event.scores, toMinor ? FAMILIAR : NO_CATEGORIES)
  const rest = category === 'benign' ? event.score : 0
  if (!top) return { riskCategory: 'benign', risk: rest }
  const raised = raisedScore(event, top.category, top.score, band)
  return raised >= RISK.raisedThreshold
    ? { riskCategory: top.category, risk: raised }
    : { riskCategory: 'benign', risk: Math.max(rest, raised) }
}

function raisedScore(event: ClassifiedEvent, category: Category, score: number, band: AgeBand): number {
  const toward =
    event.protectedId !== event.actorId || event.kind === 'SEARCH_RESULT' || HARM_TO_SELF.has(category)
  if (!toward) return score
  const raised = raisedForAge(score, band)
  // An adult's approach to a minor is what the category is about; between peers it is mostly flirting.
  if (!APPROACHES.has(category) || event.protectedId === event.actorId) return raised
  return noisyOr(raised, 0.2 * score * approachWeight(event.actorAgeBand, band))
}

const NO_CATEGORIES: ReadonlySet<Category> = new Set()

function highestScore(
  scores: readonly CategoryScore[],
  without: ReadonlySet<Category>,
): CategoryScore | undefined {
  let highest: CategoryScore | undefined
  for (const each of scores) {
    if (without.has(each.category)) continue
    if (!harmless(each.category) && (highest === undefined || each.score > highest.score)) highest = each
  }
  return highest
}

/** Shared by the events without findings, which are most: nobody changes an output. */
const NONE: RiskFinding[] = []

function findingsOf(input: RiskInput): RiskFinding[] {
  const { event, protectedAgeBand: band, usageStatus } = input
  if (usageStatus) return usageFindings(usageStatus)
  if (!isAddressed(event)) return NONE
  const findings: RiskFinding[] = []
  if (input.pair && input.before) findPair(input, input.before, input.pair, findings)
  if (input.spread > 0) findSpread(input, findings)
  if (input.account && input.hostility >= input.policy.pileOn.attackFrom)
    findAttack(input, input.account, isMinor(band), findings)
  return findings.length === 0 ? NONE : findings
}

function findPair(input: RiskInput, before: Pair, pair: Pair, findings: RiskFinding[]): void {
  const { event, markBits, who, policy } = input
  const at = event.occurredAt
  const actor = event.actorAgeBand
  const approach = approachScore(pair, at, markBits, who, policy)
  const category = markBits & SEXUAL_BIT ? 'sexual_enticement' : 'grooming'
  tell(findings, 'staged_approach', '3.3', category, approach)

  const own = approachOf(event)
  const harm = harmScore(event, true, who)
  if (actor === 'ADULT' && who >= 0.5 && !hasWritten(before) && !before.startedByProtected) {
    const alone = event.kind === 'PRIVATE_MESSAGE' ? 0.1 : 0.05
    const score = noisyOr(alone, Math.min(0.9, 0.8 * own + (markBits & STAGE_BITS ? 0.12 : 0)))
    tell(findings, 'first_contact_by_adult', '3.3', 'contact_solicitation', score)
  }
  const insisting = persistenceScore(pair, at, Math.max(harm, approach), who)
  const repeated = repeatedHarmScore(before, at, harm)
  if (insisting >= repeated) tell(findings, 'persistence', '3.3', insistingCategory(actor), insisting)
  else tell(findings, 'persistence', event.ruleHits[0]?.item ?? '2.1', event.category, repeated)
  tell(
    findings,
    'recruiting',
    '6.3',
    'game_companion',
    recruitingScore({ event, markBits, who, spread: input.spread, before, pair, policy }),
  )
}

/** One text or handle that goes to many minors: more with each, and with what the event itself shows. */
function findSpread({ event, markBits, spread, policy }: RiskInput, findings: RiskFinding[]): void {
  const { minors, score, each } = policy.spread
  if (spread < minors) return
  const shown = markBits & (TELLING_BITS | RECRUITING_BIT) ? 0.5 : 0.2
  const substance = Math.max(event.score, shown) * (markBits & OPENNESS_BIT ? 0.5 : 1)
  const wide = Math.min(0.9, score + each * (spread - minors))
  const category = markBits & RECRUITING_BIT ? 'game_companion' : 'contact_solicitation'
  tell(findings, 'copy_spread', '3.3', category, wide * (0.4 + 0.6 * substance))
}

/**
 * Attacks on one account, over several windows and within one thread: a logistic model over `pileOnFeatures`. From enough
 * distinct attackers on it is a pile-on. What fewer do to a minor, by one sharp line or again and again, is targeted abuse.
 */
function findAttack(
  { event, hostility, policy }: RiskInput,
  account: ProtectedAccount,
  minor: boolean,
  findings: RiskFinding[],
): void {
  const { pileOn } = policy
  const { bias, weights } = policy.pileOnModels[profileOf(event.modelVersion)]
  const at = event.occurredAt
  const attackers = countWithin(account.attackers, at, DAY)
  const byMany = attackers >= (minor ? pileOn.leastMinor : pileOn.leastAdult)
  if (!byMany && !minor) return
  const thread = event.conversationId === null ? undefined : threadOf(account, hashOf(event.conversationId))
  pileOnFeatures(account, at, thread, hostility, features)
  let logit = bias
  for (let i = 0; i < features.length; i++) logit += weights[i]! * features[i]!
  const code = byMany ? 'pile_on' : 'targeted_abuse'
  tell(findings, code, '2.2', 'abuse_bullying', 1 / (1 + Math.exp(-logit)))
}

const features = new Float64Array(PILE_ON_FEATURES.length)

/** A minor who goes on is a nuisance or a bully; an adult, or somebody of unestablished age, is more. */
const insistingCategory = (actor: AgeBand): Category => (isMinor(actor) ? 'abuse_bullying' : 'grooming')

/** The event's own score in the categories of approach. */
function approachOf(event: ClassifiedEvent): number {
  let highest = APPROACHES.has(event.category) ? event.score : 0
  for (const { category, score } of event.scores)
    if (score > highest && APPROACHES.has(category)) highest = score
  return highest
}

/** The same actor harms the same minor again and again: what it did before weighs on what it does now. */
function repeatedHarmScore(pair: Pair, at: number, harm: number): number {
  if (harm === 0) return 0
  if (pair.harm < RISK.repeatedHarm && !isRefused(pair, at)) return 0
  return noisyOr(harm, Math.min(0.5, 0.1 * pair.harm))
}

function usageFindings(status: UsageStatus): RiskFinding[] {
  if (!status.overLimit && !status.inRestHours) return NONE
  const findings: RiskFinding[] = []
  if (status.overLimit) {
    const excess = (status.usedSeconds - status.limitSeconds) / Math.max(600, status.limitSeconds)
    tell(findings, 'usage_limit', '6.1', 'addiction', Math.min(0.95, 0.55 + 0.3 * excess))
  }
  if (status.inRestHours) tell(findings, 'rest_hours', '6.1', 'addiction', 0.6)
  return findings
}

function tell(findings: RiskFinding[], code: string, item: string, category: Category, score: number): void {
  if (score >= RISK.leastFinding) findings.push({ code, item, category, score: clamp(score) })
}

const clamp = (score: number): number => Math.min(1, Math.max(0, score))
