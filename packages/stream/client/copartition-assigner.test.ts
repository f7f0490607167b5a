import fc from 'fast-check'
import { expect, it } from 'vitest'
import { assignCopartitioned } from './copartition-assigner.ts'

it('gives every partition to exactly one member and shares evenly', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.uuid(), { minLength: 1, maxLength: 12 }),
      fc.integer({ min: 1, max: 64 }),
      (members, partitions) => {
        const assignment = assignCopartitioned(members, partitions)
        const all = [...assignment.values()].flat().sort((a, b) => a - b)
        expect(all).toEqual(Array.from({ length: partitions }, (_, i) => i))
        const sizes = [...assignment.values()].map((p) => p.length)
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
      },
    ),
  )
})

it('does not depend on the order in which members are listed', () => {
  expect(assignCopartitioned(['b', 'a'], 5)).toEqual(assignCopartitioned(['a', 'b'], 5))
})
