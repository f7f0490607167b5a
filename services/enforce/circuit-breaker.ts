import type { AccountAction, Verdict } from '@wardline/events'
import {
  BREAKER_VERDICTS,
  type BreakerLimits,
  type Enforcement,
  LADDER_ACTIONS,
} from '@wardline/policy/enforcement'
import type { KeyedStore } from '@wardline/stream'

const HOUR = 3_600_000
const DAY = 24 * HOUR

/** A count over a sliding window, from two fixed ones: number of the present window, its count, the count of the one before. */
type Sliding = readonly [window: number, present: number, before: number]
const EMPTY: Sliding = [0, 0, 0]

/** How often something would have been done on this partition, and whether it is stopped. */
export interface Breaker {
  readonly hour: Sliding
  readonly day: Sliding
  readonly open: boolean
  /** Greatest append time seen, ms. */
  readonly at: number
}
const NEW_BREAKER: Breaker = { hour: EMPTY, day: EMPTY, open: false, at: 0 }

/** Key of the count of all events of the partition. */
const TRAFFIC = 'traffic'

/** One more at `at`. A moment of the window before counts there, an older one no more. */
function counted(sliding: Sliding, at: number, length: number): Sliding {
  const window = Math.floor(at / length)
  const [present, count, before] = sliding
  if (window === present) return [present, count + 1, before]
  if (window === present + 1) return [window, 1, count]
  if (window > present) return [window, 1, 0]
  return window === present - 1 ? [present, count, before + 1] : sliding
}

/**
 * How many in the `length` before `at`: the present window, and of the one before the share that the sliding window still
 * covers. It takes that window as evenly filled; two counts a window instead of every time.
 */
function estimate([window, present, before]: Sliding, at: number, length: number): number {
  const now = Math.floor(at / length)
  if (now === window) return present + before * (1 - (at - now * length) / length)
  return now === window + 1 ? present * (1 - (at - now * length) / length) : now < window ? present : 0
}

const after = (breaker: Breaker, at: number): Breaker => ({
  hour: counted(breaker.hour, at, HOUR),
  day: counted(breaker.day, at, DAY),
  open: breaker.open,
  at: Math.max(breaker.at, at),
})

/**
 * Whether the breaker is open at its own time: beyond any limit, and once open until it is below `closeBelow` of each.
 * What would be done is counted while it is open too, so a rule that still runs wild does not close its breaker.
 */
function isOpen(breaker: Breaker, traffic: Breaker, limits: BreakerLimits, policy: Policy): boolean {
  const part = breaker.open ? policy.closeBelow : 1
  const hour = estimate(breaker.hour, breaker.at, HOUR)
  if (hour > limits.perHour * part) return true
  if (estimate(breaker.day, breaker.at, DAY) > limits.perDay * part) return true
  const events = estimate(traffic.hour, breaker.at, HOUR)
  return events >= policy.shareFromEvents && hour > events * limits.share * part
}

type Policy = Enforcement['circuitBreakers']
type Breakers = KeyedStore<Breaker>

/** Counts an event of the partition, whatever comes of it. */
export function countEvent(breakers: Breakers, at: number): void {
  breakers.put(TRAFFIC, after(breakers.get(TRAFFIC) ?? NEW_BREAKER, at))
}

/**
 * Counts what a decision would do, and returns the names of the open breakers that forbid it: `verdict/REMOVE`,
 * `action/BAN`, `rule/<id>`. Empty: it may be done. `at` is the append time of the event, the broker's clock, so that no
 * producer dates its way around a limit; the answer follows from the records of the partition alone.
 */
export function openBreakers(
  breakers: Breakers,
  verdict: Verdict,
  action: AccountAction,
  ruleIds: readonly string[],
  at: number,
  policy: Policy,
): readonly string[] {
  let open: string[] | undefined
  const traffic = breakers.get(TRAFFIC) ?? NEW_BREAKER
  const attempt = (name: string, limits: BreakerLimits) => {
    const known = breakers.get(name) ?? NEW_BREAKER
    const next = after(known, at)
    const now = isOpen(next, traffic, limits, policy)
    breakers.put(name, now === next.open ? next : { ...next, open: now })
    if (!now) return
    open ??= []
    open.push(name)
  }
  for (const each of BREAKER_VERDICTS) if (each === verdict) attempt(`verdict/${each}`, policy.verdicts[each])
  for (const each of LADDER_ACTIONS) if (each === action) attempt(`action/${each}`, policy.actions[each])
  for (const id of ruleIds) attempt(`rule/${id}`, policy.rules.get(id) ?? policy.anyRule)
  return open ?? NONE
}

const NONE: readonly string[] = []

/** When a breaker's counts are empty, ms. */
export const breakerExpiresAt = ({ at }: Breaker): number => at + 2 * DAY
