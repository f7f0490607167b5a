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
import { answerCodec, occurredAtOf, type PackedAnswer, packAnswer, unpackAnswer } from './answer-codec.ts'
import { type Answer, answerOf, type Changed, confirm, followUp, reverse } from './answers.ts'
import { type Breaker, breakerExpiresAt, countEvent, openBreakers } from './circuit-breaker.ts'
import { latestCopy } from './copy-spread.ts'
import { type Actor, decide, isAdverse, NEW_ACTOR } from './decide.ts'
import { LATENESS_MS, memoryOf } from './ladder.ts'
import { latestOf } from './recent-ids.ts'
import {
  afterFinding,
  idHash,
  latestReport,
  type Reporter,
  type Reports,
  reportersOf,
  reportersSince,
  weightOf,
  withReport,
} from './reports.ts'
import { SectionOrders } from './section-orders.ts'
import { isAllowed } from './verdict.ts'

/** A type alias, so that it has the index signature that Stage asks for. */
export type EnforceState = {
  actors: KeyedStore<Actor>
  /** By reported account: who reported it. */
  reports: KeyedStore<Reports>
  /** By hash of the reporter: how well its reports stood up. */
  reporters: KeyedStore<Reporter>
  /** By event: answers that may still change. Packed: there are many, and few are looked at again. */
  answers: KeyedStore<PackedAnswer>
  /** By verdict, action and rule: how often on this partition. */
  breakers: KeyedStore<Breaker>
}

export interface EnforceDeps {
  /** Until a policy is published. */
  readonly enforcement: Enforcement
  /** What a control record asks for, undefined where it is about something else; throws where it cannot be used. */
  readonly takePolicy?: (record: PolicyControl | null, key: string) => Enforcement | undefined
  /** Most entries of each store on one partition. `make bench-stages` measures what one takes. */
  readonly capacities?: {
    readonly actors?: number
    readonly reports?: number
    readonly reporters?: number
    readonly answers?: number
  }
}

type Context = RecordContext<EnforceState>
type Result = StageResult<EnforcementDecision>

/**
 * events.assessed + reports.user + review.verdicts → enforcement.decisions: one decision an event, and later follow-ups
 * and reversals.
 */
