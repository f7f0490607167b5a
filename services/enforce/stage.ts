import type {
  AssessedEvent,
  EnforcementDecision,
  PolicyControl,
  ReviewVerdict,
  UserReport,
} from '@wardline/events'
import type { Enforcement } from '@wardline/policy/enforcement'
import {
  deadLetter,
  forward,
  jsonCodec,
  KeyedStore,
  type RecordContext,
  type Stage,
  type StageResult,
  TOPICS,
} from '@wardline/stream'
import { type Actor, decide, isAdverse, NEW_ACTOR } from './decide.ts'
import { LATENESS_MS } from './ladder.ts'
import { hashOf, latestOf, type RecentIds, withId } from './recent-ids.ts'
import { reverse, type TakenDecision, takenDecision } from './reversal.ts'

/** A type alias, so that it has the index signature that Stage asks for. */
export type EnforceState = {
  actors: KeyedStore<Actor>
  /** By reported account: who reported it. */
  reports: KeyedStore<RecentIds>
  /** By decisionId: adverse decisions that a human verdict may still take back. */
  decisions: KeyedStore<TakenDecision>
}

export interface EnforceDeps {
  /** Until a policy is published. */
  readonly enforcement: Enforcement
  /** What a control record asks for, undefined where it is about something else; throws where it cannot be used. */
  readonly takePolicy?: (record: PolicyControl | null, key: string) => Enforcement | undefined
  /** Most entries of each store on one partition. About 300 bytes an actor, 600 a decision. */
  readonly capacities?: { readonly actors?: number; readonly reports?: number; readonly decisions?: number }
}

type Context = RecordContext<EnforceState>
type Result = StageResult<EnforcementDecision>

/** events.assessed + reports.user + review.verdicts → enforcement.decisions: one decision an event, and reversals. */
export function createEnforceStage(deps: EnforceDeps): Stage<'EnforcementDecision', EnforceState> {
  const { capacities } = deps
  let { enforcement } = deps
  let longestStrike = longestStrikeOf(enforcement)

  const takeEvent = (event: AssessedEvent, { state, now }: Context): Result => {
    const known = state.actors.get(event.actorId) ?? NEW_ACTOR
    const { decision, actor } = decide(
      event,
      known,
      state.reports.get(event.actorId) ?? NOBODY,
      enforcement,
      now,
    )
    if (actor !== known) state.actors.put(event.actorId, actor)
    if (isAdverse(decision)) state.decisions.put(decision.decisionId, takenDecision(decision))
    return forward(decision)
  }

  const takeReport = (report: UserReport | null, { key, state }: Context): Result => {
    if (report === null) {
      eraseAccount(key, state)
      return forward()
    }
    // Nobody reports themselves into a hold, and nobody counts twice.
    if (report.reporterId === report.reportedId) return forward()
    const known = state.reports.get(report.reportedId) ?? NOBODY
    const next = withId(known, hashOf(report.reporterId), report.reportedAt)
    if (next !== known) state.reports.put(report.reportedId, next)
    return forward()
  }

  const takeVerdict = (verdict: ReviewVerdict | null, { state, now }: Context): Result => {
    if (verdict === null || verdict.outcome !== 'OVERTURNED') return forward()
    const taken = state.decisions.get(verdict.decisionId)
    // Unknown: never adverse, too old, or already taken back.
    if (!taken || taken.occurredAt + enforcement.reversalMs <= verdict.reviewedAt) return forward()
    if (taken.eventId !== verdict.eventId || taken.actorId !== verdict.actorId) {
      return deadLetter('invalid', 'the event or the actor of the verdict is not that of the decision')
    }
    const known = state.actors.get(taken.actorId) ?? NEW_ACTOR
    const { decision, actor } = reverse(taken, verdict, known, enforcement, now)
    if (actor !== known) state.actors.put(taken.actorId, actor)
    state.decisions.delete(verdict.decisionId)
    return forward(decision)
  }

  return {
    name: 'enforce',
    inputs: [
      { topic: TOPICS.assessed, record: 'AssessedEvent', role: 'events', handle: takeEvent },
      { topic: TOPICS.reports, record: 'UserReport', role: 'table', handle: takeReport },
      { topic: TOPICS.verdicts, record: 'ReviewVerdict', role: 'table', handle: takeVerdict },
    ],
    output: {
      topic: TOPICS.decisions,
      record: 'EnforcementDecision',
      key: (decision) => decision.actorId,
      category: (decision) => decision.category,
    },
    takeControl: (record, key) => {
      enforcement = deps.takePolicy?.(record, key) ?? enforcement
      longestStrike = longestStrikeOf(enforcement)
    },
    createState: () => ({
      actors: new KeyedStore({
        name: 'actors',
        codec: jsonCodec<Actor>(),
        capacity: capacities?.actors ?? 300_000,
        expiresAt: ({ strikes, minors }) => {
          let last = latestOf(minors) + enforcement.contactSpread.windowMs
          for (const { at } of strikes) last = Math.max(last, at + longestStrike)
          return last + LATENESS_MS
        },
      }),
      reports: new KeyedStore({
        name: 'reports',
        codec: jsonCodec<RecentIds>(),
        capacity: capacities?.reports ?? 200_000,
        expiresAt: (reporters) => latestOf(reporters) + enforcement.reports.windowMs + LATENESS_MS,
      }),
      decisions: new KeyedStore({
        name: 'decisions',
        codec: jsonCodec<TakenDecision>(),
        capacity: capacities?.decisions ?? 100_000,
        expiresAt: ({ occurredAt }) => occurredAt + enforcement.reversalMs + LATENESS_MS,
      }),
    }),
  }
}

/**
 * Forgets an erased account: strikes, reports, and the decisions that could still be taken back, made on it or on what was
 * said to it. `wardline erase` sends its tombstone to every partition, since decisions lie with the actor.
 */
function eraseAccount(account: string, state: EnforceState): void {
  if (state.actors.get(account)) state.actors.delete(account)
  if (state.reports.get(account)) state.reports.delete(account)
  const decisions: string[] = []
  for (const [key, { actorId, protectedId }] of state.decisions.current())
    if (actorId === account || protectedId === account) decisions.push(key)
  for (const key of decisions) state.decisions.delete(key)
}

const NOBODY: RecentIds = []

function longestStrikeOf({ areas }: Enforcement): number {
  let longest = 0
  for (const { expiryMs } of areas.values()) longest = Math.max(longest, expiryMs)
  return longest
}
