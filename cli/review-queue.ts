import { createHash } from 'node:crypto'
import type { EnforcementDecision, ReviewVerdict, UserReport } from '@wardline/events'

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

/** What was decided, appealed and found, gathered from the topics in their order. Memory: about 1 KiB an adverse decision. */
export class ReviewQueue {
  readonly #standing = new Map<string, EnforcementDecision>()
  /** By event: time of the last appeal. */
  readonly #appeals = new Map<string, { readonly by: string; readonly at: number }>()
  readonly #claims = new Map<string, { readonly by: string; readonly until: number }>()
  /** By event: the findings, in order. */
  readonly #findings = new Map<string, ReviewVerdict[]>()
  readonly #eventOf = new Map<string, string>()

  takeDecision(decision: EnforcementDecision): void {
    const known = this.#standing.has(decision.eventId)
    if (!known && decision.statement === null && decision.review.length === 0) return
    this.#standing.set(decision.eventId, decision)
    this.#eventOf.set(decision.decisionId, decision.eventId)
  }

  /** A report of an account on itself that names an event is an appeal. */
  takeReport({ reporterId, reportedId, eventId, reportedAt }: UserReport): void {
    if (eventId !== null && reporterId === reportedId)
      this.#appeals.set(eventId, { by: reporterId, at: reportedAt })
  }

  takeVerdict(verdict: ReviewVerdict): void {
    const { eventId, reviewerId, reviewedAt, outcome } = verdict
    if (outcome === 'CLAIMED') {
      const held = this.#claims.get(eventId)
      // The first claim in the log has it: all readers see the same order, so two who ask at once do not both win.
      if (held && held.by !== reviewerId && reviewedAt < held.until) return
      this.#claims.set(eventId, { by: reviewerId, until: reviewedAt + CLAIM_MS })
    } else if (outcome === 'UPHELD' || outcome === 'OVERTURNED') {
      this.#claims.delete(eventId)
      const findings = this.#findings.get(eventId)
      if (findings) findings.push(verdict)
      else this.#findings.set(eventId, [verdict])
    }
  }

  /** The decision that stands on the event of a decision. */
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
      if (decision.type === 'REVERSAL') continue
      const findings = this.findingsOf(decision.eventId)
      const appeal = this.#appeals.get(decision.eventId)
      const claimedBy = this.claimOf(decision.eventId, now)
      if (
        appeal?.by === decision.actorId &&
        decision.statement !== null &&
        !findings.some(({ reviewedAt }) => reviewedAt >= appeal.at)
      ) {
        items.push({ decision, reason: 'appeal', since: appeal.at, claimedBy })
      } else if (
        decision.review.length > 0 &&
        !findings.some(({ decisionId }) => decisionId === decision.decisionId)
      ) {
        const reason = decision.review[0] === 'sample' ? 'sample' : 'hold'
        items.push({ decision, reason, since: decision.decidedAt, claimedBy })
      }
    }
    return items.sort((a, b) => urgency(a, now) - urgency(b, now) || tieBreak(a, b))
  }
}

/**
 * Lower goes first: somebody who may hurt themselves; what has waited longer than was promised; what is held; appeals;
 * samples.
 */
function urgency({ decision, reason, since }: ReviewItem, now: number): number {
  if (reason === 'hold' && decision.category === 'self_harm') return 0
  if (now - since > PROMISE_MS) return 1
  return reason === 'hold' ? 2 : reason === 'appeal' ? 3 : 4
}

/** Among holds that are in time the riskier first; else the longer waiting. */
function tieBreak(a: ReviewItem, b: ReviewItem): number {
  const risk = a.reason === 'hold' && b.reason === 'hold' ? b.decision.risk - a.decision.risk : 0
  return risk || a.since - b.since || (a.decision.decisionId < b.decision.decisionId ? -1 : 1)
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
