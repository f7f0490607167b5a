import type { EnforcementDecision, ReviewVerdict } from '@wardline/events'
import type { Enforcement } from '@wardline/policy/enforcement'
import { type Actor, decisionIdOf } from './decide.ts'
import { strikesAt, withoutDecision } from './ladder.ts'

/** What has to be remembered of an adverse decision so that it can be taken back: no statement, no media, no text. */
export type TakenDecision = Pick<
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

export const takenDecision = (decision: EnforcementDecision): TakenDecision => ({
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

/**
 * Takes a decision back: the content is allowed again and the strikes that the decision gave are gone. The
 * inspector found no violation, which is not to say that the content is fit for the young: it stays out of
 * the youth pool as `not_reviewed`.
 */
export function reverse(
  taken: TakenDecision,
  verdict: ReviewVerdict,
  actor: Actor,
  policy: Enforcement,
  now: number,
): { readonly decision: EnforcementDecision; readonly actor: Actor } {
  const strikes = withoutDecision(actor.strikes, verdict.decisionId)
  return {
    actor: strikes === actor.strikes ? actor : { ...actor, strikes },
    decision: {
      decisionId: decisionIdOf('REVERSAL', taken.eventId, verdict.verdictId),
      type: 'REVERSAL',
      ...taken,
      decidedAt: now,
      verdict: 'ALLOW',
      accountAction: 'NONE',
      actionSeconds: null,
      noticeTo: [],
      youthPool: { eligible: false, reasons: ['not_reviewed'] },
      shadowRuleIds: [],
      strikes: strikesAt(strikes, policy.categories[taken.category].area, verdict.reviewedAt),
      statement: null,
      causedBy: verdict.verdictId,
      reverses: verdict.decisionId,
      enforcementVersion: policy.version,
    },
  }
}
