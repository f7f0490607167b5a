import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hashOf } from './ids.ts'
import {
  afterMessage,
  countAt,
  EVERYDAY_TONE,
  NEW_PAIR,
  OPENNESS_BIT,
  PAIR,
  type Pair,
  packPair,
  RECRUITING_FLOOR,
  unpackPair,
} from './pair.ts'
import { afterReversal, type Reversal } from './reversal.ts'
import { DAY, HOUR, MINUTE, shippedRisk, T0 } from './testing.ts'

const policy = shippedRisk()
const HALF_LIFE = policy.approach.halfLifeHours * HOUR
const kept = (pair: Pair) => unpackPair(packPair(pair))

interface Line {
  readonly eventId: string
  readonly at: number
  readonly markBits: number
  readonly harm: number
  readonly tone: number
  readonly recruiting: number
}
/** Lines that show something, a minute to nine days apart, oldest first; tones of recruiting never fall below 0. */
const linesOf = (maxLength: number) =>
  fc
    .array(
      fc.record({
        gap: fc.integer({ min: MINUTE, max: 9 * DAY }),
        // No openness: it stays with the pair whatever a human finds.
        markBits: fc.integer({ min: 1, max: 0x3ff }).map((bits) => bits & ~OPENNESS_BIT || 1),
        harm: fc.double({ min: 0, max: 1, noNaN: true }),
        // 0 is no wording, which counts as what the pair says on average.
        tone: fc.double({ min: EVERYDAY_TONE, max: 6, noNaN: true }).map((tone) => tone || EVERYDAY_TONE),
        recruiting: fc.double({ min: 0, max: 3, noNaN: true }),
      }),
      { minLength: 1, maxLength },
    )
    .map((all) => {
      let at = T0
      return all.map(({ gap, ...rest }, i): Line => ({ ...rest, eventId: `line-${i}`, at: (at += gap) }))
    })

const say = (pair: Pair, { eventId, at, markBits, harm, tone, recruiting }: Line) =>
  afterMessage(
    pair,
    {
      at,
      eventHash: hashOf(eventId),
      markBits,
      harm,
      tones: { approach: tone, recruiting, hostile: 0 },
      night: false,
    },
    policy,
  )
const everyday = (line: Line): Line => ({ ...line, markBits: 0, harm: 0, tone: EVERYDAY_TONE, recruiting: 0 })
/** Of something else altogether than recruiting. */
const elsewhere = (line: Line): Line => ({ ...everyday(line), recruiting: RECRUITING_FLOOR })
const said = (lines: readonly Line[]) => lines.reduce((pair, line) => kept(say(pair, line)), NEW_PAIR)
const reverse = (pair: Pair, { eventId, at }: Line, change: Partial<Reversal> = {}) =>
  kept(afterReversal(pair, { eventId, at, found: 'harmless', ofPattern: false, ...change }, policy))

/** What weighs against the actor, counts at the pair's last moment; a mark that hardly counts is none. */
const suspicion = (pair: Pair) => {
  const counts = new Map<number, number>()
  for (const seen of pair.marks) counts.set(seen.mark, countAt(seen, pair.lastAt, HALF_LIFE))
  const { harm, tone, toneAbove, recruiting, recruitingAbove } = pair
  return { counts, sums: { harm, tone, toneAbove, recruiting, recruitingAbove } }
}
/** To a little more than what packing rounds and what is left of a mark that is dropped. */
function expectAlike(one: Pair, other: Pair): void {
  const [a, b] = [suspicion(one), suspicion(other)]
  for (const name of ['harm', 'tone', 'toneAbove', 'recruiting'] as const)
    expect(Math.abs(a.sums[name] - b.sums[name]), name).toBeLessThan(0.4)
  for (const mark of new Set([...a.counts.keys(), ...b.counts.keys()]))
    expect(Math.abs((a.counts.get(mark) ?? 0) - (b.counts.get(mark) ?? 0)), `mark ${mark}`).toBeLessThan(0.2)
}
const facts = ({ firstAt, lastAt, messages, today, night, answers, unanswered, recent, refusals }: Pair) => [
  firstAt,
  lastAt,
  messages,
  today,
  night,
  answers,
  unanswered,
  recent,
  refusals,
]

