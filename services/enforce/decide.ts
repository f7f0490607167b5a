import { hash } from 'node:crypto'
import type {
  AccountAction,
  AssessedEvent,
  DecisionType,
  EnforcementDecision,
  Verdict,
} from '@wardline/events'
import type { Enforcement } from '@wardline/policy/enforcement'
import { contactEvidence, isApproach, isMinor } from './contact-spread.ts'
import { type Copies, withCopies } from './copy-spread.ts'
import { pointsAt, type Strike, stepAt, strikesAt, withStrike } from './ladder.ts'
import { countSince, hashOf, type RecentIds, withId } from './recent-ids.ts'
import { NO_REST, restAnswer } from './rest.ts'
import { isSampled } from './sampling.ts'
import type { SectionOrder } from './section-orders.ts'
import { contentTypes, statementOf } from './statement.ts'
import { isAllowed, judge } from './verdict.ts'
import { youthPool } from './youth-pool.ts'

/** What is kept of one actor. */
export interface Actor {
  readonly strikes: readonly Strike[]
  /** Minors approached. */
  readonly minors: RecentIds
  /** What was sent to which minors; absent: nothing that could be a copy. */
  readonly copies?: Copies
}
export const NEW_ACTOR: Actor = { strikes: [], minors: [] }

/** What stands around an event when it is decided. */
export interface Standing {
  readonly actor: Actor
  /** Sum of the weights of those who reported the actor. */
  readonly reporters: number
  /** Order in force on the event's section. */
  readonly order?: SectionOrder | undefined
  /** A human has taken the answer to this event back before: it comes again, and strikes nobody. */
  readonly overturned: boolean
  /** Names of open breakers that forbid what would be done; counts it. */
  readonly breakers: (
    verdict: Verdict,
    action: AccountAction,
    ruleIds: readonly string[],
  ) => readonly string[]
}

export interface Decided {
  readonly decision: EnforcementDecision
  /** Severity of the strike that the decision would have given, had no breaker held it; 0: none, or it was given. */
  readonly heldPoints: number
  /** Without the reports the event would have been allowed. */
  readonly byReports: boolean
  /** The actor after the decision; the same object where nothing changed. */
  readonly actor: Actor
}

/** SHA-256 of type, event and cause, the first 32 hexadecimal digits. */
export const decisionIdOf = (type: DecisionType, eventId: string, causedBy: string | null): string =>
  hash('sha256', `${type}|${eventId}|${causedBy ?? ''}`).slice(0, 32)

const STRIKING: ReadonlySet<AccountAction> = new Set(['WARN', 'MUTE', 'SUSPEND', 'BAN'])

/** Whether a decision goes against somebody, and so needs a statement of reasons and can be taken back. */
export const isAdverse = ({
  verdict,
  accountAction,
}: Pick<EnforcementDecision, 'verdict' | 'accountAction'>): boolean =>
  !isAllowed(verdict) || STRIKING.has(accountAction)

