import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  AuditBooks,
  type AuditReport,
  balances,
  type FedRecord,
  type OutcomeKind,
  type Place,
} from './audit-books.ts'

type Outcome = readonly [place: Place | null, kind: OutcomeKind]

function placeOf(name: string): Place {
  const [partition, offset] = name.split('/').map(Number)
  return { partition: partition!, offset: offset! }
}
const fed = (place: string, eventId: string | null, replayOf: string | null = null): FedRecord => ({
  ...placeOf(place),
  eventId,
  replayOf,
})
const decision = (place: string): Outcome => [placeOf(place), 'decision']
const letter = (place: string | null): Outcome => [place === null ? null : placeOf(place), 'dead letter']

function balance(records: readonly FedRecord[], outcomes: readonly Outcome[], replayed: number): AuditReport {
  const books = new AuditBooks()
  for (const [place, kind] of outcomes) books.outcome(place, kind)
  for (const record of records) books.take(record)
  if (books.unclear()) for (const record of records) books.lookAgain(record)
  return books.report(replayed)
}

describe('the books', () => {
  it('counts decisions, dead letters and repeats, and balances', () => {
    const report = balance(
      [fed('0/0', 'a'), fed('0/1', 'a'), fed('0/2', null), fed('1/0', 'b')],
      [decision('0/0'), letter('0/2'), decision('1/0'), letter(null)],
      0,
    )
    expect(report).toMatchObject({
      eventsIn: 4,
      decisions: 2,
      deadLetters: 1,
      duplicates: 1,
      missing: [],
      doubled: [],
      otherDeadLetters: 1,
    })
    expect(balances(report)).toBe(true)
  })

  it('names what has no outcome, by id or by place', () => {
    const report = balance([fed('0/0', 'a'), fed('0/1', null)], [], 0)
    expect(report.missing).toEqual(['a', '0/1'])
    expect(balances(report)).toBe(false)
  })

  it('names a record with two decisions', () => {
    const report = balance([fed('0/0', 'a')], [decision('0/0'), decision('0/0')], 0)
    expect(report.doubled).toEqual(['a'])
    expect(balances(report)).toBe(false)
  })

  it('names an event that was decided at two places: a repeat that was not found', () => {
    const report = balance([fed('0/0', 'a'), fed('0/5', 'a')], [decision('0/0'), decision('0/5')], 0)
    expect(report.doubled).toEqual(['a'])
  })

  it('names a record with a decision and a dead letter', () => {
    expect(balance([fed('0/0', 'a')], [decision('0/0'), letter('0/0')], 0).doubled).toEqual(['a'])
  })

  it('a repeat of an event that was never decided is missing, not a duplicate', () => {
    expect(balance([fed('0/0', 'a'), fed('0/1', 'a')], [], 0).missing).toEqual(['a', 'a'])
  })

  it('a replayed record stands for the one that was dead-lettered', () => {
    const records = [fed('0/0', 'a'), fed('0/7', 'a', '0/0')]
    const decided = balance(records, [decision('0/7')], 1)
    expect(decided).toMatchObject({ eventsIn: 1, decisions: 1, deadLetters: 0, replayed: 1 })
    expect(balances(decided)).toBe(true)
    expect(balance(records, [letter('0/7')], 1)).toMatchObject({ deadLetters: 1 })
    expect(balance(records, [], 1).missing).toEqual(['a'])
  })

  it('does the same wherever the topic begins', () => {
    const [begin, far] = [2 ** 40 + 65_530, 2 ** 40 + 65_540]
    const report = balance(
      [fed(`7/${begin}`, 'a'), fed(`7/${far}`, 'b'), fed(`8/${far}`, 'c')],
      [decision(`7/${begin}`), decision(`7/${far}`)],
      0,
    )
    expect(report).toMatchObject({ decisions: 2, missing: ['c'], doubled: [] })
  })

  it('finds what a count by sets finds, in any feed', () => {
    const ids = fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 30 })
    fc.assert(
      fc.property(ids, fc.array(fc.nat(2), { minLength: 30, maxLength: 30 }), (events, answers) => {
        const records = events.map((id, i) => fed(`${id % 3}/${i}`, `event-${id}`))
        const outcomes = records.flatMap(({ partition, offset }, i) =>
          Array.from({ length: answers[i]! }, () => decision(`${partition}/${offset}`)),
        )
        const report = balance(records, outcomes, 0)
        const decidedAt = (id: string) => records.filter((r, i) => r.eventId === id && answers[i]! > 0)
        expect(report.missing).toEqual(
          records
            .filter((r, i) => answers[i] === 0 && decidedAt(r.eventId!).length === 0)
            .map((r) => r.eventId),
        )
        expect([...report.doubled].sort()).toEqual(
          [
            ...new Set(
              records
                .filter((r, i) => answers[i]! > 1 || decidedAt(r.eventId!).length > 1)
                .map((r) => r.eventId!),
            ),
          ].sort(),
        )
        expect(report.eventsIn).toBe(records.length)
      }),
    )
  })
})
