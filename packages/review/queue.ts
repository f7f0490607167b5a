import { createHash } from 'node:crypto'
import type { Category, EnforcementDecision, ReviewVerdict, UserReport } from '@wardline/events'

/** Why an item is in the queue. */
export type ReviewReason = 'hold' | 'appeal' | 'sample'

export interface ReviewItem {
  /** The decision that stands on the event. */
  readonly decision: EnforcementDecision
  readonly reason: ReviewReason
  /** Since when it waits, ms. */
  readonly since: number
  /** Who has it in hand; null: nobody. */
  readonly claimedBy: string | null
}

/** How long an item stays with who took it, ms. */
export const CLAIM_MS = 15 * 60_000
/** What waits longer goes before everything else, oldest first, ms. */
export const PROMISE_MS = 24 * 3_600_000

/** What the order of the queue goes by. */
export interface Waiting {
  readonly decisionId: string
  readonly category: Category
  readonly risk: number
  readonly reason: ReviewReason
  readonly since: number
}

/** Who has an item in hand, and until when, ms. */
export interface Claim {
  readonly by: string
  readonly until: number
}

/** The last appeal against what was decided on an event. */
export interface Appeal {
  readonly by: string
  readonly at: number
}

/** What can wait for a human at all: what is adverse, and what was held or drawn. */
export const isInspectable = ({ statement, review }: EnforcementDecision): boolean =>
  statement !== null || review.length > 0

/** A report of an account on itself that names an event is an appeal. */
export const isAppeal = ({ reporterId, reportedId, eventId }: UserReport): boolean =>
  eventId !== null && reporterId === reportedId

/** Whether the decision that stands on an event waits for a human, why and since when. */
export function waitingFor(
  decision: EnforcementDecision,
  appeal: Appeal | undefined,
  findings: readonly ReviewVerdict[],
): { readonly reason: ReviewReason; readonly since: number } | undefined {
  if (decision.type === 'REVERSAL') return undefined
  if (
    appeal?.by === decision.actorId &&
    decision.statement !== null &&
    !findings.some(({ reviewedAt }) => reviewedAt >= appeal.at)
  )
    return { reason: 'appeal', since: appeal.at }
  if (decision.review.length > 0 && !findings.some(({ decisionId }) => decisionId === decision.decisionId))
    return { reason: decision.review[0] === 'sample' ? 'sample' : 'hold', since: decision.decidedAt }
  return undefined
}

/**
 * The claim after one more in the log. The first has the item: all readers see the same order, so two who ask at once do
 * not both win. Its owner may renew it, or end it with one that began long enough ago.
 */
export function claimAfter(held: Claim | undefined, { reviewerId, reviewedAt }: ReviewVerdict): Claim {
  if (held && held.by !== reviewerId && reviewedAt < held.until) return held
  return { by: reviewerId, until: reviewedAt + CLAIM_MS }
}

/** What a reviewer needs to know of the queue, as of one moment. */
export interface QueueView {
  /** What this reviewer has in hand, else the first that nobody has. */
  next(reviewerId: string, now: number): ReviewItem | undefined
  /** The decision that stands on the event of a decision. */
  standingOf(decisionId: string): EnforcementDecision | undefined
  /** Findings on an event, in order. */
  findingsOf(eventId: string): readonly ReviewVerdict[]
  claimOf(eventId: string, now: number): string | null
}

/** What was decided, appealed and found, gathered from the topics in their order. Memory: about 1 KiB an adverse decision. */
export class ReviewQueue implements QueueView {
  readonly #standing = new Map<string, EnforcementDecision>()
  /** By event: time of the last appeal. */
  readonly #appeals = new Map<string, Appeal>()
  readonly #claims = new Map<string, Claim>()
  /** By event: the findings, in order. */
  readonly #findings = new Map<string, ReviewVerdict[]>()
  readonly #eventOf = new Map<string, string>()

  takeDecision(decision: EnforcementDecision): void {
    const known = this.#standing.has(decision.eventId)
    if (!known && !isInspectable(decision)) return
    this.#standing.set(decision.eventId, decision)
    this.#eventOf.set(decision.decisionId, decision.eventId)
  }

