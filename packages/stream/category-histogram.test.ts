import fc from 'fast-check'
import { Histogram, Registry } from 'prom-client'
import { expect, it } from 'vitest'
import { CategoryHistogram } from './category-histogram.ts'
import { AGE_BUCKETS, AGE_OBJECTIVE } from './metrics.ts'

const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00'
const NAME = 'wardline_event_age_seconds'

function histogram() {
  const registry = new Registry()
  const ages = new CategoryHistogram({
    name: NAME,
    help: 'Ages.',
    stage: 'enforce',
    bounds: AGE_BUCKETS,
    categories: ['benign', 'grooming', 'unclassified'],
    expected: ['benign', 'grooming'],
  })
  registry.registerMetric(ages.asMetric())
  return { registry, ages }
}

it("writes what prom-client's own histogram writes", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.double({ min: 0, max: 400, noNaN: true }), { maxLength: 60 }),
      async (values) => {
        const { registry, ages } = histogram()
        const peer = new Registry()
        const labelNames = ['stage', 'category'] as const
        const own = new Histogram({
          name: NAME,
          help: 'Ages.',
          labelNames,
          buckets: AGE_BUCKETS,
          registers: [peer],
        })
        for (const category of ['benign', 'grooming']) own.zero({ stage: 'enforce', category })
        // A bound itself belongs to its bucket.
        for (const value of [...values, 0, 0.5, 300]) {
          ages.of('grooming').observe(value, 1, TRACE)
          own.observe({ stage: 'enforce', category: 'grooming' }, value)
        }
        const sorted = async (of: Registry) =>
          (await of.metrics())
            .split('\n')
            .map((line) => line.replace(/\{(.*)\}/, (_, labels: string) => labels.split(',').sort().join()))
            .sort()
        expect(await sorted(registry)).toEqual(await sorted(peer))
      },
    ),
    { numRuns: 50 },
  )
})

it('has the categories of the stage from the start and others once they come', async () => {
  const { registry, ages } = histogram()
  expect(await registry.metrics()).toContain(`${NAME}_count{stage="enforce",category="grooming"} 0`)
  expect(await registry.metrics()).not.toContain('unclassified')
  ages.of('unclassified').observe(0.1, 1, TRACE)
  expect(await registry.metrics()).toContain(`${NAME}_count{stage="enforce",category="unclassified"} 1`)
})

it('keeps the trace of one value a bucket and second', async () => {
  const { ages } = histogram()
  const exemplars = async () =>
    (await ages.get()).values.flatMap((value) => (value as { exemplar?: object }).exemplar ?? [])
  expect(await exemplars()).toEqual([])
  ages.of('benign').observe(0.41, 5_000, TRACE)
  ages.of('benign').observe(0.42, 5_999, TRACE.replace('4bf9', '5bf9'))
  const first = { labelSet: { trace_id: TRACE.slice(3, 35) }, value: 0.41, timestamp: 5 }
  expect(await exemplars()).toEqual([first])
  ages.of('benign').observe(0.43, 6_000, Buffer.from(TRACE.replace('4bf9', '5bf9')))
  ages.of('benign').observe(0.6, 6_000, TRACE)
  expect(await exemplars()).toEqual([
    { labelSet: { trace_id: TRACE.replace('4bf9', '5bf9').slice(3, 35) }, value: 0.43, timestamp: 6 },
    { ...first, value: 0.6, timestamp: 6 },
  ])
})

/** As Prometheus' histogram_quantile: linear within the bucket. */
function quantileOf(counts: readonly number[], q: number): number {
  const rank = q * counts.at(-1)!
  const bucket = counts.findIndex((count) => count >= rank)
  const [from, to] = [AGE_BUCKETS[bucket - 1] ?? 0, AGE_BUCKETS[bucket] ?? AGE_BUCKETS.at(-1)!]
  const before = counts[bucket - 1] ?? 0
  return from + (to - from) * ((rank - before) / (counts[bucket]! - before))
}

it('gives quantiles within the bound that the documentation states', () => {
  const widths = AGE_BUCKETS.slice(1).map((bound, i) => ({
    from: AGE_BUCKETS[i]!,
    ratio: bound / AGE_BUCKETS[i]!,
  }))
  for (const { from, ratio } of widths) {
    if (from >= 0.05 && from < 2) expect(ratio, String(from)).toBeLessThanOrEqual(1.2 + 1e-9)
    if (from >= 0.32 && from < 0.6) expect(ratio, String(from)).toBeLessThanOrEqual(1.125 + 1e-9)
  }
  expect(AGE_BUCKETS).toContain(AGE_OBJECTIVE)

  const age = fc.double({ min: Math.log(0.05), max: Math.log(2), noNaN: true }).map(Math.exp)
  fc.assert(
    fc.property(
      fc.array(age, { minLength: 1, maxLength: 300 }),
      fc.constantFrom(0.5, 0.95, 0.99),
      (ages, q) => {
        const sorted = ages.toSorted((a, b) => a - b)
        const truth = sorted[Math.ceil(q * sorted.length) - 1]!
        const counts = [...AGE_BUCKETS, Infinity].map((bound) => sorted.filter((a) => a <= bound).length)
        const read = quantileOf(counts, q)
        expect(Math.abs(read - truth) / truth).toBeLessThanOrEqual(0.2 + 1e-9)
      },
    ),
  )
})
