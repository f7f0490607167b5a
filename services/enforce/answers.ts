import type { AssessedEvent, EnforcementDecision, PriorItem, ReviewVerdict } from '@wardline/events'
import { BAND_VERDICTS, bandAt, type Enforcement } from '@wardline/policy/enforcement'
import { isMinor } from './contact-spread.ts'
import { type Actor, type Decided, decisionIdOf } from './decide.ts'
import { inForceAt, pointsAt, stepAt, strikesAt, withoutDecision, withStrike } from './ladder.ts'
import type { SectionOrder } from './section-orders.ts'
import { statementOf } from './statement.ts'
import { isAllowed } from './verdict.ts'

/** What later decisions on the same event repeat: no statement, no media, no text. */
type Echo = Pick<
  EnforcementDecision,
  | 'eventId'
  | 'kind'
  | 'occurredAt'
  | 'feedPartition'
  | 'feedOffset'
  | 'feedAppendedAt'
  | 'actorId'
  | 'protectedId'
  | 'contentId'
  | 'section'
  | 'category'
  | 'risk'
  | 'ruleIds'
  | 'items'
  | 'policyVersion'
  | 'modelVersion'
>

/** What is remembered of the answer to an event that may still change: adverse ones, and allowed ones that a human looks at. */
export interface Answer extends Echo {
  /** Decisions on the event, oldest first; the last one stands. */
  readonly ids: readonly string[]
  readonly verdict: EnforcementDecision['verdict']
  /** Verdict before the follow-up that made the present one; null where there was none. */
  readonly verdictBefore: EnforcementDecision['verdict'] | null
  /** For a hold: what becomes of it where a human confirms it. */
  readonly ifUpheld: { readonly verdict: 'LIMIT_REACH' | 'HIDE' | 'REMOVE'; readonly points: number } | null
  readonly minorActor: boolean
  /** Hashes of those whose reports led to the hold. */
  readonly reporters: readonly number[]
  readonly finding: 'none' | 'upheld' | 'overturned'
  /** Events that were followed up because of this one. */
  readonly followed: readonly string[]
}

/** The answer that a first decision leaves behind. */
export function answerOf(
  { decision, heldPoints }: Decided,
  event: AssessedEvent,
  reporters: readonly number[],
  followed: readonly string[],
  policy: Enforcement,
): Answer {
  const { heldVerdict, verdict } = decision
  const planned = heldVerdict === 'REMOVE' || heldVerdict === 'HIDE' || heldVerdict === 'LIMIT_REACH'
  const strikes = decision.category !== 'self_harm' && !policy.strikelessKinds.has(event.kind)
  const { upheldHold } = policy.review
  return {
    ...echoOf(decision),
    ids: [decision.decisionId],
    verdict,
    verdictBefore: null,
    ifUpheld:
      verdict !== 'HOLD_FOR_REVIEW'
        ? null
        : planned
          ? { verdict: heldVerdict, points: heldPoints }
          : { verdict: upheldHold.verdict, points: strikes ? upheldHold.points : 0 },
    minorActor: isMinor(event.actorAgeBand),
    reporters,
    finding: 'none',
    followed,
  }
}

const echoOf = (decision: Echo): Echo => ({
  eventId: decision.eventId,
  kind: decision.kind,
  occurredAt: decision.occurredAt,
  feedPartition: decision.feedPartition,
  feedOffset: decision.feedOffset,
  feedAppendedAt: decision.feedAppendedAt,
  actorId: decision.actorId,
  protectedId: decision.protectedId,
  contentId: decision.contentId,
  section: decision.section,
  category: decision.category,
  risk: decision.risk,
  ruleIds: decision.ruleIds,
  items: decision.items,
  policyVersion: decision.policyVersion,
  modelVersion: decision.modelVersion,
})

export interface Changed {
  readonly decision: EnforcementDecision
  readonly answer: Answer
  readonly actor: Actor
}

/**
 * Follows up an earlier item of a pair after a later event showed what it was part of. Undefined where nothing has to
 * change: a human has found the item harmless, an earlier later event has followed it up, or what stands is as strict.
 * The later event strikes for the whole pattern, so the follow-up strikes nobody.
 */
