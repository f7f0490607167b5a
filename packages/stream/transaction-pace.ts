/**
 * How long a partition rests between two transactions. Every transaction costs the broker and both clients the same
 * handful of requests, however few records it holds.
 */
export interface Pace {
  /** Shortest time from one transaction's begin to the next one's, ms. */
  readonly intervalMs: number
  /** Records of a full transaction. */
  readonly fullAt: number
}

/** A partition rests no longer than this, ms: it is a part of every event's age. */
const LONGEST_REST_MS = 80

/**
 * ms to rest after a transaction that took `elapsedMs` for `records`. At a low rate the interval gathers records that come
 * one by one. Under load a transaction takes longer than the interval although it holds little, because others are having
 * their turn: resting half as long again gives them the processor, and lets the next one hold more (as long again cost a
 * tenth of the 99th percentile at half and at four fifths of the capacity). A full one is followed at once.
 */
export function restAfter(elapsedMs: number, records: number, { intervalMs, fullAt }: Pace): number {
  if (records * 2 >= fullAt) return Math.max(0, intervalMs - elapsedMs)
  return Math.max(intervalMs - elapsedMs, Math.min(elapsedMs / 2, LONGEST_REST_MS))
}
