import type { Category } from '@wardline/events'
import type { Histogram, MetricObjectWithValues, MetricValueWithName } from 'prom-client'
import { traceIdOf } from './trace-context.ts'

/** Times of one category. */
export interface CategoryTimes {
  /**
   * `seconds`: the value. `at`: when it was taken, ms since 1970 UTC. `trace`: traceparent of the record, kept as the
   * bucket's exemplar where the last one is older than a second.
   */
  observe(seconds: number, at: number, trace: Buffer | string): void
}

const EXEMPLAR_EVERY_MS = 1_000

class Times implements CategoryTimes {
  readonly #bounds: Float64Array
  /** Values per bucket, not cumulated; the last one is above all bounds. */
  readonly counts: Float64Array
  readonly exemplarAt: Float64Array
  readonly exemplarValue: Float64Array
  readonly exemplarTrace: string[]
  sum = 0
  count = 0

  constructor(bounds: Float64Array) {
    this.#bounds = bounds
    this.counts = new Float64Array(bounds.length + 1)
    this.exemplarAt = new Float64Array(bounds.length + 1)
    this.exemplarValue = new Float64Array(bounds.length + 1)
    this.exemplarTrace = Array.from({ length: bounds.length + 1 }, () => '')
  }

  observe(seconds: number, at: number, trace: Buffer | string): void {
    // The first bound that is not below the value.
    const bounds = this.#bounds
    let low = 0
    let high = bounds.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (bounds[middle]! < seconds) low = middle + 1
      else high = middle
    }
    this.counts[low]!++
    this.sum += seconds
    this.count++
    if (at - this.exemplarAt[low]! < EXEMPLAR_EVERY_MS) return
    this.exemplarAt[low] = at
    this.exemplarValue[low] = seconds
    // The id's digits alone: a header is a view of the whole fetch response, and would keep it in memory.
    this.exemplarTrace[low] = traceIdOf(trace)
  }
}

/**
 * A histogram by stage and category that prom-client writes out and that costs an event some nanoseconds: prom-client's own
 * hashes its labels and allocates with each value (`make bench-metrics` has both). Categories that a stage can give are
 * there from the start, with zeros, so that a rate sees their first event.
 */
export class CategoryHistogram {
  readonly name: string
  readonly help: string
  readonly type = 'histogram'
  readonly #stage: string
  readonly #bounds: readonly number[]
  readonly #times: ReadonlyMap<Category, Times>
  readonly #expected: ReadonlySet<Category>

  constructor(options: {
    readonly name: string
    readonly help: string
    readonly stage: string
    /** Upper bounds, seconds, ascending. */
    readonly bounds: readonly number[]
    readonly categories: readonly Category[]
    /** Those written out before they have a value. */
    readonly expected: readonly Category[]
  }) {
    this.name = options.name
    this.help = options.help
    this.#stage = options.stage
    this.#bounds = options.bounds
    this.#expected = new Set(options.expected)
    const bounds = Float64Array.from(options.bounds)
    this.#times = new Map(options.categories.map((category) => [category, new Times(bounds)]))
  }

  /** Keeps the children; looked up once, not with each value. */
  of(category: Category): CategoryTimes {
    return this.#times.get(category)!
  }

  /** prom-client's registry takes whatever answers this, though its types know only its own classes. */
  asMetric(): Histogram {
    return this as unknown as Histogram
  }

  async get(): Promise<MetricObjectWithValues<MetricValueWithName<string>>> {
    const values: MetricValueWithName<string>[] = []
    for (const [category, times] of this.#times) {
      if (times.count === 0 && !this.#expected.has(category)) continue
      const labels = { stage: this.#stage, category }
      let cumulated = 0
      for (let i = 0; i <= this.#bounds.length; i++) {
        cumulated += times.counts[i]!
        values.push({
          metricName: `${this.name}_bucket`,
          labels: { ...labels, le: i < this.#bounds.length ? String(this.#bounds[i]) : '+Inf' },
          value: cumulated,
          exemplar: exemplarOf(times, i),
        } as MetricValueWithName<string>)
      }
      values.push({ metricName: `${this.name}_sum`, labels, value: times.sum })
      values.push({ metricName: `${this.name}_count`, labels, value: times.count })
    }
    return { name: this.name, help: this.help, type: this.type, values, aggregator: 'sum' } as never
  }
}

const exemplarOf = (times: Times, bucket: number) =>
  times.exemplarAt[bucket] === 0
    ? undefined
    : {
        labelSet: { trace_id: times.exemplarTrace[bucket]! },
        value: times.exemplarValue[bucket]!,
        timestamp: times.exemplarAt[bucket]! / 1000,
      }
