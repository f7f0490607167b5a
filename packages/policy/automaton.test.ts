import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Automaton } from './automaton.ts'

const scan = (patterns: string[], text: string) => {
  const automaton = new Automaton(patterns)
  const count = automaton.scan(text)
  const found: string[] = []
  for (let i = 0; i < count; i++) {
    const pattern = patterns[automaton.hits[i * 2]!]!
    found.push(`${pattern}@${automaton.hits[i * 2 + 1]! - pattern.length}`)
  }
  return found.sort()
}
/** A pattern over so many characters that the dense table would be too large. */
const WIDE = String.fromCharCode(...Array.from({ length: 3000 }, (_, i) => 0x4e00 + i))

it('finds patterns that overlap, contain one another and repeat', () => {
  expect(scan(['he', 'she', 'his', 'hers'], 'ushers')).toEqual(['he@2', 'hers@2', 'she@1'])
  expect(scan(['加微', '加微信', '微信'], '加微信加微')).toEqual(['加微@0', '加微@3', '加微信@0', '微信@1'])
  expect(scan(['aa'], 'aaaa')).toEqual(['aa@0', 'aa@1', 'aa@2'])
  expect(scan([], 'abc')).toEqual([])
  expect(scan([''], 'abc')).toEqual([])
})

it.each([
  ['dense', []],
  ['hashed', [WIDE]],
])('finds what a plain search finds, %s', (_, more) => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '微'), minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(
      fc.uniqueArray(word, { maxLength: 12 }),
      fc.string({ unit: fc.constantFrom('a', 'b', 'c', '微', '丁', '🐔'), maxLength: 40 }),
      (patterns, text) => {
        const expected: string[] = []
        for (const pattern of patterns) {
          for (let at = text.indexOf(pattern); at !== -1; at = text.indexOf(pattern, at + 1))
            expected.push(`${pattern}@${at}`)
        }
        expect(scan([...patterns, ...more], text)).toEqual(expected.sort())
      },
    ),
    { numRuns: more.length > 0 ? 30 : 200 },
  )
})
