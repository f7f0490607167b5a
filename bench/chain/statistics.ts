/** Middle and extremes of repeated measurements. */
export interface Spread {
  readonly median: number
  readonly least: number
  readonly most: number
  readonly runs: readonly number[]
}

/** Throws RangeError for no values. */
export function spreadOf(values: readonly number[]): Spread {
  if (values.length === 0) throw new RangeError('nothing was measured')
  const sorted = [...values].sort((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  const median = (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2
  return { median, least: sorted[0]!, most: sorted.at(-1)!, runs: values }
}

/** Nearest rank of ascending values; NaN of none. */
export const quantileOf = (ascending: ArrayLike<number>, q: number): number =>
  ascending.length === 0
    ? Number.NaN
    : ascending[Math.min(ascending.length - 1, Math.max(0, Math.ceil(q * ascending.length) - 1))]!
