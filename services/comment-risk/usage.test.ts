import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { storedProfile } from './profile.ts'
import { DAY, HOUR, MINUTE, profile } from './testing.ts'
import {
  addToDay,
  limitSeconds,
  localDayOf,
  restsAt,
  takeUsage,
  USAGE_DAYS_KEPT,
  type UsageDay,
} from './usage.ts'

const child = storedProfile(profile())
/** 2026-09-21 in China: local midnight is 16:00 UTC of the day before. */
const MIDNIGHT = Date.UTC(2026, 8, 20, 16)
const watch = (days: readonly UsageDay[], seconds: number, endedAt: number, who = child) =>
  takeUsage(days, { sessionSeconds: seconds, endedAt }, who)

describe('limitSeconds', () => {
  it.each([
    ['AGE_8_TO_11', null, 3_600],
    ['AGE_12_TO_15', null, 3_600],
    ['AGE_16_TO_17', null, 7_200],
    ['UNKNOWN', null, 3_600],
    ['AGE_8_TO_11', 90, 5_400],
    ['AGE_16_TO_17', 30, 1_800],
    ['AGE_8_TO_11', 0, 0],
    ['AGE_8_TO_11', -5, 0],
    ['AGE_8_TO_11', 1_000_000, 86_400],
  ] as const)('%s with a guardian limit of %s minutes: %i s', (ageBand, dailyLimitMinutes, seconds) => {
    expect(limitSeconds(storedProfile(profile({ ageBand, dailyLimitMinutes })))).toBe(seconds)
  })
})

describe('restsAt', () => {
  const at = (hour: number, minute = 0) => MIDNIGHT + hour * HOUR + minute * MINUTE
  it.each([
    [21, 59, false],
    [22, 0, true],
    [23, 59, true],
    [0, 0, true],
    [5, 59, true],
    [6, 0, false],
  ] as const)('spanning midnight, %i:%i is %s', (hour, minute, rests) => {
    expect(restsAt(at(hour, minute), child)).toBe(rests)
  })

  it('takes rest within a day, and none where start is end', () => {
    const noon = storedProfile(profile({ restStartMinute: 720, restEndMinute: 840 }))
    expect([restsAt(at(11, 59), noon), restsAt(at(12), noon), restsAt(at(14), noon)]).toEqual([
      false,
      true,
      false,
    ])
    const none = storedProfile(profile({ restStartMinute: 600, restEndMinute: 600 }))
    expect([restsAt(at(10), none), restsAt(at(3), none)]).toEqual([false, false])
  })

  it('goes by the account, not by UTC', () => {
    const newYork = storedProfile(profile({ utcOffsetMinutes: -300 }))
    expect(restsAt(at(9), newYork)).toBe(false)
    expect(restsAt(at(11), newYork)).toBe(true)
  })
})

