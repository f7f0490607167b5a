import type { AccountProfile, AgeBand, Device } from '@wardline/events'
import { Random, WeightedChoice } from './random.ts'

/** What an account is for the generator. Only `ordinary` accounts are drawn for what anyone does. */
export type Role = 'ordinary' | 'teacher' | 'shop' | 'groomer' | 'spammer' | 'bully'

export interface Account {
  readonly profile: AccountProfile
  readonly role: Role
  readonly device: Device
  readonly isMinor: boolean
  /** Watched on `localDay`, seconds, duplicates not counted. */
  usedSeconds: number
  localDay: number
}

/** Shares of the age bands. Every band has at least one account. */
const AGE_SHARES: readonly (readonly [AgeBand, number])[] = [
  ['UNDER_3', 0.004],
  ['AGE_3_TO_7', 0.026],
  ['AGE_8_TO_11', 0.07],
  ['AGE_12_TO_15', 0.12],
  ['AGE_16_TO_17', 0.07],
  ['UNKNOWN', 0.06],
  ['ADULT', 0.65],
]
const YOUTH_MODE_SHARE: Readonly<Record<AgeBand, number>> = {
  UNDER_3: 0.9,
  AGE_3_TO_7: 0.85,
  AGE_8_TO_11: 0.7,
  AGE_12_TO_15: 0.55,
  AGE_16_TO_17: 0.3,
  UNKNOWN: 0,
  ADULT: 0,
}
const GUARDIAN_SHARE: Readonly<Record<AgeBand, number>> = {
  UNDER_3: 1,
  AGE_3_TO_7: 0.95,
  AGE_8_TO_11: 0.85,
  AGE_12_TO_15: 0.65,
  AGE_16_TO_17: 0.35,
  UNKNOWN: 0,
  ADULT: 0,
}
const DEVICES: Readonly<Record<AgeBand, readonly Device[]>> = {
  UNDER_3: ['TABLET', 'CHILD_DEVICE', 'TELEVISION'],
  AGE_3_TO_7: ['CHILD_DEVICE', 'CHILD_DEVICE', 'TABLET', 'WATCH'],
  AGE_8_TO_11: ['CHILD_DEVICE', 'WATCH', 'TABLET', 'PHONE', 'PHONE'],
  AGE_12_TO_15: ['PHONE', 'PHONE', 'PHONE', 'TABLET', 'CHILD_DEVICE'],
  AGE_16_TO_17: ['PHONE', 'PHONE', 'PHONE', 'PHONE', 'TABLET', 'COMPUTER'],
  UNKNOWN: ['PHONE', 'PHONE', 'COMPUTER', 'UNKNOWN'],
  ADULT: ['PHONE', 'PHONE', 'PHONE', 'PHONE', 'PHONE', 'COMPUTER', 'TABLET', 'TELEVISION'],
}
/** Offsets of accounts abroad, minutes: Japan, Sydney, Dubai, London, Berlin, New York, Los Angeles, India. */
const OFFSETS_ABROAD = [540, 600, 240, 0, 60, -300, -480, 330] as const
/** Of all accounts, and of minors in youth mode: high enough that somewhere it is always night for one of them. */
const ABROAD_SHARE = 0.03
const DAY_MS = 86_400_000

export const MINIMUM_ACCOUNTS = 200

/** Groups that accounts are drawn from. Activity follows Zipf's law within each. */
export class Population {
  readonly accounts: readonly Account[]
  readonly byId: ReadonlyMap<string, Account>
  readonly anyone: WeightedChoice<Account>
  /** Ordinary adults and accounts of unknown age. */
  readonly adults: WeightedChoice<Account>
  /** Minors old enough to write: 8 to 17. */
  readonly minors: WeightedChoice<Account>
  /** Who writes: all but the youngest. */
  readonly writers: WeightedChoice<Account>
  /** Minors on devices made for them. */
  readonly childDevices: WeightedChoice<Account>
  readonly youth: readonly Account[]
  /** Minors old enough to write who have a guardian. */
  readonly guarded: WeightedChoice<Account>
  readonly teachers: WeightedChoice<Account>
  readonly shops: WeightedChoice<Account>
  readonly groomers: WeightedChoice<Account>
  readonly spammers: WeightedChoice<Account>
  readonly bullies: WeightedChoice<Account>

  constructor(seed: number, size: number, startAt: number) {
    if (!Number.isInteger(size) || size < MINIMUM_ACCOUNTS) {
      throw new RangeError(`accounts must be a whole number of at least ${MINIMUM_ACCOUNTS}, not ${size}`)
    }
    const random = new Random(seed ^ 0x61636374)
    this.accounts = makeAccounts(size, startAt, random)
    this.byId = new Map(this.accounts.map((account) => [account.profile.accountId, account]))
    const is = (...roles: Role[]) => this.accounts.filter(({ role }) => roles.includes(role))
    const ordinary = is('ordinary')
    const writes = ({ profile: { ageBand } }: Account) => ageBand !== 'UNDER_3' && ageBand !== 'AGE_3_TO_7'
    const writingMinors = ordinary.filter((account) => account.isMinor && writes(account))
    this.anyone = byZipf(ordinary)
    this.adults = byZipf(ordinary.filter(({ isMinor }) => !isMinor))
    this.minors = byZipf(writingMinors)
    this.writers = byZipf(ordinary.filter(writes))
    this.childDevices = byZipf(
      this.accounts.filter(({ isMinor, device }) => isMinor && device === 'CHILD_DEVICE'),
    )
    this.youth = this.accounts.filter(({ profile }) => profile.youthMode)
    this.guarded = byZipf(writingMinors.filter(({ profile }) => profile.guardianIds.length > 0))
    this.teachers = byZipf(is('teacher'))
    this.shops = byZipf(is('shop'))
    this.groomers = byZipf(is('groomer'))
    this.spammers = byZipf(is('spammer'))
    this.bullies = byZipf(is('bully'))
  }
}

