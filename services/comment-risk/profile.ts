import type { AccountProfile, AgeBand } from '@wardline/events'

/** What is kept of an AccountProfile: no more than the stage reads. */
export interface StoredProfile {
  readonly ageBand: AgeBand
  readonly youthMode: boolean
  /** Minutes. */
  readonly utcOffsetMinutes: number
  /** Minutes; null: the default of the age band. */
  readonly dailyLimitMinutes: number | null
  /** Minutes after local midnight. */
  readonly restStartMinute: number
  readonly restEndMinute: number
  readonly guardianIds: readonly string[]
}

export const storedProfile = (profile: AccountProfile): StoredProfile => ({
  ageBand: profile.ageBand,
  youthMode: profile.youthMode,
  utcOffsetMinutes: profile.utcOffsetMinutes,
  dailyLimitMinutes: profile.dailyLimitMinutes,
  restStartMinute: profile.restStartMinute,
  restEndMinute: profile.restEndMinute,
  guardianIds: profile.guardianIds,
})

/** Whether a profile says what is already known: a repeat then costs no write. */
export function sameProfile(a: StoredProfile, b: StoredProfile): boolean {
  return (
    a.ageBand === b.ageBand &&
    a.youthMode === b.youthMode &&
    a.utcOffsetMinutes === b.utcOffsetMinutes &&
    a.dailyLimitMinutes === b.dailyLimitMinutes &&
    a.restStartMinute === b.restStartMinute &&
    a.restEndMinute === b.restEndMinute &&
    a.guardianIds.length === b.guardianIds.length &&
    a.guardianIds.every((id, i) => id === b.guardianIds[i])
  )
}
