import { describe, expect, it } from 'vitest'
import { balance, balances, type FedRecord, type Outcome } from './audit.ts'

const fed = (origin: string, eventId: string | null, replayOf: string | null = null): FedRecord => ({
  origin,
  eventId,
  replayOf,
})
const decision = (origin: string): Outcome => ({ origin, kind: 'decision' })
const letter = (origin: string | null): Outcome => ({ origin, kind: 'dead letter' })

describe('balance', () => {
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
})
