import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { createBreakerAlert, SHOWN_OPEN_MS } from './breaker-alert.ts'
import { Harness, harmful, T0 } from './testing.ts'

describe('wardline_circuit_breaker_open', () => {
  it('is 1 while a breaker holds decisions, with one line when it begins and one when it ends', async () => {
    const registry = new Registry()
    const lines: string[] = []
    let now = T0
    const log = {
      warn: (fields: object, text: string) => void lines.push(`warn ${JSON.stringify(fields)} ${text}`),
      info: (fields: object, text: string) => void lines.push(`info ${JSON.stringify(fields)} ${text}`),
    }
    const alert = createBreakerAlert(registry, log, () => now)
    const value = async () => {
      const [metric] = await registry.getMetricsAsJSON()
      return metric!.values.map(({ labels, value }) => [labels.scope, labels.name, value])
    }
    const decision = new Harness().decide(harmful('fraud', 0.95))
    alert(decision)
    expect(await value()).toEqual([])
    alert({ ...decision, review: ['hold', 'breaker/rule/fraud.links'] })
    alert({ ...decision, review: ['hold', 'breaker/rule/fraud.links'] })
    expect(await value()).toEqual([['rule', 'fraud.links', 1]])
    expect(lines).toHaveLength(1)
    now += SHOWN_OPEN_MS
    expect(await value()).toEqual([['rule', 'fraud.links', 0]])
    expect(lines).toHaveLength(2)
    expect(lines[0]).toMatch(/^warn .*"name":"fraud.links".*open/)
  })
})
