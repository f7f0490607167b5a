import { hash } from 'node:crypto'
import type { AccountAction, AssessedEvent, DecisionType, EnforcementDecision } from '@wardline/events'
import type { Enforcement } from '@wardline/policy/enforcement'
import { contactEvidence, isApproach, isMinor } from './contact-spread.ts'
import { pointsAt, type Strike, stepAt, strikesAt, withStrike } from './ladder.ts'
import { countSince, hashOf, type RecentIds, withId } from './recent-ids.ts'
import { NO_REST, restAnswer } from './rest.ts'
import { statementOf } from './statement.ts'
import { isAllowed, judge, youthPool } from './verdict.ts'

/** What is kept of one actor. */
export interface Actor {
  readonly strikes: readonly Strike[]
  /** Minors approached. */
  readonly minors: RecentIds
}
export const NEW_ACTOR: Actor = { strikes: [], minors: [] }

export interface Decided {
  readonly decision: EnforcementDecision
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
export function decide(
  event: AssessedEvent,
  actor: Actor,
  reporters: RecentIds,
  policy: Enforcement,
  now: number,
): Decided {
  const at = event.occurredAt
  const { contactSpread, reports } = policy

  let minors = actor.minors
  let distinctMinors = 0
  if (event.protectedIsMinor && isApproach(event, contactEvidence(event, contactSpread), contactSpread)) {
    minors = withId(minors, hashOf(event.protectedId), at)
    distinctMinors = countSince(minors, at, contactSpread.windowMs)
  }
  const judgement = judge(
    event,
    {
      minors: distinctMinors,
      reporters: reporters.length === 0 ? 0 : countSince(reporters, at, reports.windowMs),
    },
    policy,
  )
  const { verdict, category, risk, points } = judgement
  const decisionId = decisionIdOf('DECISION', event.eventId, null)
  const { area } = policy.categories[category]

  let strikes = actor.strikes
  let accountAction: AccountAction = 'NONE'
  let actionSeconds: number | null = null
  let noticeTo = NO_REST.noticeTo
  if (points > 0) {
    strikes = withStrike(strikes, { area: area.name, points, at, decisionId }, policy.areas)
    const most = isMinor(event.actorAgeBand) ? policy.minorActorMostAction : 'BAN'
    const step = stepAt(area, pointsAt(strikes, area, at), most)
    if (step) {
      accountAction = step.action
      actionSeconds = step.seconds
    }
  } else if (event.kind === 'USAGE') {
    const rest = restAnswer(event.usageStatus, event.guardianIds, policy)
    accountAction = rest.accountAction
    noticeTo = rest.noticeTo
  }

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
  if (judgement.byReports) ruleIds.push('user_reports')

  const adverse = isAdverse({ verdict, accountAction })
  return {
    actor: minors === actor.minors && strikes === actor.strikes ? actor : { strikes, minors },
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
      youthPool: youthPool(event, judgement, policy),
      category,
      risk,
      ruleIds,
      shadowRuleIds,
      items,
      strikes: strikes.length === 0 ? 0 : strikesAt(strikes, area, at),
      statement: adverse
        ? statementOf(
            { event, judgement, accountAction, ruleIds, item: strongest, decisionId, decidedAt: now },
            policy,
          )
        : null,
      causedBy: null,
      reverses: null,
      policyVersion: event.policyVersion,
      modelVersion: event.modelVersion,
      enforcementVersion: policy.version,
    },
  }
}

/** Shared by the decisions without shadow hits: nobody changes an output. */
const NONE: string[] = []
