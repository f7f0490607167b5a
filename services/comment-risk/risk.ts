import type {
  AgeBand,
  Category,
  CategoryScore,
  ClassifiedEvent,
  EventKind,
  RiskFinding,
  UsageStatus,
} from '@wardline/events'
import { approachWeight, isMinor, noisyOr, raisedForAge } from './age.ts'
import {
  approachScore,
  CONVERSATION,
  hasWritten,
  isRefused,
  type Pair,
  persistenceScore,
} from './conversation.ts'
import { valueAt } from './decay.ts'
import { countWithin, type RecentActors } from './recent-actors.ts'

const HOUR = 3_600_000

export const RISK = {
  /** A finding below this is not worth telling. */
  leastFinding: 0.08,
  /** From this score on, a finding may name the category of the event. */
  findingThreshold: 0.5,
  /** From this score on, harm that classify left benign is a minor's harm once raised for the age. */
  raisedThreshold: 0.62,
  /** Attack on an account, by score: counts for the pile-on. */
  attackThreshold: 0.4,
  /** Distinct attackers within the window from which it is a pile-on; more for adults. */
  pileOnWindowMs: 24 * HOUR,
  pileOnMinor: 5,
  pileOnAdult: 12,
  /** Sum of decayed scores from which an actor's harm to one minor is repeated. */
  repeatedHarm: 1.5,
} as const

const CONVERSATION_KINDS: ReadonlySet<EventKind> = new Set(['COMMENT', 'PRIVATE_MESSAGE', 'GROUP_MESSAGE'])

/** Categories that are done to somebody. */
const ATTACKS: ReadonlySet<Category> = new Set(['abuse_bullying', 'hate', 'privacy_exposure'])
/** Categories by which an adult gets at a minor. */
const APPROACHES: ReadonlySet<Category> = new Set(['grooming', 'contact_solicitation', 'sexual_enticement'])
/** Harm that also counts where the minor wrote it: it tells of danger to the writer. */
const HARM_TO_SELF: ReadonlySet<Category> = new Set(['self_harm', 'privacy_exposure'])

/** Categories of no harm; UNKNOWN scores in them are never raised. */
const harmless = (category: Category): boolean => category === 'benign' || category === 'unclassified'

/** Everything that an event's risk is computed from. Read only. */
export interface RiskInput {
  readonly event: ClassifiedEvent
  readonly protectedAgeBand: AgeBand
  /** The pair before this event; undefined where the event addresses nobody else or no minor. */
  readonly pair: Pair | undefined
  readonly stageBits: number
  /** Attackers of the protected account, this event's included. */
  readonly attackers: RecentActors
  readonly usageStatus: UsageStatus | null
}

export interface Risk {
  readonly riskCategory: Category
  readonly risk: number
  readonly findings: RiskFinding[]
}

/** Whether the event is said by one account to another. */
export const isAddressed = (event: ClassifiedEvent): boolean =>
  event.protectedId !== event.actorId && CONVERSATION_KINDS.has(event.kind)

/** How much the event attacks the account that it addresses: the highest score of an attacking category. */
export function attackScore(event: ClassifiedEvent): number {
  let highest = 0
  for (const { category, score } of event.scores)
    if (score > highest && ATTACKS.has(category)) highest = score
  return ATTACKS.has(event.category) ? Math.max(highest, event.score) : highest
}

/** The event's score as harm to the one addressed: 0 where classify found none. */
export const harmScore = (event: ClassifiedEvent): number => (harmless(event.category) ? 0 : event.score)

/**
 * The category that the decision should speak for and its risk. Scores of classify are raised by the age of
 * the minor they meet, findings are added from state, and the highest of all wins; where nothing passes its
 * threshold the category is benign and the risk is still the highest score.
 */
export function assessRisk(input: RiskInput): Risk {
  const { event, protectedAgeBand: band } = input
  const findings = findingsOf(input)
  let { riskCategory, risk } = ownRisk(event, band)
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
function ownRisk(event: ClassifiedEvent, band: AgeBand): { riskCategory: Category; risk: number } {
  const category = harmless(event.category) ? 'benign' : event.category
  if (!isMinor(band) || event.kind === 'USAGE') return { riskCategory: category, risk: event.score }
  if (category !== 'benign')
    return { riskCategory: category, risk: raisedScore(event, category, event.score, band) }
  const top = highestScore(event.scores)
  if (!top) return { riskCategory: 'benign', risk: event.score }
  const raised = raisedScore(event, top.category, top.score, band)
  return raised >= RISK.raisedThreshold
    ? { riskCategory: top.category, risk: raised }
    : { riskCategory: 'benign', risk: Math.max(event.score, raised) }
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

function highestScore(scores: readonly CategoryScore[]): CategoryScore | undefined {
  let highest: CategoryScore | undefined
  for (const each of scores) {
    if (!harmless(each.category) && (highest === undefined || each.score > highest.score)) highest = each
  }
  return highest
}

/** Shared by the events without findings, which are most: nobody changes an output. */
const NONE: RiskFinding[] = []

function findingsOf(input: RiskInput): RiskFinding[] {
  const { event, protectedAgeBand: band, pair, stageBits, attackers, usageStatus } = input
  if (usageStatus) return usageFindings(usageStatus)
  if (!isAddressed(event)) return NONE
  const findings: RiskFinding[] = []
  const at = event.occurredAt
  const actor = event.actorAgeBand

  if (pair) {
    const approach = approachScore(pair, at, stageBits, actor, band)
    const category = stageBits & SEXUAL_BIT ? 'sexual_enticement' : 'grooming'
    tell(findings, 'staged_approach', '3.3', category, approach)

    const own = approachOf(event)
    const harm = harmScore(event)
    if (actor === 'ADULT' && !hasWritten(pair)) {
      const alone = event.kind === 'PRIVATE_MESSAGE' ? 0.1 : 0.05
      const score = noisyOr(alone, Math.min(0.9, 0.8 * own + (stageBits !== 0 ? 0.12 : 0)))
      tell(findings, 'first_contact_by_adult', '3.3', 'contact_solicitation', score)
    }
    const insisting = persistenceScore(pair, at, Math.max(harm, approach), actor, band)
    const repeated = repeatedHarmScore(pair, at, harm)
    if (insisting >= repeated) tell(findings, 'persistence', '3.3', insistingCategory(actor), insisting)
    else tell(findings, 'persistence', event.ruleHits[0]?.item ?? '2.1', event.category, repeated)
  }

  const attack = attackScore(event)
  if (attack >= RISK.attackThreshold) {
    const least = isMinor(band) ? RISK.pileOnMinor : RISK.pileOnAdult
    const count = countWithin(attackers, at, RISK.pileOnWindowMs)
    if (count >= least) {
      const score = Math.max(attack, noisyOr(attack * 0.6, Math.min(0.8, 0.4 + 0.04 * (count - least))))
      tell(findings, 'pile_on', '2.2', 'abuse_bullying', score)
    }
  }
  return findings.length === 0 ? NONE : findings
}

/** Bit of the stage that has sexual_talk and ask_picture. */
const SEXUAL_BIT = 1 << 5

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
  const before = valueAt(pair.harm, at, CONVERSATION.harmHalfLifeMs)
  if (before < RISK.repeatedHarm && !isRefused(pair, at)) return 0
  return noisyOr(harm, Math.min(0.5, 0.1 * before))
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