describe('takeUsage', () => {
  it('adds up a day and is over the limit only above it', () => {
    const first = watch([], 3_600, MIDNIGHT + 10 * HOUR)
    expect(first.status).toEqual({
      localDay: '2026-09-21',
      usedSeconds: 3_600,
      limitSeconds: 3_600,
      overLimit: false,
      inRestHours: false,
      firstOverLimit: false,
    })
    const second = watch(first.days, 1, MIDNIGHT + 11 * HOUR)
    expect(second.status).toMatchObject({ usedSeconds: 3_601, overLimit: true, firstOverLimit: true })
    const third = watch(second.days, 1, MIDNIGHT + 12 * HOUR)
    expect(third.status).toMatchObject({ usedSeconds: 3_602, overLimit: true, firstOverLimit: false })
  })

  it('splits a stretch at local midnight', () => {
    const { days, status } = watch([], 3_600, MIDNIGHT + 20 * MINUTE)
    const today = localDayOf(MIDNIGHT, 480)
    expect(days.map(({ day, seconds }) => [day - today, seconds])).toEqual([
      [-1, 2_400],
      [0, 1_200],
    ])
    expect(status).toMatchObject({ localDay: '2026-09-21', usedSeconds: 1_200 })
  })

  it('gives what ends at midnight to the day before', () => {
    const { days, status } = watch([], 600, MIDNIGHT)
    expect(days).toHaveLength(1)
    expect(status.localDay).toBe('2026-09-20')
  })

  it('speaks for yesterday where only that goes over by the part before midnight', () => {
    const before = watch([], 3_500, MIDNIGHT - HOUR)
    const across = watch(before.days, 1_200, MIDNIGHT + 10 * MINUTE)
    expect(across.status).toMatchObject({ localDay: '2026-09-20', usedSeconds: 4_100, firstOverLimit: true })
    expect(watch(across.days, 60, MIDNIGHT + 20 * MINUTE).status).toMatchObject({
      localDay: '2026-09-21',
      firstOverLimit: false,
    })
  })

  it('gives a late event to its own day', () => {
    const today = watch([], 3_000, MIDNIGHT + DAY + 10 * HOUR)
    const late = watch(today.days, 3_000, MIDNIGHT + 10 * HOUR)
    expect(late.status).toMatchObject({ localDay: '2026-09-21', usedSeconds: 3_000, overLimit: false })
  })

  it('never reports a day that is no longer kept', () => {
    const today = watch([], 60, MIDNIGHT + 10 * DAY)
    const late = watch(today.days, 5_000, MIDNIGHT + HOUR * 10)
    expect(late.status).toMatchObject({ usedSeconds: 5_000, overLimit: true, firstOverLimit: false })
    expect(late.days).toEqual(today.days)
  })

  const stretch = fc.record({
    seconds: fc.integer({ min: 0, max: 86_400 }),
    endedAt: fc.integer({ min: MIDNIGHT - 3 * DAY, max: MIDNIGHT + 3 * DAY }),
  })
  const run = (list: { seconds: number; endedAt: number }[], offset: number) => {
    const who = storedProfile(profile({ utcOffsetMinutes: offset }))
    let days: readonly UsageDay[] = []
    const first: string[] = []
    for (const { seconds, endedAt } of list) {
      const answer = watch(days, seconds, endedAt, who)
      days = answer.days
      if (answer.status.firstOverLimit) first.push(answer.status.localDay)
    }
    return { days, first }
  }
  const totals = (days: readonly UsageDay[]) =>
    Object.fromEntries(days.map(({ day, seconds }) => [day, seconds]).sort(([a], [b]) => a! - b!))

  it('has totals that do not depend on the order of events', () => {
    fc.assert(
      fc.property(
        fc.array(stretch, { maxLength: 12 }),
        fc.integer({ min: -720, max: 840 }),
        (list, offset) => {
          const ordered = run(list, offset).days
          expect(totals(run([...list].reverse(), offset).days)).toEqual(totals(ordered))
          expect(
            totals(
              run(
                list.toSorted((a, b) => a.endedAt - b.endedAt),
                offset,
              ).days,
            ),
          ).toEqual(totals(ordered))
        },
      ),
    )
  })

  it('loses and invents no second while all days are kept', () => {
    fc.assert(
      fc.property(
        fc.array(stretch, { maxLength: 12 }),
        fc.integer({ min: -720, max: 840 }),
        (list, offset) => {
          const near = list.map(({ seconds, endedAt }) => ({
            seconds,
            endedAt: MIDNIGHT + (endedAt % (12 * HOUR)),
          }))
          const sum = run(near, offset).days.reduce((total, { seconds }) => total + seconds, 0)
          expect(sum).toBe(near.reduce((total, { seconds }) => total + seconds, 0))
        },
      ),
    )
  })

  it('reports each day at most once', () => {
    fc.assert(
      fc.property(fc.array(stretch, { maxLength: 20 }), (list) => {
        const { first } = run(list, 480)
        expect(new Set(first).size).toBe(first.length)
      }),
    )
  })

  it('keeps a bounded number of days', () => {
    let days: readonly UsageDay[] = []
    for (let day = 100; day < 120; day++) days = addToDay(days, day, 60)
    expect(days).toHaveLength(USAGE_DAYS_KEPT)
  })

  it('goes by the new local day after a change of time zone, and takes nothing away from days that were', () => {
    const east = storedProfile(profile({ utcOffsetMinutes: 480 }))
    const west = storedProfile(profile({ utcOffsetMinutes: -480 }))
    // 02:00 on the 22nd in the east is 10:00 on the 21st in the west.
    const before = watch([], 3_000, MIDNIGHT + 26 * HOUR, east)
    expect(before.status).toMatchObject({ localDay: '2026-09-22', usedSeconds: 3_000 })
    const after = watch(before.days, 600, MIDNIGHT + 26 * HOUR + 20 * MINUTE, west)
    expect(after.status).toMatchObject({ localDay: '2026-09-21', usedSeconds: 600, overLimit: false })
    // Back again, the day goes on where it was.
    const back = watch(after.days, 700, MIDNIGHT + 27 * HOUR, east)
    expect(back.status).toMatchObject({ localDay: '2026-09-22', usedSeconds: 3_700, firstOverLimit: true })
  })

  it('gives a fresh allowance at local midnight, and none before', () => {
    const evening = watch([], 3_600, MIDNIGHT + 23 * HOUR)
    expect(watch(evening.days, 60, MIDNIGHT + 24 * HOUR).status).toMatchObject({
      localDay: '2026-09-21',
      overLimit: true,
    })
    expect(watch(evening.days, 60, MIDNIGHT + 24 * HOUR + MINUTE).status).toMatchObject({
      localDay: '2026-09-22',
      usedSeconds: 60,
      overLimit: false,
    })
  })
})