describe('a line that a human found harmless', () => {
  it('leaves the pair as if it had been said in everyday words', () => {
    fc.assert(
      fc.property(linesOf(PAIR.evidence), fc.nat(PAIR.evidence - 1), (lines, at) => {
        const one = at % lines.length
        const pair = said(lines)
        const after = reverse(pair, lines[one]!)
        expectAlike(after, said(lines.map((line, i) => (i === one ? everyday(line) : line))))
        const { recruitingAbove } = said(lines.map((line, i) => (i === one ? elsewhere(line) : line)))
        expect(Math.abs(after.recruitingAbove - recruitingAbove)).toBeLessThan(0.4)
        expect(facts(after)).toEqual(facts(pair))
      }),
    )
  })

  it('of whose pattern the decision spoke leaves only what came after it', () => {
    fc.assert(
      fc.property(linesOf(PAIR.evidence), fc.nat(PAIR.evidence - 1), (lines, at) => {
        const one = at % lines.length
        const pair = said(lines)
        const after = reverse(pair, lines[one]!, { ofPattern: true })
        expectAlike(after, said(lines.map((line, i) => (i <= one ? everyday(line) : line))))
        const { recruitingAbove } = said(lines.map((line, i) => (i <= one ? elsewhere(line) : line)))
        expect(Math.abs(after.recruitingAbove - recruitingAbove)).toBeLessThan(0.4)
        expect(facts(after)).toEqual(facts(pair))
      }),
    )
  })

  it('of an earlier pattern takes nothing out that was said after a later one', () => {
    fc.assert(
      fc.property(linesOf(PAIR.evidence), fc.nat(PAIR.evidence - 1), (lines, at) => {
        const last = lines.at(-1)!
        const cleared = reverse(said(lines), last, { ofPattern: true })
        const talk = { ...everyday(last), eventId: 'talk', at: last.at + HOUR, tone: 1, recruiting: 1 }
        const pair = kept(say(cleared, talk))
        const after = reverse(pair, lines[at % lines.length]!, { ofPattern: true })
        expect(suspicion(after)).toEqual(suspicion(pair))
      }),
    )
  })

  it('takes all of a long pattern out, though only the last of it is known apart', () => {
    fc.assert(
      fc.property(linesOf(30), (lines) => {
        const after = reverse(said(lines), lines.at(-1)!, { ofPattern: true })
        expect(after.marks).toEqual([])
        expect([after.harm, after.toneAbove, after.recruiting, after.recruitingAbove]).toEqual([0, 0, 0, 0])
        expect(after.tone).toBeCloseTo(EVERYDAY_TONE * after.messages, 1)
      }),
    )
  })
})

describe('verdicts on a pair', () => {
  const verdict = fc.record({
    line: fc.nat(29),
    found: fc.constantFrom<Reversal['found'][]>('harmless', 'harmful'),
    ofPattern: fc.boolean(),
  })

  it('never raise suspicion where they find harmless, and keep it from 0 to what it was', () => {
    fc.assert(
      fc.property(linesOf(20), fc.array(verdict, { maxLength: 12 }), (lines, verdicts) => {
        let pair = said(lines)
        for (const { line, ...rest } of verdicts) {
          const before = suspicion(pair)
          pair = reverse(pair, lines[line % lines.length]!, rest)
          const { sums } = suspicion(pair)
          const least = Math.min(sums.harm, sums.toneAbove, sums.recruiting, sums.recruitingAbove)
          expect(least).toBeGreaterThanOrEqual(0)
          if (rest.found === 'harmful') continue
          for (const name of ['harm', 'tone', 'toneAbove', 'recruiting', 'recruitingAbove'] as const)
            expect(sums[name], name).toBeLessThanOrEqual(before.sums[name])
        }
        expect(pair.evidence.length).toBeLessThanOrEqual(PAIR.evidence)
        expect(pair.judged.length).toBeLessThanOrEqual(PAIR.judged)
      }),
    )
  })

  it('change nothing a second time', () => {
    fc.assert(
      fc.property(
        linesOf(20),
        fc.uniqueArray(verdict, { maxLength: PAIR.judged, selector: ({ line }) => line }),
        fc.infiniteStream(fc.nat(PAIR.judged)),
        (lines, verdicts, again) => {
          const on = (pair: Pair, { line, ...rest }: (typeof verdicts)[number]) =>
            reverse(pair, lines[line % lines.length]!, rest)
          const repeats = again[Symbol.iterator]()
          let [once, twice] = [said(lines), said(lines)]
          for (const [i, each] of verdicts.entries()) {
            once = on(once, each)
            twice = on(twice, each)
            // Any of those before, once more.
            twice = on(twice, verdicts[repeats.next().value! % (i + 1)]!)
            expect(twice).toEqual(once)
          }
        },
      ),
    )
  })

  it('on patterns come to the same in any order', () => {
    fc.assert(
      fc.property(
        linesOf(PAIR.evidence).chain((lines) =>
          fc.record({
            lines: fc.constant(lines),
            order: fc.shuffledSubarray(
              lines.map((_, i) => i),
              { minLength: 1 },
            ),
          }),
        ),
        ({ lines, order }) => {
          const all = (indexes: readonly number[]) =>
            indexes.reduce((pair, i) => reverse(pair, lines[i]!, { ofPattern: true }), said(lines))
          expectAlike(all(order), all([...order].sort((a, b) => a - b)))
        },
      ),
    )
  })
})