/** Zipf-Mandelbrot: weight 1 / (rank + 5), so that the most active accounts do not drown all others. */
function byZipf(accounts: readonly Account[]): WeightedChoice<Account> {
  return new WeightedChoice(
    accounts,
    accounts.map((_, rank) => 1 / (rank + 5)),
  )
}

function makeAccounts(size: number, startAt: number, random: Random): Account[] {
  const bands: AgeBand[] = []
  for (const [band, share] of AGE_SHARES) {
    const count = band === 'ADULT' ? size - bands.length : Math.max(1, Math.round(share * size))
    for (let i = 0; i < count; i++) bands.push(band)
  }
  random.shuffle(bands)
  const ids = random.shuffle(bands.map((_, i) => `u${20_000_000 + i * 37 + random.below(37)}`))
  const adultIds = ids.filter((_, i) => bands[i] === 'ADULT')

  // Roles are dealt to adults in turn, so that each has some account even among few.
  const share = Math.max(3, Math.round(size * 0.006))
  const roles: Role[] = []
  for (const role of ['teacher', 'shop', 'groomer', 'spammer', 'bully'] as const) {
    for (let i = 0; i < share; i++) roles.push(role)
  }
  let youthModes = 0
  return bands.map((ageBand, i) => {
    const isMinor = ageBand !== 'ADULT' && ageBand !== 'UNKNOWN'
    const role = ageBand === 'ADULT' ? (roles.pop() ?? 'ordinary') : 'ordinary'
    const youthMode = random.chance(YOUTH_MODE_SHARE[ageBand])
    // Every twelfth youth-mode account is abroad, each offset in turn.
    const offsetOfYouth =
      youthMode && youthModes++ % 12 === 0 ? OFFSETS_ABROAD[Math.floor(youthModes / 12) % 8] : undefined
    const abroad = random.chance(ABROAD_SHARE)
    const guardianIds: string[] = []
    if (random.chance(GUARDIAN_SHARE[ageBand])) {
      guardianIds.push(random.pick(adultIds))
      const other = random.pick(adultIds)
      if (random.chance(0.4) && !guardianIds.includes(other)) guardianIds.push(other)
    }
    const guarded = guardianIds.length > 0 && youthMode
    const earlyNight = guarded && random.chance(0.15)
    const profile: AccountProfile = {
      accountId: ids[i]!,
      ageBand,
      youthMode,
      utcOffsetMinutes: offsetOfYouth ?? (abroad ? random.pick(OFFSETS_ABROAD) : 480),
      dailyLimitMinutes: guarded && random.chance(0.2) ? random.pick([20, 30, 40, 45, 90]) : null,
      restStartMinute: earlyNight ? 1260 : 1320,
      restEndMinute: earlyNight ? 420 : 360,
      guardianIds,
      updatedAt: startAt - random.between(1, 400) * DAY_MS - random.below(DAY_MS),
    }
    return { profile, role, device: random.pick(DEVICES[ageBand]), isMinor, usedSeconds: 0, localDay: -1 }
  })
}

/** Whether this moment lies in the account's rest hours. */
export function restsAt({ profile }: Account, timeMs: number): boolean {
  const minute = Math.floor((timeMs / 60_000 + profile.utcOffsetMinutes) % 1440)
  const { restStartMinute: start, restEndMinute: end } = profile
  return start <= end ? minute >= start && minute < end : minute >= start || minute < end
}

/** Seconds that the account may watch a day in youth mode. */
export function dailyLimitSeconds({ profile }: Account): number {
  return 60 * (profile.dailyLimitMinutes ?? (profile.ageBand === 'AGE_16_TO_17' ? 120 : 60))
}

/** Seconds watched on the local day of this moment so far. */
export function usedAt(account: Account, timeMs: number): number {
  return localDayOf(account, timeMs) === account.localDay ? account.usedSeconds : 0
}

/** Adds watch time to the account. Returns whether it is now over its limit or in its rest hours. */
export function watch(account: Account, seconds: number, endedAt: number): boolean {
  const day = localDayOf(account, endedAt)
  // A late report of an earlier day does not count on today.
  if (day > account.localDay) {
    account.localDay = day
    account.usedSeconds = 0
  }
  if (day === account.localDay) account.usedSeconds += seconds
  if (!account.profile.youthMode) return false
  return (
    restsAt(account, endedAt) ||
    (day === account.localDay && account.usedSeconds > dailyLimitSeconds(account))
  )
}

function localDayOf({ profile }: Account, timeMs: number): number {
  return Math.floor((timeMs / 60_000 + profile.utcOffsetMinutes) / 1440)
}
