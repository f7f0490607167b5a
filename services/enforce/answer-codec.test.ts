import { CATEGORY_SYMBOLS, EVENT_KIND_SYMBOLS, VERDICT_SYMBOLS } from '@wardline/events'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { answerCodec, occurredAtOf, packAnswer, unpackAnswer } from './answer-codec.ts'
import type { Answer } from './answers.ts'
import { decisionIdOf } from './decide.ts'
import { T0 } from './testing.ts'

const id = fc.string({ minLength: 1, unit: 'grapheme', maxLength: 40 })
const texts = fc.array(id, { maxLength: 5 })
const verdict = fc.constantFrom(...VERDICT_SYMBOLS)
const answer: fc.Arbitrary<Answer> = fc.record({
  eventId: id,
  kind: fc.constantFrom(...EVENT_KIND_SYMBOLS),
  occurredAt: fc.integer({ min: 0, max: 2 ** 47 }),
  feedPartition: fc.nat(),
  feedOffset: fc.maxSafeNat(),
  feedAppendedAt: fc.integer({ min: 0, max: 2 ** 47 }),
  actorId: id,
  protectedId: id,
  contentId: id,
  section: fc.string(),
  category: fc.constantFrom(...CATEGORY_SYMBOLS),
  risk: fc.double({ min: 0, max: 1, noNaN: true }).map((risk) => risk + 0),
  ruleIds: texts,
  items: texts,
  policyVersion: fc.string(),
  modelVersion: fc.option(fc.string()),
  ids: texts,
  verdict,
  verdictBefore: fc.option(verdict),
  ifUpheld: fc.option(
    fc.record({
      verdict: fc.constantFrom('LIMIT_REACH', 'HIDE', 'REMOVE'),
      points: fc.double({ min: 0, max: 100, noNaN: true }).map((points) => points + 0),
    }),
  ),
  minorActor: fc.boolean(),
  reporters: fc.array(fc.nat(0xffffffff), { maxLength: 4 }),
  finding: fc.constantFrom('none', 'upheld', 'overturned'),
  followed: texts,
})

describe('an answer', () => {
  it('is the same packed and unpacked, and tells its time without', () => {
    fc.assert(
      fc.property(answer, (each) => {
        const packed = packAnswer(each)
        expect(unpackAnswer(each.eventId, packed)).toEqual(each)
        expect(occurredAtOf(packed)).toBe(each.occurredAt)
        expect(answerCodec.decode(answerCodec.encode(packed))).toBe(packed)
      }),
    )
  })

  it('is read where it was kept as JSON, as it was before', () => {
    fc.assert(
      fc.property(answer, (each) => {
        const json = Buffer.from(JSON.stringify(each))
        expect(unpackAnswer(each.eventId, answerCodec.decode(json))).toEqual(each)
      }),
    )
  })

  it('takes a third of what it took as JSON', () => {
    const eventId = '0b9bd9ab-0000-4000-8000-000000000007'
    const usual: Answer = {
      eventId,
      kind: 'PRIVATE_MESSAGE',
      occurredAt: T0,
      feedPartition: 3,
      feedOffset: 1_234_567,
      feedAppendedAt: T0 + 40,
      actorId: 'account-0012345',
      protectedId: 'account-0054321',
      contentId: eventId,
      section: 'private-messages',
      category: 'contact_solicitation',
      risk: 0.8731,
      ruleIds: ['contact.handle-to-minor', 'approach_pattern'],
      items: ['M-07', 'M-03'],
      policyVersion: '2026-09-21.1',
      modelVersion: 'open-2026-09-20',
      ids: [decisionIdOf('DECISION', eventId, null)],
      verdict: 'HIDE',
      verdictBefore: null,
      ifUpheld: null,
      minorActor: false,
      reporters: [],
      finding: 'none',
      followed: [],
    }
    expect(packAnswer(usual).length).toBeLessThan(JSON.stringify(usual).length / 3)
  })
})
