/** A count that halves with time. `value` is right at `at`, ms by event time. */
export interface Decayed {
  readonly value: number
  readonly at: number
}

export const NOTHING: Decayed = { value: 0, at: 0 }

/** The count as it stands at `at`; an earlier moment than its own sees it undiminished. */
export function valueAt(count: Decayed, at: number, halfLifeMs: number): number {
  if (count.value === 0 || at <= count.at) return count.value
  return count.value * 2 ** ((count.at - at) / halfLifeMs)
}

/**
 * Adds an amount that belongs to the moment `at`. Late amounts are added as decayed as they would be by now,
 * so that the result does not depend on the order of events.
 */
export function add(count: Decayed, amount: number, at: number, halfLifeMs: number): Decayed {
  if (at >= count.at) return { value: valueAt(count, at, halfLifeMs) + amount, at }
  return { value: count.value + amount * 2 ** ((at - count.at) / halfLifeMs), at: count.at }
}