export function followUp(
  item: PriorItem,
  later: AssessedEvent,
  known: Answer | undefined,
  actor: Actor,
  policy: Enforcement,
  now: number,
  allowed: (verdict: EnforcementDecision['verdict']) => boolean,
): Changed | undefined {
  if (known && (known.finding !== 'none' || known.ids.length > 1)) return undefined
  const { bands, area } = policy.categories[item.category]
  const list = later.youthMode ? bands.youthMode : later.protectedIsMinor ? bands.minor : bands.everyone
  let verdict = bandAt(list, item.score)?.verdict ?? 'ALLOW'
  if (verdict === 'LIMIT_REACH' && policy.reachlessKinds.has(item.kind)) verdict = 'HOLD_FOR_REVIEW'
  const before = known?.verdict ?? 'ALLOW'
  if (isAllowed(verdict) || severityOf(verdict) <= severityOf(before)) return undefined
  if (!allowed(verdict)) verdict = 'HOLD_FOR_REVIEW'
  if (severityOf(verdict) <= severityOf(before)) return undefined
  const decisionId = decisionIdOf('FOLLOW_UP', item.eventId, later.eventId)
  const echo: Echo = {
    eventId: item.eventId,
    kind: item.kind,
    occurredAt: item.occurredAt,
    feedPartition: item.feedPartition,
    feedOffset: item.feedOffset,
    feedAppendedAt: item.feedAppendedAt,
    actorId: later.actorId,
    protectedId: later.protectedId,
    contentId: item.contentId,
    section: item.section,
    category: item.category,
    risk: item.score,
    ruleIds: ['later_events'],
    items: itemsOf(later, item.category),
    policyVersion: later.policyVersion,
    modelVersion: later.modelVersion,
  }
  const ifUpheld =
    verdict === 'HOLD_FOR_REVIEW' ? { verdict: policy.review.upheldHold.verdict, points: 0 } : null
  return {
    actor,
    answer: {
      ...echo,
      ids: [...(known?.ids ?? [decisionIdOf('DECISION', item.eventId, null)]), decisionId],
      verdict,
      verdictBefore: before,
      ifUpheld,
      minorActor: isMinor(later.actorAgeBand),
      reporters: known?.reporters ?? [],
      finding: 'none',
      followed: known?.followed ?? [],
    },
    decision: {
      ...echo,
      decisionId,
      type: 'FOLLOW_UP',
      decidedAt: now,
      verdict,
      accountAction: 'NONE',
      actionSeconds: null,
      noticeTo: [],
      youthPool: { eligible: false, reasons: [`category:${item.category}`, 'verdict'], fromAge: null },
      shadowRuleIds: [],
      strikes: strikesAt(actor.strikes, area, later.occurredAt),
      statement: statementOf(
        {
          category: item.category,
          kind: item.kind,
          verdict,
          accountAction: 'NONE',
          actionSeconds: null,
          findings: echo.ruleIds,
          item: echo.items[0] ?? null,
          order: undefined,
          contentType: ['CONTENT_TYPE_OTHER'],
          contentDate: item.occurredAt,
          decisionId,
          decidedAt: now,
          automation: 'AUTOMATED',
          reported: false,
        },
        policy,
      ),
      causedBy: later.eventId,
      reverses: null,
      heldVerdict: null,
      liftedAction: 'NONE',
      enforcementVersion: policy.version,
      review: verdict === 'HOLD_FOR_REVIEW' ? ['hold'] : [],
    },
  }
}

const severityOf = (verdict: EnforcementDecision['verdict']): number =>
  (BAND_VERDICTS as readonly string[]).indexOf(verdict)

/** Campaign items of what the later event rests on. */
function itemsOf(later: AssessedEvent, category: EnforcementDecision['category']): string[] {
  const items: string[] = []
  for (const { item, category: of } of later.findings)
    if (of === category && !items.includes(item)) items.push(item)
  for (const { item, category: of, mode } of later.ruleHits)
    if (of === category && mode === 'LIVE' && !items.includes(item)) items.push(item)
  return items
}

