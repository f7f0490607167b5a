/** The loop rests no longer than this, ms: it is a part of every event's age. */
const LONGEST_REST_MS = 80

/**
 * ms to rest after a transaction that took `elapsedMs`, where no more is waiting. Every transaction costs the broker and both
 * clients the same handful of requests, however few records it holds. At a low rate the interval from one's begin to the
 * next one's gathers records that come one by one. Under load a transaction takes longer than the interval although it holds
 * little, because other processes are having their turn: resting half as long again gives them the processor, and lets the
 * next one hold more (as long again cost a tenth of the 99th percentile at half and at four fifths of the capacity).
 */
export const restAfter = (elapsedMs: number, intervalMs: number): number =>
  Math.max(intervalMs - elapsedMs, Math.min(elapsedMs / 2, LONGEST_REST_MS))