/** The one answer to an event. `now` is the stage's clock and goes into the times of the decision only. */
export function decide(event: AssessedEvent, standing: Standing, policy: Enforcement, now: number): Decided {
  const at = event.occurredAt
  const { contactSpread } = policy
  const { actor, order } = standing

  let minors = actor.minors
  let distinctMinors = 0
  let copies = actor.copies
  let copiedTo = 0
  if (event.protectedIsMinor && event.protectedId !== event.actorId && !isMinor(event.actorAgeBand)) {
    const spread = withCopies(copies ?? NO_COPIES, event, policy.copySpread)
    copiedTo = spread.minors
    if (copiedTo > 0) copies = spread.copies
  }
  if (event.protectedIsMinor && isApproach(event, contactEvidence(event, contactSpread), contactSpread)) {
    minors = withId(minors, hashOf(event.protectedId), at)
    distinctMinors = countSince(minors, at, contactSpread.windowMs)
  }
  const judgement = judge(
    event,
    { minors: distinctMinors, copies: copiedTo, reporters: standing.reporters },
    policy,
  )
  const { category, risk } = judgement
  const decisionId = decisionIdOf('DECISION', event.eventId, null)
  const { area } = policy.categories[category]

  const ruleIds: string[] = []
  const items: string[] = []
  let shadowRuleIds = NONE
  let strongest: string | null = null
  let strength = -1
  const rest = (id: string, item: string, score: number) => {
    if (!ruleIds.includes(id)) ruleIds.push(id)
    if (!items.includes(item)) items.push(item)
    if (score > strength) {
      strongest = item
      strength = score
    }
  }
  for (const hit of event.ruleHits) {
    // A mode that this version does not know is not one that may act.
    if (hit.mode !== 'LIVE') {
      if (shadowRuleIds === NONE) shadowRuleIds = []
      if (!shadowRuleIds.includes(hit.ruleId)) shadowRuleIds.push(hit.ruleId)
    } else if (hit.category === category) rest(hit.ruleId, hit.item, hit.score)
  }
  for (const finding of event.findings)
    if (finding.category === category) rest(finding.code, finding.item, finding.score)
  if (judgement.bySpread) rest('contact_spread', contactSpread.item, risk)
  if (judgement.byCopies) rest('copy_spread', policy.copySpread.item, risk)
  if (judgement.byReports) ruleIds.push('user_reports')

  let verdict = judgement.verdict
  let points = standing.overturned ? 0 : judgement.points
  let accountAction: AccountAction = 'NONE'
  let actionSeconds: number | null = null
  let noticeTo = NO_REST.noticeTo
  let strikes = actor.strikes
  if (points > 0) {
    strikes = withStrike(strikes, { area: area.name, points, at, decisionId }, policy.areas)
    const most = isMinor(event.actorAgeBand) ? policy.minorActorMostAction : 'BAN'
    const step = stepAt(area, pointsAt(strikes, area, at), most)
    if (step) {
      accountAction = step.action
      actionSeconds = step.seconds
    }
  } else if (event.kind === 'USAGE') {
    const answer = restAnswer(event.usageStatus, event.guardianIds, policy)
    accountAction = answer.accountAction
    actionSeconds = answer.seconds
    noticeTo = answer.noticeTo
  }

  let heldVerdict: Verdict | null = null
  let heldPoints = 0
  const review: string[] = []
  if (!isAllowed(verdict) && verdict !== 'HOLD_FOR_REVIEW') {
    const open = standing.breakers(verdict, accountAction, ruleIds)
    if (open.length > 0) {
      heldVerdict = verdict
      heldPoints = points
      verdict = 'HOLD_FOR_REVIEW'
      points = 0
      accountAction = 'NONE'
      actionSeconds = null
      strikes = actor.strikes
      ruleIds.push('circuit_breaker')
      for (const name of open) review.push(`breaker/${name}`)
    }
  }
  if (order && event.kind !== 'USAGE') {
    // What the content itself deserves is not lost: it is not let go when the order ends.
    heldVerdict ??= verdict
    verdict = 'HOLD_SECTION_SUSPENDED'
  }
  if (verdict === 'HOLD_FOR_REVIEW' || heldVerdict === 'HOLD_FOR_REVIEW') review.unshift('hold')
  else if (
    isAllowed(verdict) &&
    event.kind !== 'USAGE' &&
    isSampled(decisionId, policy.review.sampleRate, policy.review.sampleSeed)
  )
    review.push('sample')

  return {
    heldPoints,
    byReports: judgement.byReports,
    actor:
      minors === actor.minors && strikes === actor.strikes && copies === actor.copies
        ? actor
        : { strikes, minors, ...(copies ? { copies } : {}) },
    decision: {
      decisionId,
      type: 'DECISION',
      eventId: event.eventId,
      kind: event.kind,
      occurredAt: at,
      feedPartition: event.feedPartition,
      feedOffset: event.feedOffset,
      feedAppendedAt: event.feedAppendedAt,
      decidedAt: now,
      actorId: event.actorId,
      protectedId: event.protectedId,
      contentId: event.contentId,
      section: event.section,
      verdict,
      accountAction,
      actionSeconds,
      noticeTo,
      youthPool: youthPool(event, { verdict, category, risk }, policy),
      category,
      risk,
      ruleIds,
      shadowRuleIds,
      items,
      strikes: strikes.length === 0 ? 0 : strikesAt(strikes, area, at),
      statement: isAdverse({ verdict, accountAction })
        ? statementOf(
            {
              category,
              kind: event.kind,
              verdict,
              accountAction,
              actionSeconds,
              findings: ruleIds,
              item: strongest,
              // An order holds what is harmless as well: then it alone is the reason.
              order: order && {
                reference: order.reference,
                alone: heldVerdict === null || isAllowed(heldVerdict),
              },
              contentType: contentTypes(event.textLength, event.mediaTypes),
              contentDate: at,
              decisionId,
              decidedAt: now,
              automation: 'AUTOMATED',
              reported: judgement.byReports,
            },
            policy,
          )
        : null,
      causedBy: null,
      reverses: null,
      policyVersion: event.policyVersion,
      modelVersion: event.modelVersion,
      heldVerdict,
      liftedAction: 'NONE',
      review: review.length === 0 ? NONE : review,
      enforcementVersion: policy.version,
    },
  }
}

const NO_COPIES: Copies = []
/** Shared by the decisions that have none: nobody changes an output. */
const NONE: string[] = []
