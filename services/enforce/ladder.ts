import { type Area, LADDER_ACTIONS, type LadderAction, type LadderStep } from '@wardline/policy/enforcement'

/** A strike against an actor. The decision that gave it can be taken back, and the strike with it. */
export interface Strike {
  /** Name of the policy area. */
  readonly area: string
  readonly points: number
  /** Event time, ms. */
  readonly at: number
  readonly decisionId: string
}

/** An account action that has not ended. */
export interface InForce {
  readonly action: LadderAction
  /** When it ends by itself, ms by event time; null: when the strikes that lead to it expire, or at once (WARN). */
  readonly until: number | null
}

/** Most strikes kept an actor, over all areas; far more than any ladder has points. */
export const STRIKES_LIMIT = 64

const counts = (strike: Strike, area: Area, at: number): boolean =>
  strike.area === area.name && strike.at + area.expiryMs > at

/**
 * Sum of points in one area that have not expired by `at`, with what is added to the strikes of somebody who comes back.
 * What is added follows from the strikes that are there, so a strike that is taken back takes with it what it added to
 * later ones.
 */
export function pointsAt(strikes: readonly Strike[], area: Area, at: number): number {
  let points = 0
  for (const strike of strikes) {
    if (!counts(strike, area, at)) continue
    points += strike.points
    if (isRepeat(strike, strikes, area)) points += area.repeat.points
  }
  return points
}

/** Whether enough earlier strikes of the area stand before this one. Of two at one moment the smaller decision id is the earlier. */
function isRepeat(strike: Strike, strikes: readonly Strike[], area: Area): boolean {
  const { withinMs, strikes: needed } = area.repeat
  let earlier = 0
  for (const other of strikes) {
    if (other.area !== area.name || other.at <= strike.at - withinMs) continue
    if (other.at < strike.at || (other.at === strike.at && other.decisionId < strike.decisionId)) earlier++
  }
  return earlier >= needed
}

/** Strikes in one area that have not expired by `at`. */
export function strikesAt(strikes: readonly Strike[], area: Area, at: number): number {
  let count = 0
  for (const strike of strikes) if (counts(strike, area, at)) count++
  return count
}

/** The highest step that these points reach, none beyond `most`. Undefined below the first. */
export function stepAt(area: Area, points: number, most: LadderAction = 'BAN'): LadderStep | undefined {
  const limit = LADDER_ACTIONS.indexOf(most)
  let reached: LadderStep | undefined
  for (const step of area.steps) {
    if (step.points > points || LADDER_ACTIONS.indexOf(step.action) > limit) break
    reached = step
  }
  return reached
}

/**
 * The severest action of an area that is in force at `at`, and among equals the one that ends last: what the strikes led
 * to, one after the other, by event time. A warning is over once it is given, so it is never in force.
 */
export function inForceAt(
  strikes: readonly Strike[],
  area: Area,
  at: number,
  most: LadderAction = 'BAN',
): InForce | undefined {
  let severest: InForce | undefined
  const before: Strike[] = []
  const own = strikes.filter((strike) => strike.area === area.name && strike.at <= at)
  for (const strike of own.sort((a, b) => a.at - b.at || (a.decisionId < b.decisionId ? -1 : 1))) {
    before.push(strike)
    const step = stepAt(area, pointsAt(before, area, strike.at), most)
    if (!step || step.action === 'WARN') continue
    const until = step.seconds === null ? null : strike.at + step.seconds * 1_000
    if (until === null ? !counts(strike, area, at) : until <= at) continue
    const higher = severest
      ? LADDER_ACTIONS.indexOf(step.action) - LADDER_ACTIONS.indexOf(severest.action)
      : 1
    if (higher > 0 || (higher === 0 && until !== null && until > (severest?.until ?? 0)))
      severest = { action: step.action, until }
  }
  return severest
}

/**
 * The strikes with this one. A decision strikes once, however often it is made. What nothing can see any more in its area
 * is dropped, and the oldest where there are too many.
 */
export function withStrike(
  strikes: readonly Strike[],
  strike: Strike,
  areas: ReadonlyMap<string, Area>,
): readonly Strike[] {
  const next: Strike[] = []
  let latest = strike.at
  for (const each of strikes) {
    if (each.decisionId === strike.decisionId) return strikes
    if (each.at > latest) latest = each.at
  }
  for (const each of strikes) {
    const area = areas.get(each.area)
    if (area && each.at + memoryOf(area) > latest) next.push(each)
  }
  next.push(strike)
  return next.length > STRIKES_LIMIT ? next.slice(next.length - STRIKES_LIMIT) : next
}

/** How long a strike of an area can be seen, ms: until it has expired, and no event that may still come finds it as an earlier one. */
export const memoryOf = (area: Area): number => Math.max(area.expiryMs, area.repeat.withinMs) + LATENESS_MS

/** The strikes without those of one decision; the same array where it gave none. */
export function withoutDecision(strikes: readonly Strike[], decisionId: string): readonly Strike[] {
  return strikes.some((each) => each.decisionId === decisionId)
    ? strikes.filter((each) => each.decisionId !== decisionId)
    : strikes
}

/** Events may be up to seven days late; a day more for clocks. */
export const LATENESS_MS = 8 * 86_400_000