/** A human confirms: what was held is acted upon, with the strike that goes with it. Undefined where nothing was held. */
export function confirm(
  answer: Answer,
  verdict: ReviewVerdict,
  actor: Actor,
  policy: Enforcement,
  now: number,
): Changed | undefined {
  if (answer.verdict !== 'HOLD_FOR_REVIEW' || answer.ifUpheld === null) return undefined
  const decisionId = decisionIdOf('FOLLOW_UP', answer.eventId, verdict.verdictId)
  const { area } = policy.categories[answer.category]
  const { points } = answer.ifUpheld
  const at = answer.occurredAt
  let strikes = actor.strikes
  let accountAction: EnforcementDecision['accountAction'] = 'NONE'
  let actionSeconds: number | null = null
  if (points > 0) {
    strikes = withStrike(strikes, { area: area.name, points, at, decisionId }, policy.areas)
    const most = answer.minorActor ? policy.minorActorMostAction : 'BAN'
    const step = stepAt(area, pointsAt(strikes, area, at), most)
    if (step) {
      accountAction = step.action
      actionSeconds = step.seconds
    }
  }
  return {
    actor: strikes === actor.strikes ? actor : { ...actor, strikes },
    answer: {
      ...answer,
      ids: [...answer.ids, decisionId],
      verdict: answer.ifUpheld.verdict,
      verdictBefore: answer.verdictBefore,
      ifUpheld: null,
      finding: 'upheld',
    },
    decision: {
      ...echoOf(answer),
      decisionId,
      type: 'FOLLOW_UP',
      decidedAt: now,
      verdict: answer.ifUpheld.verdict,
      accountAction,
      actionSeconds,
      noticeTo: [],
      youthPool: { eligible: false, reasons: [`category:${answer.category}`, 'verdict'], fromAge: null },
      shadowRuleIds: [],
      strikes: strikesAt(strikes, area, verdict.reviewedAt),
      statement: statementOf(
        {
          category: answer.category,
          kind: answer.kind,
          verdict: answer.ifUpheld.verdict,
          accountAction,
          actionSeconds,
          // The breaker is no reason any more: a human has decided.
          findings: [...answer.ruleIds.filter((id) => id !== 'circuit_breaker'), 'human_review'],
          item: answer.items[0] ?? null,
          order: undefined,
          contentType: ['CONTENT_TYPE_OTHER'],
          contentDate: answer.occurredAt,
          decisionId,
          decidedAt: now,
          automation: 'HUMAN',
          reported: answer.reporters.length > 0,
        },
        policy,
      ),
      causedBy: verdict.verdictId,
      reverses: null,
      heldVerdict: null,
      liftedAction: 'NONE',
      enforcementVersion: policy.version,
      review: [],
    },
  }
}

/**
 * Takes the decision that stands back. `backTo`: what is put in its place: ALLOW for what a human found harmless (and the
 * content stays out of the youth pool as `not_reviewed`: no violation is not yet fit for the young), the verdict before
 * it where it fell with another decision, HIDE or REMOVE for something allowed that a human found harmful. The strikes of
 * every decision on the event go, and with them what they kept in force: `accountAction` says what the remaining strikes
 * of the area lead to as if this one had never been, `liftedAction` what ends.
 */
export function reverse(
  answer: Answer,
  verdict: ReviewVerdict,
  backTo: EnforcementDecision['verdict'],
  order: SectionOrder | undefined,
  actor: Actor,
  policy: Enforcement,
  now: number,
): Changed {
  const stands = order ? 'HOLD_SECTION_SUSPENDED' : backTo
  const at = verdict.reviewedAt
  const { area } = policy.categories[answer.category]
  const most = answer.minorActor ? policy.minorActorMostAction : 'BAN'
  let strikes = actor.strikes
  for (const id of answer.ids) strikes = withoutDecision(strikes, id)
  const before = strikes === actor.strikes ? undefined : inForceAt(actor.strikes, area, at, most)
  const after = before && inForceAt(strikes, area, at, most)
  const lifted = before !== undefined && (before.action !== after?.action || before.until !== after.until)
  const decisionId = decisionIdOf('REVERSAL', answer.eventId, verdict.verdictId)
  return {
    actor: strikes === actor.strikes ? actor : { ...actor, strikes },
    answer: { ...answer, verdict: stands, ifUpheld: null, finding: 'overturned', followed: [] },
    decision: {
      ...echoOf(answer),
      decisionId,
      type: 'REVERSAL',
      decidedAt: now,
      verdict: stands,
      accountAction: after?.action ?? 'NONE',
      actionSeconds: after?.until ? Math.max(0, Math.ceil((after.until - at) / 1_000)) : null,
      noticeTo: [],
      youthPool: { eligible: false, reasons: ['not_reviewed'], fromAge: null },
      shadowRuleIds: [],
      strikes: strikesAt(strikes, area, at),
      statement: isAllowed(stands)
        ? null
        : statementOf(
            {
              category: answer.category,
              kind: answer.kind,
              verdict: stands,
              accountAction: 'NONE',
              actionSeconds: null,
              findings: ['human_review'],
              item: answer.items[0] ?? null,
              order: order && { reference: order.reference, alone: true },
              contentType: ['CONTENT_TYPE_OTHER'],
              contentDate: answer.occurredAt,
              decisionId,
              decidedAt: now,
              automation: order ? 'AUTOMATED' : 'HUMAN',
              reported: false,
            },
            policy,
          ),
      causedBy: verdict.verdictId,
      reverses: answer.ids.at(-1)!,
      heldVerdict: order ? backTo : null,
      liftedAction: lifted ? before.action : 'NONE',
      enforcementVersion: policy.version,
      review: [],
    },
  }
}
