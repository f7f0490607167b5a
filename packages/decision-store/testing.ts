import type { AssessedEvent, EnforcementDecision, ReviewVerdict } from '@wardline/events'
import type { Taken } from './records.ts'

export const NOW = Date.UTC(2026, 10, 25)

/** A decision that removed something, with what a test changes about it. */
export const decisionOf = (change: Partial<EnforcementDecision> = {}): EnforcementDecision => ({
  decisionId: `d-${change.eventId ?? 'e'}-${change.type ?? 'DECISION'}`,
  type: 'DECISION',
  eventId: 'e',
  kind: 'COMMENT',
  occurredAt: NOW,
  feedPartition: 0,
  feedOffset: 1,
  feedAppendedAt: NOW,
  decidedAt: NOW + 100,
  actorId: 'actor',
  protectedId: 'child',
  contentId: 'c',
  section: 'comments',
  verdict: 'REMOVE',
  accountAction: 'NONE',
  actionSeconds: null,
  noticeTo: [],
  youthPool: { eligible: false, reasons: ['category:fraud'], fromAge: null },
  category: 'fraud',
  risk: 0.9,
  ruleIds: ['fraud.terms'],
  shadowRuleIds: [],
  items: ['4.2'],
  strikes: 1,
  statement: {
    decisionGround: 'INCOMPATIBLE_CONTENT',
    decisionFacts: 'This comment was found to be fraud.',
    decisionFactsZh: '该评论含有欺诈内容。',
    legalBasis: ['PRC Law on the Protection of Minors, Art. 80'],
    campaignItem: '4.2',
    category: 'STATEMENT_CATEGORY_SCAMS_AND_FRAUD',
    contentType: ['CONTENT_TYPE_TEXT'],
    contentDate: NOW,
    applicationDate: NOW,
    automatedDetection: true,
    automatedDecision: 'AUTOMATED_DECISION_FULLY',
    sourceType: 'SOURCE_VOLUNTARY',
    puid: 'd-e',
  },
  causedBy: null,
  reverses: null,
  policyVersion: 'p',
  modelVersion: null,
  enforcementVersion: 'p',
  heldVerdict: null,
  liftedAction: 'NONE',
  review: [],
  ...change,
})

/** A decision with which nothing was found or done. */
export const plainOf = (change: Partial<EnforcementDecision> = {}): EnforcementDecision =>
  decisionOf({
    verdict: 'ALLOW',
    category: 'benign',
    risk: 0,
    ruleIds: [],
    items: [],
    strikes: 0,
    statement: null,
    youthPool: { eligible: true, reasons: [], fromAge: 0 },
    ...change,
  })

export const verdictOf = (change: Partial<ReviewVerdict> = {}): ReviewVerdict => ({
  verdictId: 'v',
  decisionId: 'd-e-DECISION',
  eventId: 'e',
  actorId: 'actor',
  outcome: 'UPHELD',
  reviewerId: 'li',
  reason: null,
  reviewedAt: NOW + 1_000,
  ...change,
})

export const assessedOf = (change: Partial<AssessedEvent> = {}): AssessedEvent =>
  ({
    eventId: 'e',
    kind: 'PRIVATE_MESSAGE',
    occurredAt: NOW,
    actorId: 'actor',
    actorAgeBand: 'ADULT',
    protectedId: 'child',
    protectedAgeBand: 'AGE_8_TO_11',
    protectedIsMinor: true,
    subjectId: 'child',
    scores: [{ category: 'fraud', score: 0.9 }],
    ruleHits: [
      {
        ruleId: 'fraud.terms',
        item: '4.2',
        category: 'fraud',
        score: 0.9,
        mode: 'live',
        spans: [{ start: 2, end: 4 }],
      },
    ],
    findings: [],
    signals: [],
    approachStages: [],
    youthMode: true,
    textLength: 10,
    mediaTypes: [],
    usageStatus: null,
    riskCategory: 'fraud',
    risk: 0.9,
    ...change,
  }) as AssessedEvent

export const taken = {
  decision: (value: EnforcementDecision): Taken => ({ kind: 'decision', value }),
  verdict: (value: ReviewVerdict): Taken => ({ kind: 'verdict', value }),
  assessment: (value: AssessedEvent): Taken => ({ kind: 'assessment', value }),
}
