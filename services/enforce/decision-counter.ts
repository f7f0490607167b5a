import type { Category, DecisionType, EnforcementDecision, Verdict } from '@wardline/events'
import { LabelNames } from '@wardline/stream'
import { Counter, type Registry } from 'prom-client'

/**
 * `wardline_decisions_total{verdict,category,mode}`: each first decision once as `live`, and once more as `shadow` where
 * shadow rules fired on it. `wardline_later_decisions_total{type,verdict}`: follow-ups and reversals.
 * `wardline_rule_decisions_total{rule,outcome}`: adverse decisions that rest on a rule (`acted`) and those of them that a
 * human took back (`overturned`); their ratio is the rule's overturn rate; first decisions on which it fired without acting
 * (`shadow`). Counted in plain numbers, which prom-client gets when it is asked: it looks labels up with every one.
 */
export function createDecisionCounter(registry: Registry): (decision: EnforcementDecision) => void {
  const registers = [registry]
  const decisions: Counter<'verdict' | 'category' | 'mode'> = new Counter({
    name: 'wardline_decisions_total',
    help: 'First decisions by verdict and category; mode shadow: those on which shadow rules fired.',
    labelNames: ['verdict', 'category', 'mode'],
    registers,
    collect(): void {
      live.handOver()
      shadow.handOver()
    },
  })
  const later: Counter<'type' | 'verdict'> = new Counter({
    name: 'wardline_later_decisions_total',
    help: 'Follow-ups and reversals of earlier decisions, by the verdict that stands then.',
    labelNames: ['type', 'verdict'],
    registers,
    collect(): void {
      laterOf.handOver()
    },
  })
  const rules: Counter<'rule' | 'outcome'> = new Counter({
    name: 'wardline_rule_decisions_total',
    help: 'Adverse decisions that rest on a rule, those that a human overturned, and hits of shadow rules.',
    labelNames: ['rule', 'outcome'],
    registers,
    collect(): void {
      ruleOf.handOver()
    },
  })
  const live = new Tally((verdict: Verdict, category: Category) =>
    decisions.labels({ verdict, category, mode: 'live' }),
  )
  const shadow = new Tally((verdict: Verdict, category: Category) =>
    decisions.labels({ verdict, category, mode: 'shadow' }),
  )
  const laterOf = new Tally((type: DecisionType, verdict: Verdict) => later.labels({ type, verdict }))
  const names = new LabelNames()
  const ruleOf = new Tally((rule: string, outcome: 'acted' | 'overturned' | 'shadow') =>
    rules.labels({ rule, outcome }),
  )

  return ({ type, verdict, category, ruleIds, shadowRuleIds, statement }) => {
    if (type === 'DECISION') {
      live.add(verdict, category)
      if (shadowRuleIds.length > 0) shadow.add(verdict, category)
      for (const id of shadowRuleIds) ruleOf.add(names.of(id), 'shadow')
    } else laterOf.add(type, verdict)
    if (statement === null && type !== 'REVERSAL') return
    for (const id of ruleIds) ruleOf.add(names.of(id), type === 'REVERSAL' ? 'overturned' : 'acted')
  }
}

/** Counts by two labels until they are handed over. */
class Tally<A, B> {
  readonly #counterOf: (a: A, b: B) => { inc(by: number): void }
  readonly #counts = new Map<A, Map<B, number>>()

  constructor(counterOf: (a: A, b: B) => { inc(by: number): void }) {
    this.#counterOf = counterOf
  }

  add(a: A, b: B): void {
    let ofA = this.#counts.get(a)
    if (!ofA) this.#counts.set(a, (ofA = new Map()))
    ofA.set(b, (ofA.get(b) ?? 0) + 1)
  }

  handOver(): void {
    for (const [a, ofA] of this.#counts)
      for (const [b, count] of ofA) {
        if (count > 0) this.#counterOf(a, b).inc(count)
        ofA.set(b, 0)
      }
  }
}
