import { type Area, LADDER_ACTIONS } from '@wardline/policy/enforcement'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  inForceAt,
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
  repeat: { withinMs: 100 * DAY, strikes: 1_000, points: 0 },
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

  it('weigh more for who comes back, even when the earlier ones have expired, and no more once those are taken back', () => {
    const strict: Area = {
      ...area,
      expiryMs: 10 * DAY,
      repeat: { withinMs: 50 * DAY, strikes: 2, points: 3 },
    }
    const back = [strike(1, T0, 'a'), strike(1, T0 + DAY, 'b'), strike(1, T0 + 40 * DAY, 'c')]
    expect(pointsAt(back, strict, T0 + 40 * DAY)).toBe(4)
    expect(pointsAt(withoutDecision(back, 'a'), strict, T0 + 40 * DAY)).toBe(1)
    expect(pointsAt([...back].reverse(), strict, T0 + 40 * DAY)).toBe(4)
    expect(pointsAt([...back.slice(0, 2), strike(1, T0 + 60 * DAY, 'c')], strict, T0 + 60 * DAY)).toBe(1)
  })

  it('keep in force the severest that they led to, until it ends by itself', () => {
    const strikes = [strike(3, T0, 'a'), strike(3, T0 + DAY, 'b')]
    expect(inForceAt(strikes, area, T0 + 1)).toEqual({ action: 'MUTE', until: T0 + DAY })
    expect(inForceAt(strikes, area, T0 + DAY)).toEqual({ action: 'SUSPEND', until: T0 + 8 * DAY })
    expect(inForceAt(strikes, area, T0 + DAY, 'MUTE')).toEqual({ action: 'MUTE', until: T0 + 2 * DAY })
    expect(inForceAt(strikes, area, T0 + 9 * DAY)).toBeUndefined()
    expect(inForceAt([strike(12, T0, 'c')], area, T0 + 99 * DAY)).toEqual({ action: 'BAN', until: null })
    expect(inForceAt([strike(12, T0, 'c')], area, T0 + 100 * DAY)).toBeUndefined()
    expect(inForceAt([strike(1, T0, 'd')], area, T0)).toBeUndefined()
  })

  it('sum up the same in whatever order they came', () => {
    const strict: Area = { ...area, repeat: { withinMs: 100 * DAY, strikes: 2, points: 2 } }
    const list = fc.array(fc.record({ points: fc.integer({ min: 1, max: 4 }), at: fc.nat(90 * DAY) }), {
      maxLength: 12,
    })
    fc.assert(
      fc.property(list, fc.nat(100 * DAY), (all, at) => {
        const strikes = all.map((each, i) => strike(each.points, T0 + each.at, `d-${i}`))
        const turned = strikes.toReversed()
        expect(pointsAt(turned, strict, T0 + at)).toBe(pointsAt(strikes, strict, T0 + at))
        expect(inForceAt(turned, strict, T0 + at)).toEqual(inForceAt(strikes, strict, T0 + at))
      }),
    )
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