export function createEnforceStage(deps: EnforceDeps): Stage<'EnforcementDecision', EnforceState> {
  const { capacities } = deps
  let { enforcement } = deps
  let longestStrike = longestStrikeOf(enforcement)
  const orders = new SectionOrders()

  const takeEvent = (event: AssessedEvent, { state, now }: Context): Result => {
    const known = state.actors.get(event.actorId) ?? NEW_ACTOR
    const answer = answerTo(event.eventId, state)
    countEvent(state.breakers, event.feedAppendedAt)
    const reporters = reportersOfActor(event.actorId, event.occurredAt, state)
    const breakers = (...[verdict, action, ruleIds]: Attempt) =>
      openBreakers(
        state.breakers,
        verdict,
        action,
        ruleIds,
        event.feedAppendedAt,
        enforcement.circuitBreakers,
      )
    const decided = decide(
      event,
      {
        actor: known,
        reporters: reporters.length === 0 ? 0 : weightSum(reporters, event.occurredAt, state),
        order: orders.orderFor(event.section, event.occurredAt),
        overturned: answer?.finding === 'overturned',
        breakers,
      },
      enforcement,
      now,
    )
    const { decision, actor } = decided
    if (actor !== known) state.actors.put(event.actorId, actor)

    const outputs = [decision]
    const followed: string[] = []
    for (const item of event.priorItems) {
      if (item.eventId === event.eventId) continue
      const changed = followUp(
        item,
        event,
        answerTo(item.eventId, state),
        actor,
        enforcement,
        now,
        (verdict) => breakers(verdict, 'NONE', ['later_events']).length === 0,
      )
      if (!changed) continue
      followed.push(item.eventId)
      remember(changed.answer, state)
      outputs.push(changed.decision)
    }
    // What comes a second time changes nothing about what was found the first time.
    if (!answer && isRemembered(decision))
      remember(answerOf(decided, event, decided.byReports ? reporters : NOBODY, followed, enforcement), state)
    return forward(...outputs)
  }

  const reportersOfActor = (actorId: string, at: number, state: EnforceState): readonly number[] => {
    const reports = state.reports.get(actorId)
    return reports ? reportersSince(reports, at, enforcement.reports.windowMs) : NOBODY
  }
  const weightSum = (reporters: readonly number[], at: number, state: EnforceState): number => {
    let sum = 0
    for (const reporter of reporters)
      sum += weightOf(state.reporters.get(String(reporter)), at, enforcement.reports)
    return sum
  }

  const takeReport = (report: UserReport | null, { key, state }: Context): Result => {
    if (report === null) {
      eraseAccount(key, state)
      return forward()
    }
    // A report on oneself is an appeal: a human's matter. Nobody reports themselves into a hold, and nobody counts twice.
    if (report.reporterId === report.reportedId) return forward()
    const known = state.reports.get(report.reportedId) ?? NOBODY
    const next = withReport(known, report)
    if (next !== known) state.reports.put(report.reportedId, next)
    return forward()
  }

  const takeVerdict = (verdict: ReviewVerdict | null, { state, now }: Context): Result => {
    if (verdict === null || (verdict.outcome !== 'UPHELD' && verdict.outcome !== 'OVERTURNED'))
      return forward()
    const answer = answerTo(verdict.eventId, state)
    // Unknown: never adverse nor drawn for review, or too old.
    if (!answer || answer.occurredAt + enforcement.reversalMs <= verdict.reviewedAt) return forward()
    if (!answer.ids.includes(verdict.decisionId) || answer.actorId !== verdict.actorId) {
      return deadLetter('invalid', 'the decision or the actor of the verdict is not that of the event')
    }
    // A reversal is final, and what is upheld can only be overturned.
    if (answer.finding === 'overturned' || (answer.finding === 'upheld' && verdict.outcome === 'UPHELD'))
      return forward()
    findReporters(answer, verdict, state)
    const apply = (changed: Changed): EnforcementDecision => {
      remember(changed.answer, state)
      if (changed.actor !== NEW_ACTOR && changed.actor !== state.actors.get(changed.answer.actorId))
        state.actors.put(changed.answer.actorId, changed.actor)
      return changed.decision
    }
    const takeBack = (taken: Answer, backTo: EnforcementDecision['verdict']): EnforcementDecision => {
      const standing = state.actors.get(taken.actorId) ?? NEW_ACTOR
      // The inspector speaks of the content; an order on its section stands all the same.
      const order = isAllowed(backTo) ? orders.orderFor(taken.section, taken.occurredAt) : undefined
      return apply(reverse(taken, verdict, backTo, order, standing, enforcement, now))
    }
    if (verdict.outcome === 'UPHELD') {
      const actor = state.actors.get(answer.actorId) ?? NEW_ACTOR
      const confirmed = confirm(answer, verdict, actor, enforcement, now)
      if (confirmed) return forward(apply(confirmed))
      remember({ ...answer, finding: 'upheld' }, state)
      return forward()
    }
    if (isAllowed(answer.verdict)) {
      const { overturnedAllow } = enforcement.review
      return forward(takeBack(answer, overturnedAllow))
    }
    const outputs = [takeBack(answer, 'ALLOW')]
    // What followed from it falls with it, unless a human has looked at that one as well.
    for (const eventId of answer.followed) {
      const followed = answerTo(eventId, state)
      if (followed?.finding === 'none') outputs.push(takeBack(followed, followed.verdictBefore ?? 'ALLOW'))
    }
    return forward(...outputs)
  }

  /** What the verdict says of those who reported the event, or whose reports had it held. */
  const findReporters = (answer: Answer, { outcome, reviewedAt }: ReviewVerdict, state: EnforceState) => {
    const reports = state.reports.get(answer.actorId)
    const concerned = new Set(answer.reporters)
    if (reports) for (const each of reportersOf(reports, answer.eventId)) concerned.add(each)
    const founded = isAllowed(answer.verdict) ? outcome === 'OVERTURNED' : outcome === 'UPHELD'
    for (const reporter of concerned) {
      const key = String(reporter)
      state.reporters.put(key, afterFinding(state.reporters.get(key), founded, reviewedAt))
    }
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
      // What a human found out about the pair is for comment-risk, which is keyed by the protected account.
      repartition: {
        topic: TOPICS.reversals,
        key: (decision) => decision.protectedId,
        when: ({ type, actorId, protectedId }) =>
          type === 'REVERSAL' && protectedId !== '' && protectedId !== actorId,
      },
    },
    takeControl: (record, key) => {
      orders.take(record, key)
      enforcement = deps.takePolicy?.(record, key) ?? enforcement
      longestStrike = longestStrikeOf(enforcement)
    },
    createState: () => ({
      actors: new KeyedStore({
        name: 'actors',
        codec: jsonCodec<Actor>(),
        capacity: capacities?.actors ?? 300_000,
        expiresAt: ({ strikes, minors, copies }) => {
          let last = latestOf(minors) + enforcement.contactSpread.windowMs + LATENESS_MS
          if (copies)
            last = Math.max(last, latestCopy(copies) + enforcement.copySpread.windowMs + LATENESS_MS)
          for (const { at } of strikes) last = Math.max(last, at + longestStrike)
          return last
        },
      }),
      reports: new KeyedStore({
        name: 'reports',
        codec: jsonCodec<Reports>(),
        capacity: capacities?.reports ?? 200_000,
        expiresAt: (reports) => latestReport(reports) + enforcement.reports.windowMs + LATENESS_MS,
      }),
      reporters: new KeyedStore({
        name: 'reporters',
        codec: jsonCodec<Reporter>(),
        capacity: capacities?.reporters ?? 200_000,
        expiresAt: ({ at }) => at + enforcement.reports.memoryMs + LATENESS_MS,
      }),
      answers: new KeyedStore({
        name: 'answers',
        codec: answerCodec,
        capacity: capacities?.answers ?? 100_000,
        expiresAt: (answer) => occurredAtOf(answer) + enforcement.reversalMs + LATENESS_MS,
      }),
      breakers: new KeyedStore({
        name: 'breakers',
        codec: jsonCodec<Breaker>(),
        // Verdicts, actions and rules: no more than the policy names.
        capacity: 10_000,
        expiresAt: breakerExpiresAt,
      }),
    }),
  }
}

