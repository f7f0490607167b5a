import type { PolicyControl } from '@wardline/events'
import { describe, expect, it } from 'vitest'
import { SectionOrders } from './section-orders.ts'
import { assessed, DAY, Harness, harmful, overturn, T0 } from './testing.ts'

const order = (change: Partial<PolicyControl> = {}): PolicyControl => ({
  kind: 'SECTION_ORDER',
  name: 'game-zone',
  version: 'CAC-2026-17',
  payload: null,
  sha256: null,
  effectiveFrom: T0,
  effectiveUntil: T0 + 30 * DAY,
  issuedBy: 'ops',
  issuedAt: T0,
  ...change,
})
const KEY = 'section/game-zone'

describe('section orders', () => {
  it('hold from their beginning until their end, by event time, and in their section alone', () => {
    const orders = new SectionOrders()
    orders.take(order(), KEY)
    expect(orders.orderFor('game-zone', T0 - 1)).toBeUndefined()
    expect(orders.orderFor('game-zone', T0)?.reference).toBe('CAC-2026-17')
    expect(orders.orderFor('game-zone', T0 + 30 * DAY - 1)).toBeDefined()
    expect(orders.orderFor('game-zone', T0 + 30 * DAY)).toBeUndefined()
    expect(orders.orderFor('live', T0)).toBeUndefined()
  })

  it('end when they are lifted or deleted; other records are left alone', () => {
    const orders = new SectionOrders()
    orders.take(order({ effectiveUntil: null }), KEY)
    expect(orders.orderFor('game-zone', T0 + 400 * DAY)).toBeDefined()
    orders.take(order({ effectiveUntil: T0 + DAY }), KEY)
    expect(orders.orderFor('game-zone', T0 + DAY)).toBeUndefined()
    expect(orders.orderFor('game-zone', T0)).toBeDefined()
    orders.take(null, KEY)
    expect(orders.orderFor('game-zone', T0)).toBeUndefined()
    orders.take(order({ kind: 'RULE_SET' }), 'rule-set/game-zone')
    orders.take(order({ kind: 'UNKNOWN' }), KEY)
    expect(orders.orderFor('game-zone', T0)).toBeUndefined()
  })

  it('answer every new item of the section, and lose nothing of what it deserves', () => {
    const stage = new Harness()
    stage.stage.takeControl!(order(), KEY)
    const inSection = { section: 'game-zone' }
    const harmless = stage.decide(assessed(inSection))
    expect(harmless).toMatchObject({ verdict: 'HOLD_SECTION_SUSPENDED', heldVerdict: 'ALLOW', review: [] })
    expect(harmless.statement).toMatchObject({
      category: 'STATEMENT_CATEGORY_SCOPE_OF_PLATFORM_SERVICE',
      decisionFactsZh:
        '根据监管要求（编号：CAC-2026-17），该评论所在版块暂停更新。暂停期间，该内容不予展示。依据：《未成年人网络保护条例》（国务院令第766号）。如有异议，可提出申诉，我们将安排人工复核。',
    })
    expect(stage.state.answers.entries + [...stage.state.answers.current()].length).toBe(0)
    const scam = stage.decide(harmful('fraud', 0.95, inSection))
    expect(scam).toMatchObject({
      verdict: 'HOLD_SECTION_SUSPENDED',
      heldVerdict: 'REMOVE',
      accountAction: 'MUTE',
    })
    expect(scam.statement!.decisionFacts).toMatch(/fraud.*CAC-2026-17/)
    // A human finds the content harmless: the strike goes, the order stands.
    expect(stage.take({ verdict: overturn(scam) })[0]).toMatchObject({
      verdict: 'HOLD_SECTION_SUSPENDED',
      heldVerdict: 'ALLOW',
      liftedAction: 'MUTE',
      strikes: 0,
    })
    expect(stage.decide(assessed({ ...inSection, occurredAt: T0 + 31 * DAY })).verdict).toBe('ALLOW')
    expect(stage.decide(assessed({ ...inSection, kind: 'USAGE' })).verdict).toBe('ALLOW')
  })
})
