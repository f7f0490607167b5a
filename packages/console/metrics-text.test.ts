import { Histogram, Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { between, parseMetrics, quantileOf, summed } from './metrics-text.ts'

describe('metrics of the services', () => {
  it('are read as prom-client writes them', async () => {
    const registry = new Registry()
    const histogram = new Histogram({
      name: 'wardline_x',
      help: 'x',
      labelNames: ['a'],
      buckets: [1, 2],
      registers: [registry],
    })
    histogram.observe({ a: 'say "no"\\\n' }, 1.5)
    const samples = parseMetrics(await registry.metrics(), 'wardline_')
    expect(samples).toContainEqual({
      name: 'wardline_x_bucket',
      labels: { le: '2', a: 'say "no"\\\n' },
      value: 1,
    })
    expect(samples).toContainEqual({
      name: 'wardline_x_bucket',
      labels: { le: '+Inf', a: 'say "no"\\\n' },
      value: 1,
    })
    expect(parseMetrics('wardline_broken{', 'wardline_')).toEqual([])
  })

  it('give quantiles of what came between two readings', () => {
    const bounds = [0.1, 0.2, 0.5, Number.POSITIVE_INFINITY]
    const before = { bounds, counts: [10, 10, 10, 10] }
    const after = { bounds, counts: [10, 60, 110, 110] }
    const window = between(before, after)
    expect(quantileOf(window, 0.5)).toBeCloseTo(0.2)
    expect(quantileOf(window, 0.75)).toBeCloseTo(0.35)
    expect(quantileOf(between(after, before), 0.5)).toBeLessThanOrEqual(0.1)
    expect(quantileOf({ bounds, counts: [0, 0, 0, 4] }, 0.99)).toBe(0.5)
    expect(quantileOf({ bounds, counts: [0, 0, 0, 0] }, 0.99)).toBeNull()
    expect(quantileOf(summed([window, window]), 0.75)).toBeCloseTo(0.35)
  })
})
