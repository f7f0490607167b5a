import type { AgeBand, Usage, UsageStatus } from '@wardline/events'
import type { StoredProfile } from './profile.ts'

/** Watch time of one local day. */
export interface UsageDay {
  /** Days since 1970-01-01 by the account's local time. */
  readonly day: number
  readonly seconds: number
  /** Whether an event has already been reported as the day's first over the limit. */
  readonly reported: boolean
}

/** Local days kept: a stretch that ends today may have begun yesterday, and clients report late. */
export const USAGE_DAYS_KEPT = 3

const MINUTE = 60_000
const DAY = 86_400_000
const MINUTES_A_DAY = 1_440

/** Default daily limit in minutes (the youth mode's practice: one hour under 16, two from 16). An unestablished age gets the stricter. */
const DEFAULT_LIMIT_MINUTES: Readonly<Record<AgeBand, number>> = {
  UNKNOWN: 60,
  UNDER_3: 60,
  AGE_3_TO_7: 60,
  AGE_8_TO_11: 60,
  AGE_12_TO_15: 60,
  AGE_16_TO_17: 120,
  ADULT: 120,
}

/** Seconds that the account may watch a day in youth mode; what a guardian set comes first. */
export function limitSeconds(profile: StoredProfile): number {
  const minutes = profile.dailyLimitMinutes ?? DEFAULT_LIMIT_MINUTES[profile.ageBand]
  return 60 * Math.min(MINUTES_A_DAY, Math.max(0, minutes))
}

/** Local day of a moment, days since 1970-01-01. */
export const localDayOf = (at: number, utcOffsetMinutes: number): number =>
  Math.floor((at + utcOffsetMinutes * MINUTE) / DAY)

/** Whether the moment lies in the rest hours, which may span midnight. Start equal to end: there are none. */
export function restsAt(at: number, profile: StoredProfile): boolean {
  const { restStartMinute: start, restEndMinute: end, utcOffsetMinutes } = profile
  const minute = minuteOfDay(at, utcOffsetMinutes)
  return start <= end ? minute >= start && minute < end : minute >= start || minute < end
}

const NIGHT_FROM = 22 * 60
const NIGHT_UNTIL = 6 * 60

/** Whether it is night where the account lives: 22 to 6 o'clock. */
export function isNight(at: number, utcOffsetMinutes: number): boolean {
  const minute = minuteOfDay(at, utcOffsetMinutes)
  return minute >= NIGHT_FROM || minute < NIGHT_UNTIL
}

function minuteOfDay(at: number, utcOffsetMinutes: number): number {
  const minutes = (at / MINUTE + utcOffsetMinutes) % MINUTES_A_DAY
  return minutes < 0 ? minutes + MINUTES_A_DAY : minutes
}

/** The days with these seconds added to `day`. Days that have fallen out of the kept ones take nothing. */
export function addToDay(days: readonly UsageDay[], day: number, seconds: number): readonly UsageDay[] {
  if (seconds === 0) return days
  let newest = day
  for (const each of days) if (each.day > newest) newest = each.day
  const oldest = newest - USAGE_DAYS_KEPT + 1
  const next: UsageDay[] = []
  let found = false
  for (const each of days) {
    if (each.day < oldest) continue
    if (each.day === day) found = true
    next.push(each.day === day ? { ...each, seconds: each.seconds + seconds } : each)
  }
  if (!found && day >= oldest) next.push({ day, seconds, reported: false })
  return next
}

export interface UsageAnswer {
  readonly days: readonly UsageDay[]
  readonly status: UsageStatus
}

/**
 * Adds a stretch of watching to the account's local days, split at local midnight, and says how the account
 * stands. The status speaks for the day on which the stretch ended; where only the day before goes over its
 * limit by the part before midnight, it speaks for that one, because otherwise nobody would hear of it.
 */
export function takeUsage(days: readonly UsageDay[], usage: Usage, profile: StoredProfile): UsageAnswer {
  const { sessionSeconds, endedAt } = usage
  const { utcOffsetMinutes } = profile
  // The end is exclusive: what ends at midnight belongs to the day before.
  const lastMoment = sessionSeconds > 0 ? endedAt - 1 : endedAt
  const endDay = localDayOf(lastMoment, utcOffsetMinutes)
  const midnight = endDay * DAY - utcOffsetMinutes * MINUTE
  // Whole seconds, so that a day's total is an exact sum, whatever the order.
  const sinceMidnight = Math.round((endedAt - midnight) / 1_000)
  const secondsBefore = Math.max(0, sessionSeconds - sinceMidnight)

  let next = addToDay(days, endDay - 1, secondsBefore)
  next = addToDay(next, endDay, sessionSeconds - secondsBefore)

  const limit = limitSeconds(profile)
  const today = standing(next, endDay, sessionSeconds - secondsBefore, limit)
  const before = secondsBefore > 0 ? standing(next, endDay - 1, secondsBefore, limit) : null
  const answer = before?.firstOverLimit && !today.firstOverLimit ? before : today
  if (answer.firstOverLimit) {
    next = next.map((each) => (each.day === answer.day ? { ...each, reported: true } : each))
  }
  return {
    days: next,
    status: {
      localDay: new Date(answer.day * DAY).toISOString().slice(0, 10),
      usedSeconds: answer.seconds,
      limitSeconds: limit,
      overLimit: answer.seconds > limit,
      inRestHours: restsAt(lastMoment, profile),
      firstOverLimit: answer.firstOverLimit,
    },
  }
}

/** How one day stands. A day that is no longer kept is known only by this stretch, and is never the first over. */
function standing(days: readonly UsageDay[], day: number, ownSeconds: number, limit: number) {
  const kept = days.find((each) => each.day === day)
  const seconds = kept ? kept.seconds : ownSeconds
  return { day, seconds, firstOverLimit: kept !== undefined && !kept.reported && seconds > limit }
}
