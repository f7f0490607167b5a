/** One line of a metrics page. */
export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const LINE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)/
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g

/** The samples of the Prometheus text format whose names begin with `prefix`; lines of no known form are left out. */
export function parseMetrics(text: string, prefix: string): Sample[] {
  const samples: Sample[] = []
  for (const line of text.split('\n')) {
    if (!line.startsWith(prefix)) continue
    const match = LINE.exec(line)
    if (!match) continue
    const labels: Record<string, string> = {}
    for (const [, name, value] of (match[2] ?? '').matchAll(LABEL))
      labels[name!] = value!.replace(/\\(["\\n])/g, (_, c: string) => (c === 'n' ? '\n' : c))
    const value = match[3] === '+Inf' ? Number.POSITIVE_INFINITY : Number(match[3])
    if (!Number.isNaN(value)) samples.push({ name: match[1]!, labels, value })
  }
  return samples
}

/** A cumulative histogram: counts of observations at most each upper bound, ascending; the last bound is infinite. */
export interface Buckets {
  readonly bounds: readonly number[]
  readonly counts: readonly number[]
}

/** Observations that came between two readings of one histogram. A counter that fell was restarted: then all of `after`. */
export function between(before: Buckets | undefined, after: Buckets): Buckets {
  const total = (buckets: Buckets) => buckets.counts.at(-1) ?? 0
  if (!before || before.bounds.length !== after.bounds.length || total(before) > total(after)) return after
  return { bounds: after.bounds, counts: after.counts.map((count, i) => count - before.counts[i]!) }
}

/**
 * The q-quantile, by linear interpolation within its bucket as Prometheus's histogram_quantile does it; null of nothing. In the
 * last bucket its lower bound.
 */
export function quantileOf({ bounds, counts }: Buckets, q: number): number | null {
  const total = counts.at(-1) ?? 0
  if (total <= 0) return null
  const rank = q * total
  const i = counts.findIndex((count) => count >= rank)
  const below = i === 0 ? 0 : counts[i - 1]!
  const lower = i === 0 ? 0 : bounds[i - 1]!
  const upper = bounds[i]!
  if (upper === Number.POSITIVE_INFINITY) return lower
  const inside = counts[i]! - below
  return inside === 0 ? upper : lower + ((upper - lower) * (rank - below)) / inside
}

/** Sums histograms of the same bounds. */
export function summed(all: readonly Buckets[]): Buckets {
  const [first, ...rest] = all
  if (!first) return { bounds: [], counts: [] }
  return {
    bounds: first.bounds,
    counts: first.counts.map((count, i) => rest.reduce((sum, each) => sum + (each.counts[i] ?? 0), count)),
  }
}
