import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { createDecisionCounter } from './decision-counter.ts'
import { assessed, Harness, harmful, hit } from './testing.ts'

describe('wardline_decisions_total', () => {
  it('counts by verdict, category and mode', async () => {
    const registry = new Registry()
    const count = createDecisionCounter(registry)
    const stage = new Harness()
    count(stage.decide(harmful('fraud', 0.95)))
    count(stage.decide(harmful('fraud', 0.95)))
    count(stage.decide(assessed({ ruleHits: [hit('hate', { mode: 'SHADOW' })] })))
    const [metric] = await registry.getMetricsAsJSON()
    expect(metric?.name).toBe('wardline_decisions_total')
    expect(
      metric?.values.map(({ labels, value }) => [labels.verdict, labels.category, labels.mode, value]),
    ).toEqual([
      ['REMOVE', 'fraud', 'live', 2],
      ['ALLOW', 'benign', 'live', 1],
      ['ALLOW', 'benign', 'shadow', 1],
    ])
  })
})
