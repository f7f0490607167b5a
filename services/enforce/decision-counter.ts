import type { Category, EnforcementDecision, Verdict } from '@wardline/events'
import { Counter, type Registry } from 'prom-client'

/**
 * `wardline_decisions_total{verdict,category,mode}`: each decision once as `live`, and once more as `shadow`
 * where shadow rules fired on it. Children are made when first met and kept: the hot path looks up no labels.
 */
export function createDecisionCounter(registry: Registry): (decision: EnforcementDecision) => void {
  const counter = new Counter({
    name: 'wardline_decisions_total',
    help: 'Decisions by verdict and category; mode shadow: those on which shadow rules fired.',
    labelNames: ['verdict', 'category', 'mode'],
    registers: [registry],
  })
  const childrenOf = (mode: 'live' | 'shadow') => {
    const children = new Map<Verdict, Map<Category, { inc(): void }>>()
    return (verdict: Verdict, category: Category) => {
      const known = children.get(verdict)?.get(category)
      if (known) return known
      const child = counter.labels({ verdict, category, mode })
      const byCategory = children.get(verdict) ?? new Map<Category, { inc(): void }>()
      children.set(verdict, byCategory.set(category, child))
      return child
    }
  }
  const live = childrenOf('live')
  const shadow = childrenOf('shadow')
  return ({ verdict, category, shadowRuleIds }) => {
    live(verdict, category).inc()
    if (shadowRuleIds.length > 0) shadow(verdict, category).inc()
  }
}
