import type { Category, DecisionType, EnforcementDecision, Verdict } from '@wardline/events'
import { LabelNames } from '@wardline/stream'
import { Counter, type Registry } from 'prom-client'

/**
 * `wardline_decisions_total{verdict,category,mode}`: each first decision once as `live`, and once more as `shadow` where
 * shadow rules fired on it. `wardline_later_decisions_total{type,verdict}`: follow-ups and reversals.
 * `wardline_rule_decisions_total{rule,outcome}`: adverse decisions that rest on a rule (`acted`) and those of them that a
 * human took back (`overturned`); their ratio is the rule's overturn rate; first decisions on which it fired without acting
 * (`shadow`). Children are made when first met and kept: the hot path looks up no labels.
 */
export function createDecisionCounter(registry: Registry): (decision: EnforcementDecision) => void {
  const registers = [registry]
  const decisions = new Counter({
    name: 'wardline_decisions_total',
    help: 'First decisions by verdict and category; mode shadow: those on which shadow rules fired.',
    labelNames: ['verdict', 'category', 'mode'],
    registers,
  })
  const later = new Counter({
    name: 'wardline_later_decisions_total',
    help: 'Follow-ups and reversals of earlier decisions, by the verdict that stands then.',
    labelNames: ['type', 'verdict'],
    registers,
  })
  const rules = new Counter({
    name: 'wardline_rule_decisions_total',
    help: 'Adverse decisions that rest on a rule, those that a human overturned, and hits of shadow rules.',
    labelNames: ['rule', 'outcome'],
    registers,
  })
  const live = children((verdict: Verdict, category: Category) =>
    decisions.labels({ verdict, category, mode: 'live' }),
  )
  const shadow = children((verdict: Verdict, category: Category) =>
    decisions.labels({ verdict, category, mode: 'shadow' }),
  )
  const laterOf = children((type: DecisionType, verdict: Verdict) => later.labels({ type, verdict }))
  const names = new LabelNames()
  const ruleOf = children((rule: string, outcome: 'acted' | 'overturned' | 'shadow') =>
    rules.labels({ rule, outcome }),
  )

  return ({ type, verdict, category, ruleIds, shadowRuleIds, statement }) => {
    if (type === 'DECISION') {
      live(verdict, category).inc()
      if (shadowRuleIds.length > 0) shadow(verdict, category).inc()
      for (const id of shadowRuleIds) ruleOf(names.of(id), 'shadow').inc()
    } else laterOf(type, verdict).inc()
    if (statement === null && type !== 'REVERSAL') return
    for (const id of ruleIds) ruleOf(names.of(id), type === 'REVERSAL' ? 'overturned' : 'acted').inc()
  }
}

/** Made when first asked for, and kept. */
function children<A, B>(make: (a: A, b: B) => { inc(): void }): (a: A, b: B) => { inc(): void } {
  const known = new Map<A, Map<B, { inc(): void }>>()
  return (a, b) => {
    let ofA = known.get(a)
    if (!ofA) known.set(a, (ofA = new Map()))
    let child = ofA.get(b)
    if (!child) ofA.set(b, (child = make(a, b)))
    return child
  }
}
