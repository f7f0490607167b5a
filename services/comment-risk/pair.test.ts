import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  afterAnswer,
  afterMessage,
  lastAtOf,
  meanRecruiting,
  NEW_PAIR,
  PAIR,
  type Pair,
  packPair,
  pairCodec,
  unpackPair,
} from './pair.ts'
import { DAY, HOUR, shippedRisk, T0 } from './testing.ts'

const policy = shippedRisk()
const NO_TONES = { approach: 0, recruiting: 0, hostile: 0 }
const kept = (pair: Pair) => unpackPair(packPair(pair))

const happening = fc.record({
  at: fc.integer({ min: T0 - 9 * DAY, max: T0 }),
  eventHash: fc.nat(0xffffffff),
  markBits: fc.nat(0xfff),
  harm: fc.double({ min: 0, max: 1, noNaN: true }),
  night: fc.boolean(),
  tone: fc.double({ min: -6, max: 6, noNaN: true }),
  recruiting: fc.double({ min: -6, max: 6, noNaN: true }),
  kind: fc.constantFrom('message', 'answer', 'refusal'),
})

const after = (pair: Pair, each: typeof happening extends fc.Arbitrary<infer T> ? T : never) =>
  each.kind === 'message'
    ? afterMessage(
        pair,
        { ...each, tones: { ...NO_TONES, approach: each.tone, recruiting: each.recruiting } },
        policy,
      )
    : afterAnswer(pair, each.at, each.eventHash, each.kind === 'refusal', policy)

describe('a pair', () => {
  it('is the same packed twice, and tells its last time without being unpacked', () => {
    fc.assert(
      fc.property(fc.array(happening, { minLength: 1, maxLength: 40 }), (all) => {
        let pair = NEW_PAIR
        for (const each of all) pair = kept(after(pair, each))
        const packed = packPair(pair)
        expect(packPair(unpackPair(packed))).toBe(packed)
        expect(lastAtOf(packed)).toBe(pair.lastAt)
        expect(pairCodec.decode(pairCodec.encode(packed))).toBe(packed)
        expect(pair.evidence.length).toBeLessThanOrEqual(PAIR.evidence)
        expect(pair.lastAt).toBe(Math.max(...all.map(({ at }) => 1000 * Math.floor(at / 1000))))
      }),
    )
  })

  it('keeps ids of any language, and is small while nothing was said', () => {
    const item = {
      eventId: '事件-1',
      kind: 'PRIVATE_MESSAGE',
      contentId: '内容',
      occurredAt: T0,
      feedPartition: 3,
      feedOffset: 2 ** 40,
      feedAppendedAt: T0 + 5,
      category: 'grooming',
      score: 0.125,
      section: '私信',
    } as const
    const message = { at: T0, eventHash: 1, markBits: 0, harm: 0, tones: NO_TONES, night: false }
    const pair = afterMessage(NEW_PAIR, message, policy)
    expect(kept({ ...pair, items: [item, { ...item, contentId: item.eventId }] }).items).toEqual([
      item,
      { ...item, contentId: item.eventId },
    ])
    expect(packPair(pair).length).toBeLessThan(30)
  })

  it('is read as an earlier version wrote it, without evidence', () => {
    const written =
      'AaDFDaGAsFQE/wH1AUBAMKwBtQGAAZkqQAIEAECwVAFAoDgCQKA4BECQHAW5893xCfLmu+MDTavamdUN5M33xgcBCOS6i+S7ti0xAwNjLTGA' +
      'if+kjDQD0gmoif+kjDQByAEQcHJpdmF0ZS1tZXNzYWdlcw=='
    const pair = unpackPair(pairCodec.decode(Buffer.from(written, 'base64')))
    expect(pair).toMatchObject({
      lastAt: T0 + 3 * HOUR,
      firstAt: T0,
      tone: 1.34375,
      refusedAt: T0 + 1.5 * HOUR,
    })
    expect(pair.marks.map(({ mark }) => mark)).toEqual([0, 1, 2, 4])
    expect(pair.items.map(({ eventId }) => eventId)).toEqual(['事件-1'])
    expect([pair.evidence, pair.judged, pair.clearedUntil]).toEqual([[], [], 0])
    expect(pairCodec.encode(packPair(pair)).toString('base64')).toBe(written)
  })

  it('is read as an earlier version wrote it, with evidence but without how far recruiting is above its floor', () => {
    const written = 'AaDEaqrAeAbAAcABAABgwASgArADAAELgAEAA0ZHSAADRniAEAAwSEc8ACAwSEgAgBBAMEgAAA=='
    const pair = unpackPair(pairCodec.decode(Buffer.from(written, 'base64')))
    expect(pair).toMatchObject({ lastAt: T0 + 120_000, recruiting: 6.75, recruitingAbove: 0 })
    expect(pair.evidence.map(({ eventHash, recruiting }) => [eventHash, recruiting])).toEqual([
      [70, 2.25],
      [71, 2.25],
      [72, 2.25],
    ])
    expect(pairCodec.encode(packPair(pair)).toString('base64')).toBe(written)
    const tones = { approach: -4, recruiting: 1, hostile: -4 }
    const message = { at: T0 + 3 * 60_000, eventHash: 73, markBits: 0, harm: 0, tones, night: false }
    expect(kept(afterMessage(pair, message, policy)).recruitingAbove).toBe(4)
  })

  it('knows how far its wording is above the floor of recruiting; what has no wording leaves the mean', () => {
    const said = (pair: Pair, recruiting: number, i: number) =>
      afterMessage(
        pair,
        {
          at: T0 + i,
          eventHash: i,
          markBits: 0,
          harm: 0,
          tones: { approach: recruiting === 0 ? 0 : -3, recruiting, hostile: 0 },
          night: false,
        },
        policy,
      )
    const offered = said(said(NEW_PAIR, -5, 1), 3, 2)
    expect(meanRecruiting(offered)).toBeCloseTo(3)
    expect(meanRecruiting(said(offered, 0, 3))).toBeCloseTo(3)
    expect(meanRecruiting(kept(offered))).toBeCloseTo(3)
    expect(meanRecruiting(NEW_PAIR)).toBe(0)
  })

  it('decays by half-life, counts late messages as decayed, and forgets nothing by being late', () => {
    const message = (at: number) => ({
      at,
      eventHash: at,
      markBits: 1,
      harm: 0,
      tones: NO_TONES,
      night: false,
    })
    const halfLife = policy.approach.halfLifeHours * HOUR
    const ordered = afterMessage(afterMessage(NEW_PAIR, message(T0 - halfLife), policy), message(T0), policy)
    const late = afterMessage(afterMessage(NEW_PAIR, message(T0), policy), message(T0 - halfLife), policy)
    for (const pair of [ordered, late]) {
      expect(pair.messages).toBeCloseTo(1.5)
      expect(pair.marks[0]!.count).toBeCloseTo(1.5)
      expect([pair.firstAt, pair.lastAt]).toEqual([1000 * Math.floor((T0 - halfLife) / 1000), T0])
    }
  })
})
