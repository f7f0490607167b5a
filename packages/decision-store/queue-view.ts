import type { EnforcementDecision, ReviewVerdict } from '@wardline/events'
import {
  inOrder,
  isInspectable,
  type QueueSource,
  type QueueView,
  type ReviewItem,
  type ReviewReason,
  type Waiting,
} from '@wardline/review'
import { TOPICS } from '@wardline/stream'
import type { DecisionStore } from './store.ts'

/** An item of the queue without its decision. */
export interface QueueEntry extends Waiting {
  readonly eventId: string
  readonly claimedBy: string | null
}

/** How long a verdict that was just written may take to come back from the topic. */
const TAKEN_WITHIN_MS = 10_000

/** The verdict was written, but has not come back: what follows from it is not known yet. */
export class StoreBehind extends Error {
  override readonly name = 'StoreBehind'
}

/** The review queue as the store has it; the same rules as ReviewQueue, over rows. */
export class StoredQueue implements QueueView {
  readonly #store: DecisionStore

  constructor(store: DecisionStore) {
    this.#store = store
  }

  /** What waits, in the order in which it should be looked at. */
  open(now: number): QueueEntry[] {
    const rows = this.#store.all(
      `SELECT w.*, CASE WHEN c.until > ? THEN c.by_reviewer END AS claimed_by
       FROM waiting w LEFT JOIN claims c ON c.event_id = w.event_id`,
      now,
    )
    return rows
      .map((row) => ({
        eventId: row.event_id as string,
        decisionId: row.decision_id as string,
        category: row.category as Waiting['category'],
        risk: row.risk as number,
        reason: row.reason as ReviewReason,
        since: row.since as number,
        claimedBy: row.claimed_by as string | null,
      }))
      .sort(inOrder(now))
  }

  next(reviewerId: string, now: number): ReviewItem | undefined {
    const open = this.open(now)
    const entry =
      open.find(({ claimedBy }) => claimedBy === reviewerId) ??
      open.find(({ claimedBy }) => claimedBy === null)
    const decision = entry && this.#store.standingOn(entry.eventId)
    return (
      entry && decision && { decision, reason: entry.reason, since: entry.since, claimedBy: entry.claimedBy }
    )
  }

  standingOf(decisionId: string): EnforcementDecision | undefined {
    const row = this.#store.get('SELECT event_id FROM decisions WHERE decision_id = ?', decisionId)
    const standing = row && this.#store.standingOn(row.event_id as string)
    // What was allowed and not drawn is in no queue and takes no verdict.
    return standing && (standing.type !== 'DECISION' || isInspectable(standing)) ? standing : undefined
  }

  findingsOf(eventId: string): readonly ReviewVerdict[] {
    return this.#store.findingsOn(eventId)
  }

  claimOf(eventId: string, now: number): string | null {
    const row = this.#store.get(
      'SELECT by_reviewer FROM claims WHERE event_id = ? AND until > ?',
      eventId,
      now,
    )
    return (row?.by_reviewer as string | undefined) ?? null
  }
}

/** The queue of the store for packages/review; waits for verdicts that were just written. Throws StoreBehind. */
export function fromStore(store: DecisionStore): QueueSource {
  const queue = new StoredQueue(store)
  return async (after) => {
    if (after && !(await store.has(TOPICS.verdicts, after.partition, after.offset, TAKEN_WITHIN_MS)))
      throw new StoreBehind('the verdict is written; the console is behind and does not show it yet')
    return queue
  }
}
