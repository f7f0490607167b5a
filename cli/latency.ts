/** Quantiles of end-to-end latency, ms. */
export interface LatencySummary {
  readonly count: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

/** Collects latencies by group and gives exact quantiles (nearest rank). Memory: 8 bytes a value. */
export class LatencyRecorder {
  readonly #byGroup = new Map<string, number[]>()

  add(group: string, ms: number): void {
    const values = this.#byGroup.get(group)
    if (values) values.push(ms)
    else this.#byGroup.set(group, [ms])
  }

  /** One summary a group, by name, and one over all under `all`. */
  summary(): Record<string, LatencySummary> {
    const groups: [string, number[]][] = [...this.#byGroup].sort(([a], [b]) => (a < b ? -1 : 1))
    const all = groups.flatMap(([, values]) => values)
    return Object.fromEntries(
      [['all', all] as [string, number[]], ...groups].map(([name, values]) => [name, summarize(values)]),
    )
  }
}

function summarize(values: readonly number[]): LatencySummary {
  const sorted = Float64Array.from(values).sort()
  const rank = (q: number) =>
    sorted.length === 0 ? 0 : sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)]!
  return { count: sorted.length, p50: rank(0.5), p95: rank(0.95), p99: rank(0.99) }
}