function answerTo(eventId: string, { answers }: EnforceState): Answer | undefined {
  const packed = answers.get(eventId)
  return packed === undefined ? undefined : unpackAnswer(eventId, packed)
}

const remember = (answer: Answer, { answers }: EnforceState): void =>
  answers.put(answer.eventId, packAnswer(answer))

type Attempt = [EnforcementDecision['verdict'], EnforcementDecision['accountAction'], readonly string[]]

/** An order holds whole sections: what it alone holds is no human's to judge, and would drive out what is. */
const isRemembered = (decision: EnforcementDecision): boolean =>
  decision.verdict === 'HOLD_SECTION_SUSPENDED'
    ? decision.heldVerdict !== null && !isAllowed(decision.heldVerdict)
    : isAdverse(decision) || decision.review.length > 0

/**
 * Forgets an erased account: strikes, reports on it and by it, and the answers that could still change, made on it or on
 * what was said to it. `wardline erase` sends its tombstone to every partition, since answers lie with the actor.
 */
function eraseAccount(account: string, state: EnforceState): void {
  if (state.actors.get(account)) state.actors.delete(account)
  if (state.reports.get(account)) state.reports.delete(account)
  const reporter = String(idHash(account))
  if (state.reporters.get(reporter)) state.reporters.delete(reporter)
  const answers: string[] = []
  for (const [key, packed] of state.answers.current()) {
    const { actorId, protectedId } = unpackAnswer(key, packed)
    if (actorId === account || protectedId === account) answers.push(key)
  }
  for (const key of answers) state.answers.delete(key)
}

const NOBODY: readonly number[] = []

function longestStrikeOf({ areas }: Enforcement): number {
  let longest = 0
  for (const area of areas.values()) longest = Math.max(longest, memoryOf(area))
  return longest
}
