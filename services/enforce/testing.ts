import { fileURLToPath } from 'node:url'
import type {
  AssessedEvent,
  Category,
  EnforcementDecision,
  ReviewVerdict,
  RuleHit,
  UserReport,
} from '@wardline/events'
import { type Enforcement, loadEnforcement } from '@wardline/policy/enforcement'
import { createEnforceStage, type EnforceState } from './stage.ts'

export const T0 = Date.UTC(2026, 8, 21, 4)
export const DAY = 86_400_000
/** The stage's clock: nothing but the times of a decision may follow from it. */
export const NOW = T0 + 1_000

/** The policy that ships. */
export function shippedEnforcement(): Enforcement {
  const loaded = loadEnforcement(fileURLToPath(new URL('../../policy', import.meta.url)))
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems))
  return loaded.enforcement
}

let serial = 0

export function assessed(change: Partial<AssessedEvent> = {}): AssessedEvent {
  const actorId = change.actorId ?? 'actor'
  const protectedId = change.protectedId ?? 'child'
  return {
    eventId: `e-${serial++}`,
    kind: 'COMMENT',
    occurredAt: T0,
    feedPartition: 0,
    feedOffset: 7,
    feedAppendedAt: T0,
    actorId,
    actorAgeBand: 'ADULT',
    protectedId,
    subjectId: protectedId === actorId ? null : protectedId,
    contentId: 'c',
    conversationId: null,
    section: 'comments',
    device: 'PHONE',
    category: change.riskCategory ?? 'benign',
    score: change.risk ?? 0,
    scores: [],
    ruleHits: [],
    signals: [],
    textLength: 10,
    mediaTypes: [],
    policyVersion: 'p1',
    modelVersion: 'm1',
    protectedAgeBand: 'UNKNOWN',
    protectedIsMinor: false,
    youthMode: false,
    guardianIds: [],
    riskCategory: 'benign',
    risk: 0,
    findings: [],
    usageStatus: null,
    fingerprint: null,
    contactHashes: [],
    approachStages: [],
    priorItems: [],
    ...change,
  }
}

/** An event of this category and risk, with a live rule to rest on. */
export const harmful = (
  category: Category,
  risk: number,
  change: Partial<AssessedEvent> = {},
): AssessedEvent =>
  assessed({
    riskCategory: category,
    risk,
    scores: [{ category, score: risk }],
    ruleHits: [hit(category)],
    ...change,
  })

export const hit = (category: Category, change: Partial<RuleHit> = {}): RuleHit => ({
  ruleId: `${category}-rule`,
  item: '4.1',
  category,
  score: 0.8,
  mode: 'LIVE',
  spans: [],
  ...change,
})

export const report = (reporterId: string, change: Partial<UserReport> = {}): UserReport => ({
  reportId: `r-${serial++}`,
  reporterId,
  reportedId: 'actor',
  eventId: null,
  category: 'fraud',
  reportedAt: T0 - 1_000,
  ...change,
})

export const overturn = (
  decision: EnforcementDecision,
  change: Partial<ReviewVerdict> = {},
): ReviewVerdict => ({
  verdictId: change.outcome === 'UPHELD' ? 'v-up' : 'v-1',
  decisionId: decision.decisionId,
  eventId: decision.eventId,
  actorId: decision.actorId,
  outcome: 'OVERTURNED',
  reviewerId: 'inspector',
  reason: null,
  reviewedAt: decision.occurredAt + 1_000,
  ...change,
})

export type Step =
  | { event: AssessedEvent }
  | { report: UserReport | null }
  | { verdict: ReviewVerdict | null }

/** The stage on one partition. */
export class Harness {
  readonly stage
  readonly state: EnforceState

  constructor(enforcement: Enforcement = shared) {
    this.stage = createEnforceStage({ enforcement })
    this.state = this.stage.createState()
  }

  take(step: Step, now = NOW): readonly EnforcementDecision[] {
    const [events, reports, verdicts] = this.stage.inputs
    if (events?.record !== 'AssessedEvent' || events.role !== 'events') throw new Error('inputs changed')
    if (reports?.record !== 'UserReport' || reports.role !== 'table') throw new Error('inputs changed')
    if (verdicts?.record !== 'ReviewVerdict' || verdicts.role !== 'table') throw new Error('inputs changed')
    const context = {
      key: 'actor',
      state: this.state,
      partition: 0,
      offset: 0,
      appendedAt: T0,
      bytes: 100,
      now,
    }
    for (const store of Object.values(this.state)) store.beginRecord()
    const result =
      'event' in step
        ? events.handle(step.event, context)
        : 'report' in step
          ? reports.handle(step.report, context)
          : verdicts.handle(step.verdict, context)
    if (result.kind !== 'forward') throw new Error(`not forwarded: ${JSON.stringify(result)}`)
    return result.outputs
  }

  decide(event: AssessedEvent, now = NOW): EnforcementDecision {
    const outputs = this.take({ event }, now)
    if (outputs.length !== 1) throw new Error(`${outputs.length} decisions`)
    return outputs[0]!
  }

  /** Ends a batch. Returns how many state changes it wrote. */
  commit(eventTime = T0): number {
    let changes = 0
    for (const store of Object.values(this.state)) {
      changes += store.changes(eventTime).length
      store.merge()
    }
    return changes
  }
}
const shared = shippedEnforcement()
