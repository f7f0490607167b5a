import { type Area, LADDER_ACTIONS } from '@wardline/policy/enforcement'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  pointsAt,
  STRIKES_LIMIT,
  type Strike,
  stepAt,
  strikesAt,
  withoutDecision,
  withStrike,
} from './ladder.ts'
import { DAY, shippedEnforcement, T0 } from './testing.ts'

const area: Area = {
  name: 'fraud',
  expiryMs: 100 * DAY,
  steps: [
    { points: 1, action: 'WARN', seconds: null },
    { points: 3, action: 'MUTE', seconds: 86_400 },
    { points: 6, action: 'SUSPEND', seconds: 604_800 },
    { points: 12, action: 'BAN', seconds: null },
  ],
}
const areas = new Map([[area.name, area]])
const strike = (points: number, at = T0, decisionId = `d-${points}-${at}`): Strike => ({
  area: 'fraud',
  points,
  at,
  decisionId,
})
const severity = (points: number, ladder = area, most?: (typeof LADDER_ACTIONS)[number]) => {
  const step = stepAt(ladder, points, most)
  return step ? LADDER_ACTIONS.indexOf(step.action) : -1
}

describe('the ladder', () => {
  it.each([
    [0, undefined],
    [1, 'WARN'],
    [2, 'WARN'],
    [3, 'MUTE'],
    [6, 'SUSPEND'],
    [11, 'SUSPEND'],
    [12, 'BAN'],
    [99, 'BAN'],
  ])('%i points: %s', (points, action) => {
    expect(stepAt(area, points)?.action).toBe(action)
  })

  it('stops at the most that may be done', () => {
    expect(stepAt(area, 99, 'MUTE')?.action).toBe('MUTE')
  })

  it('is monotone in every area that ships: more points never lead to less', () => {
    for (const each of shippedEnforcement().areas.values()) {
      fc.assert(
        fc.property(fc.nat(40), fc.nat(40), fc.constantFrom(...LADDER_ACTIONS), (points, more, most) => {
          expect(severity(points + more, each, most)).toBeGreaterThanOrEqual(severity(points, each, most))
        }),
      )
    }
  })
})

describe('strikes', () => {
  it('expire by event time, in their own area', () => {
    const strikes = [strike(2, T0), strike(3, T0 + 10 * DAY), { ...strike(5), area: 'abuse' }]
    expect(pointsAt(strikes, area, T0 + 10 * DAY)).toBe(5)
    expect(pointsAt(strikes, area, T0 + 100 * DAY - 1)).toBe(5)
    expect(pointsAt(strikes, area, T0 + 100 * DAY)).toBe(3)
    expect(strikesAt(strikes, area, T0 + 100 * DAY)).toBe(1)
    expect(pointsAt(strikes, area, T0 + 110 * DAY)).toBe(0)
  })

  it('are given once a decision, and can be taken back', () => {
    const once = withStrike([], strike(2, T0, 'd'), areas)
    expect(withStrike(once, strike(2, T0, 'd'), areas)).toBe(once)
    const more = withStrike(once, strike(1, T0, 'other'), areas)
    expect(withoutDecision(more, 'd')).toEqual([strike(1, T0, 'other')])
    expect(withoutDecision(more, 'unknown')).toBe(more)
  })

  it('are bounded, and drop what nothing can see any more', () => {
    let strikes: readonly Strike[] = []
    for (let i = 0; i < 200; i++) strikes = withStrike(strikes, strike(1, T0 + i), areas)
    expect(strikes).toHaveLength(STRIKES_LIMIT)
    expect(withStrike(strikes, strike(1, T0 + 200 * DAY), areas)).toHaveLength(1)
  })

  it('never lower the points while none expire', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ points: fc.integer({ min: 1, max: 9 }), at: fc.nat(50 * DAY) }), {
          maxLength: 40,
        }),
        (list) => {
          let strikes: readonly Strike[] = []
          let points = 0
          list.forEach((each, i) => {
            strikes = withStrike(strikes, strike(each.points, T0 + each.at, `d-${i}`), areas)
            const now = pointsAt(strikes, area, T0 + 50 * DAY)
            expect(now).toBe(points + each.points)
            points = now
          })
        },
      ),
    )
  })
})
