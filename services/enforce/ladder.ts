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

/** Most strikes kept an actor, over all areas; far more than any ladder has points. */
export const STRIKES_LIMIT = 64

const counts = (strike: Strike, area: Area, at: number): boolean =>
  strike.area === area.name && strike.at + area.expiryMs > at

/** Sum of points in one area that have not expired by `at`. */
export function pointsAt(strikes: readonly Strike[], area: Area, at: number): number {
  let points = 0
  for (const strike of strikes) if (counts(strike, area, at)) points += strike.points
  return points
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
 * The strikes with this one. A decision strikes once, however often it is made. What has expired in its area
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
    // A late event may still look back a week and a little: LATENESS_MS beyond the expiry nothing can see it.
    if (area && each.at + area.expiryMs + LATENESS_MS > latest) next.push(each)
  }
  next.push(strike)
  return next.length > STRIKES_LIMIT ? next.slice(next.length - STRIKES_LIMIT) : next
}

/** The strikes without those of one decision; the same array where it gave none. */
export function withoutDecision(strikes: readonly Strike[], decisionId: string): readonly Strike[] {
  return strikes.some((each) => each.decisionId === decisionId)
    ? strikes.filter((each) => each.decisionId !== decisionId)
    : strikes
}

/** Events may be up to seven days late; a day more for clocks. */
export const LATENESS_MS = 8 * 86_400_000
