import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { createDecisionCounter } from './decision-counter.ts'
import { assessed, Harness, harmful, hit, overturn } from './testing.ts'

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
    expect(await registry.metrics()).toContain(
      'wardline_rule_decisions_total{rule="hate-rule",outcome="shadow"} 1\n',
    )
  })

  it('counts what came later apart, and how often each rule acted and was overturned', async () => {
    const registry = new Registry()
    const count = createDecisionCounter(registry)
    const stage = new Harness()
    const [kept, wrong] = [stage.decide(harmful('fraud', 0.95)), stage.decide(harmful('fraud', 0.95))]
    for (const each of [kept, wrong, ...stage.take({ verdict: overturn(wrong) })]) count(each)
    const metrics = await registry.getMetricsAsJSON()
    const rows = (name: string) =>
      metrics
        .find((metric) => metric.name === name)!
        .values.map(({ labels, value }) => [...Object.values(labels), value])
    expect(rows('wardline_decisions_total')).toEqual([['REMOVE', 'fraud', 'live', 2]])
    expect(rows('wardline_later_decisions_total')).toEqual([['REVERSAL', 'ALLOW', 1]])
    expect(rows('wardline_rule_decisions_total')).toEqual([
      ['fraud-rule', 'acted', 2],
      ['fraud-rule', 'overturned', 1],
    ])
  })
})
