import { describe, expect, it } from 'vitest'
import { assessed, Harness, harmful, hit, overturn, shippedEnforcement, T0 } from './testing.ts'

const HOUR = 3_600_000
const shipped = shippedEnforcement()
/** A policy whose limits are out of reach but for what is given. */
function withBreakers(change: Partial<(typeof shipped)['circuitBreakers']>) {
  const far = { perHour: 1e9, perDay: 1e9, share: 1 }
  return {
    ...shipped,
    circuitBreakers: {
      shareFromEvents: 50,
      closeBelow: 0.8,
      verdicts: { LIMIT_REACH: far, HIDE: far, REMOVE: far },
      actions: { WARN: far, MUTE: far, SUSPEND: far, BAN: far },
      anyRule: far,
      rules: new Map(),
      ...change,
    },
  }
}
const far = withBreakers({}).circuitBreakers
const scam = (i: number, at = T0, change = {}) =>
  harmful('fraud', 0.95, { actorId: `a-${i}`, feedAppendedAt: at, ...change })

describe('a circuit breaker', () => {
  it('holds what is beyond the limit of an hour, without strike, and says so', () => {
    const stage = new Harness(
      withBreakers({ verdicts: { ...far.verdicts, REMOVE: { perHour: 5, perDay: 1e9, share: 1 } } }),
    )
    const decisions = Array.from({ length: 8 }, (_, i) => stage.decide(scam(i)))
    expect(decisions.map(({ verdict }) => verdict)).toEqual([
      ...Array(5).fill('REMOVE'),
      ...Array(3).fill('HOLD_FOR_REVIEW'),
    ])
    expect(decisions[5]).toMatchObject({
      heldVerdict: 'REMOVE',
      accountAction: 'NONE',
      strikes: 0,
      review: ['hold', 'breaker/verdict/REMOVE'],
    })
    expect(decisions[5]!.statement!.decisionFactsZh).toContain('此类自动处置已暂停')
    expect(stage.decide(scam(20, T0, { occurredAt: T0, riskCategory: 'hate', risk: 0.75 })).verdict).toBe(
      'HIDE',
    )
  })

  it('closes by the append times, only once the demand has fallen', () => {
    const stage = new Harness(
      withBreakers({ verdicts: { ...far.verdicts, REMOVE: { perHour: 5, perDay: 1e9, share: 1 } } }),
    )
    for (let i = 0; i < 20; i++) stage.decide(scam(i))
    expect(stage.decide(scam(30, T0 + HOUR)).verdict).toBe('HOLD_FOR_REVIEW')
    expect(stage.decide(scam(31, T0 + 3 * HOUR)).verdict).toBe('REMOVE')
  })

  it('stops one rule and leaves the others, by the day and by the share of traffic', () => {
    const day = new Harness(
      withBreakers({ rules: new Map([['wild', { perHour: 1e9, perDay: 3, share: 1 }]]) }),
    )
    const wild = (i: number, at = T0) => scam(i, at, { ruleHits: [hit('fraud', { ruleId: 'wild' })] })
    for (let i = 0; i < 3; i++) day.decide(wild(i, T0 + i * HOUR))
    expect(day.decide(wild(9, T0 + 5 * HOUR))).toMatchObject({ review: ['hold', 'breaker/rule/wild'] })
    expect(day.decide(scam(10, T0 + 5 * HOUR)).verdict).toBe('REMOVE')

    const share = new Harness(
      withBreakers({ rules: new Map([['wild', { perHour: 1e9, perDay: 1e9, share: 0.1 }]]) }),
    )
    for (let i = 0; i < 100; i++) share.decide(assessed({ feedAppendedAt: T0 }))
    const held = Array.from({ length: 20 }, (_, i) => share.decide(wild(i)).verdict)
    expect(held.indexOf('HOLD_FOR_REVIEW')).toBe(11)
  })

  it('stops an account action by holding the whole decision, which a human may confirm with its strike', () => {
    const stage = new Harness(
      withBreakers({ actions: { ...far.actions, MUTE: { perHour: 1, perDay: 1e9, share: 1 } } }),
    )
    expect(stage.decide(scam(1)).accountAction).toBe('MUTE')
    const held = stage.decide(scam(2))
    expect(held).toMatchObject({ verdict: 'HOLD_FOR_REVIEW', accountAction: 'NONE', heldVerdict: 'REMOVE' })
    expect(stage.take({ verdict: overturn(held, { outcome: 'UPHELD' }) })[0]).toMatchObject({
      verdict: 'REMOVE',
      accountAction: 'MUTE',
      strikes: 1,
    })
  })

  it('answers the same in a replay in other batches', () => {
    const policy = withBreakers({ anyRule: { perHour: 10, perDay: 30, share: 0.2 } })
    const run = (size: number) => {
      const stage = new Harness(policy)
      return Array.from({ length: 120 }, (_, i) => {
        const { verdict, review } = stage.decide(
          scam(i % 7, T0 + ((i * 7_919) % 200) * 60_000, { eventId: `e-${i}` }),
        )
        if (i % size === 0) stage.commit()
        return `${verdict} ${review}`
      })
    }
    expect(run(1)).toEqual(run(50))
  })
})
