import { ByteReader, ByteWriter } from '@wardline/stream'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  countWithin,
  type Distinct,
  EXACT_LIMIT,
  latestIn,
  NOBODY_YET,
  readDistinct,
  withAccount,
  writeDistinct,
} from './distinct.ts'
import { hashOf } from './ids.ts'

const T0 = 1_790_000_000_000
const DAY = 86_400_000
const of = (count: number, from = 0): Distinct => {
  let distinct = NOBODY_YET
  for (let i = 0; i < count; i++) distinct = withAccount(distinct, hashOf(`account-${from + i}`), T0 + i)
  return distinct
}

describe('distinct accounts', () => {
  it('are counted exactly while they are few', () => {
    for (let count = 0; count <= EXACT_LIMIT; count++)
      expect(countWithin(of(count), T0 + DAY - 1, DAY)).toBe(count)
  })

  it('are counted within a quarter of the truth up to 300', () => {
    for (const count of [30, 60, 100, 200, 300]) {
      for (let round = 0; round < 20; round++) {
        const estimate = countWithin(of(count, 1000 * round), T0 + 1000, DAY)
        expect(Math.abs(estimate / count - 1), `${count}: ${estimate}`).toBeLessThan(0.4)
      }
    }
  })

  it('depend on neither order nor repeats, whatever the window', () => {
    const seen = fc.record({ who: fc.nat(60), at: fc.integer({ min: T0 - 3 * DAY, max: T0 }) })
    fc.assert(
      fc.property(
        fc.array(seen, { maxLength: 120 }),
        fc.integer({ min: 1000, max: 4 * DAY }),
        (all, windowMs) => {
          const count = (list: typeof all) => {
            let distinct = NOBODY_YET
            for (const { who, at } of list) distinct = withAccount(distinct, hashOf(String(who)), at)
            return countWithin(distinct, T0, windowMs)
          }
          expect(count([...all, ...all].reverse())).toBe(count(all))
        },
      ),
    )
  })

  it('leave the window, and come back from their bytes as they were', () => {
    for (const count of [3, 100]) {
      const distinct = of(count)
      expect(countWithin(distinct, T0 + 2 * DAY, DAY)).toBeCloseTo(0)
      expect(latestIn(distinct)).toBeGreaterThanOrEqual(T0)
      const writer = new ByteWriter()
      writeDistinct(writer, distinct)
      expect(readDistinct(new ByteReader(writer.copied()))).toEqual(distinct)
    }
  })
})
