import { fileURLToPath } from 'node:url'
import type { AccountProfile, AssessedEvent, ClassifiedEvent, EnforcementDecision } from '@wardline/events'
import { readPolicyFiles } from '@wardline/policy'
import { loadRisk, type RiskPolicy } from '@wardline/policy/risk'
import { type CommentRiskDeps, type CommentRiskState, createCommentRiskStage } from './stage.ts'

/** 2026-09-21 14:40 UTC, 22:40 in China. */
export const T0 = Date.UTC(2026, 8, 21, 14, 40)
export const MINUTE = 60_000
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

/** The policy that ships. */
export function shippedRisk(): RiskPolicy {
  const loaded = loadRisk(readPolicyFiles(fileURLToPath(new URL('../../policy', import.meta.url))))
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems))
  return loaded.risk
}
const shipped = shippedRisk()

let serial = 0

export function event(change: Partial<ClassifiedEvent> = {}): ClassifiedEvent {
  const actorId = change.actorId ?? 'adult'
  const protectedId = change.protectedId ?? 'child'
  return {
    eventId: `e-${serial++}`,
    kind: 'PRIVATE_MESSAGE',
    occurredAt: T0,
    feedPartition: 0,
    feedOffset: 0,
    feedAppendedAt: T0,
    actorId,
    actorAgeBand: 'ADULT',
    protectedId,
    subjectId: protectedId === actorId ? null : protectedId,
    contentId: 'c',
    conversationId: null,
    section: 'private-messages',
    device: 'PHONE',
    category: 'benign',
    score: 0,
    scores: [],
    ruleHits: [],
    signals: [],
    textLength: 10,
    mediaTypes: [],
    policyVersion: 'p1',
    modelVersion: null,
    usage: null,
    fingerprint: null,
    contactHashes: [],
    tones: { approach: 0, recruiting: 0, hostile: 0 },
    ...change,
  }
}

/** Watch time of `child`. */
export const watching = (sessionSeconds: number, endedAt: number, change: Partial<ClassifiedEvent> = {}) =>
  event({
    kind: 'USAGE',
    actorId: 'child',
    protectedId: 'child',
    actorAgeBand: 'AGE_8_TO_11',
    occurredAt: endedAt,
    usage: { sessionSeconds, endedAt },
    ...change,
  })

export const profile = (change: Partial<AccountProfile> = {}): AccountProfile => ({
  accountId: 'child',
  ageBand: 'AGE_8_TO_11',
  youthMode: true,
  utcOffsetMinutes: 480,
  dailyLimitMinutes: null,
  restStartMinute: 22 * 60,
  restEndMinute: 6 * 60,
  guardianIds: ['guardian'],
  updatedAt: T0 - DAY,
  ...change,
})

/** What enforce writes where a human overturned the decision on the event: it is harmless unless `change` says more. */
export const reversal = (
  { eventId, kind, occurredAt, feedPartition, feedOffset, feedAppendedAt, ...of }: ClassifiedEvent,
  change: Partial<EnforcementDecision> = {},
): EnforcementDecision => ({
  decisionId: `reversal-of-${eventId}`,
  type: 'REVERSAL',
  eventId,
  kind,
  occurredAt,
  feedPartition,
  feedOffset,
  feedAppendedAt,
  decidedAt: occurredAt + HOUR,
  actorId: of.actorId,
  protectedId: of.protectedId,
  contentId: of.contentId,
  section: of.section,
  verdict: 'ALLOW',
  accountAction: 'NONE',
  actionSeconds: null,
  noticeTo: [],
  youthPool: { eligible: false, reasons: ['not_reviewed'], fromAge: null },
  category: 'grooming',
  risk: 0.9,
  ruleIds: ['grooming.model'],
  shadowRuleIds: [],
  items: ['3.3'],
  strikes: 0,
  statement: null,
  causedBy: 'verdict',
  reverses: `decision-on-${eventId}`,
  policyVersion: of.policyVersion,
  modelVersion: of.modelVersion,
  enforcementVersion: of.policyVersion,
  heldVerdict: null,
  liftedAction: 'NONE',
  review: [],
  ...change,
})

export type Step =
  | { readonly event: ClassifiedEvent }
  | { readonly reversal: EnforcementDecision | null }
  | { readonly profile: AccountProfile | null; readonly key?: string }

/** The stage on one partition, a batch a record unless told otherwise. */
export class Harness {
  readonly stage
  readonly state: CommentRiskState
  #offset = 0

  constructor(capacities: CommentRiskDeps['capacities'] = {}) {
    this.stage = createCommentRiskStage({ risk: shipped, capacities })
    this.state = this.stage.createState()
  }

  take(step: Step): AssessedEvent | undefined {
    const [events, profiles, reversals] = this.stage.inputs
    const context = {
      state: this.state,
      partition: 0,
      offset: this.#offset++,
      appendedAt: T0,
      bytes: 100,
      // Far from the event's time on purpose: nothing may follow from the clock.
      now: 0,
    }
    for (const store of Object.values(this.state)) store.beginRecord()
    if ('event' in step) {
      if (events?.record !== 'ClassifiedEvent' || events.role !== 'events') throw new Error('inputs changed')
      const result = events.handle(step.event, { ...context, key: step.event.protectedId })
      if (result.kind !== 'forward' || result.outputs.length !== 1) throw new Error('not exactly one output')
      return result.outputs[0]
    }
    if ('reversal' in step) {
      if (reversals?.record !== 'EnforcementDecision' || reversals.role !== 'table')
        throw new Error('inputs changed')
      reversals.handle(step.reversal, { ...context, key: step.reversal?.protectedId ?? 'child' })
      return undefined
    }
    if (profiles?.record !== 'AccountProfile' || profiles.role !== 'table') throw new Error('inputs changed')
    profiles.handle(step.profile, { ...context, key: step.key ?? step.profile?.accountId ?? 'child' })
    return undefined
  }

  assess(value: ClassifiedEvent): AssessedEvent {
    return this.take({ event: value })!
  }

  know(value: AccountProfile | null, key?: string): void {
    this.take({ profile: value, ...(key === undefined ? {} : { key }) })
  }

  reverse(value: EnforcementDecision | null): void {
    this.take({ reversal: value })
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