  takeReport(report: UserReport): void {
    if (isAppeal(report)) this.#appeals.set(report.eventId!, { by: report.reporterId, at: report.reportedAt })
  }

  takeVerdict(verdict: ReviewVerdict): void {
    const { eventId, outcome } = verdict
    if (outcome === 'CLAIMED') {
      this.#claims.set(eventId, claimAfter(this.#claims.get(eventId), verdict))
    } else if (outcome === 'UPHELD' || outcome === 'OVERTURNED') {
      this.#claims.delete(eventId)
      const findings = this.#findings.get(eventId)
      if (findings) findings.push(verdict)
      else this.#findings.set(eventId, [verdict])
    }
  }

  standingOf(decisionId: string): EnforcementDecision | undefined {
    const eventId = this.#eventOf.get(decisionId)
    return eventId === undefined ? undefined : this.#standing.get(eventId)
  }

  findingsOf(eventId: string): readonly ReviewVerdict[] {
    return this.#findings.get(eventId) ?? []
  }

  claimOf(eventId: string, now: number): string | null {
    const claim = this.#claims.get(eventId)
    return claim && now < claim.until ? claim.by : null
  }

  /** What waits for a human, in the order in which it should be looked at. */
  open(now: number): ReviewItem[] {
    const items: ReviewItem[] = []
    for (const decision of this.#standing.values()) {
      const { eventId } = decision
      const waiting = waitingFor(decision, this.#appeals.get(eventId), this.findingsOf(eventId))
      if (waiting) items.push({ decision, ...waiting, claimedBy: this.claimOf(eventId, now) })
    }
    const order = inOrder(now)
    return items.sort((a, b) =>
      order(
        { ...a.decision, reason: a.reason, since: a.since },
        { ...b.decision, reason: b.reason, since: b.since },
      ),
    )
  }

  next(reviewerId: string, now: number): ReviewItem | undefined {
    const open = this.open(now)
    return (
      open.find(({ claimedBy }) => claimedBy === reviewerId) ??
      open.find(({ claimedBy }) => claimedBy === null)
    )
  }
}

/** Compares by what should be looked at first. */
export const inOrder =
  (now: number) =>
  (a: Waiting, b: Waiting): number =>
    urgency(a, now) - urgency(b, now) || tieBreak(a, b)

/**
 * Lower goes first: somebody who may hurt themselves; what has waited longer than was promised; what is held; appeals;
 * samples.
 */
function urgency({ category, reason, since }: Waiting, now: number): number {
  if (reason === 'hold' && category === 'self_harm') return 0
  if (now - since > PROMISE_MS) return 1
  return reason === 'hold' ? 2 : reason === 'appeal' ? 3 : 4
}

/** Among holds that are in time the riskier first; else the longer waiting. */
function tieBreak(a: Waiting, b: Waiting): number {
  const risk = a.reason === 'hold' && b.reason === 'hold' ? b.risk - a.risk : 0
  return risk || a.since - b.since || (a.decisionId < b.decisionId ? -1 : 1)
}

/** A verdict of one inspector on one decision has one id, so that giving it twice is giving it once. */
export const verdictIdOf = (
  decisionId: string,
  reviewerId: string,
  outcome: ReviewVerdict['outcome'],
): string => createHash('sha256').update(`${outcome}|${decisionId}|${reviewerId}`).digest('hex').slice(0, 32)

/** Why a verdict would change nothing; undefined: it may be given. */
export function refusalOf(
  standing: EnforcementDecision,
  findings: readonly ReviewVerdict[],
  outcome: 'UPHELD' | 'OVERTURNED',
): string | undefined {
  const overturned = findings.find((finding) => finding.outcome === 'OVERTURNED')
  if (overturned || standing.type === 'REVERSAL') return 'it has been overturned, and a reversal is final'
  const same = findings.some((each) => each.outcome === outcome && each.decisionId === standing.decisionId)
  return outcome === 'UPHELD' &&
    (same ||
      (standing.causedBy !== null && findings.some(({ verdictId }) => verdictId === standing.causedBy)))
    ? 'it has been upheld already; it can still be overturned'
    : undefined
}
