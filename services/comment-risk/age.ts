import type { AgeBand } from '@wardline/events'

/** Position of a band on the age nodes 3, 8, 12, 16 and 18; -1 where the age is not established. */
const NODE: Readonly<Record<AgeBand, number>> = {
  UNKNOWN: -1,
  UNDER_3: 0,
  AGE_3_TO_7: 1,
  AGE_8_TO_11: 2,
  AGE_12_TO_15: 3,
  AGE_16_TO_17: 4,
  ADULT: 5,
}

/**
 * How much harm of a given score weighs more because it meets a minor of this age node: the second factor
 * of a noisy-or, per unit of score. Younger children cannot put it in its place and cannot report it.
 */
const EXPOSURE: Readonly<Record<AgeBand, number>> = {
  UNKNOWN: 0,
  UNDER_3: 0.4,
  AGE_3_TO_7: 0.4,
  AGE_8_TO_11: 0.35,
  AGE_12_TO_15: 0.25,
  AGE_16_TO_17: 0.15,
  ADULT: 0,
}

export const isMinor = (band: AgeBand): boolean => band !== 'UNKNOWN' && band !== 'ADULT'

/** 1 - (1 - a)(1 - b), the chance that at least one of two independent causes holds; in this form never below `a`. */
export const noisyOr = (a: number, b: number): number => a + (1 - a) * b

/** The score of harm, 0 to 1, as it weighs for somebody of this age band. Never below the score. */
export const raisedForAge = (score: number, band: AgeBand): number => noisyOr(score, EXPOSURE[band] * score)

/**
 * How much of a conversation's evidence counts, given who talks to whom: 1 for an adult to a minor, little
 * between peers of one band, whose small talk asks the same questions; 0 where no minor is addressed.
 * An unestablished age counts nearly as an adult's, or leaving it unverified would be the way around.
 */
export function approachWeight(actor: AgeBand, addressed: AgeBand): number {
  if (!isMinor(addressed)) return 0
  if (actor === 'ADULT') return 1
  if (actor === 'UNKNOWN') return 0.8
  const gap = Math.abs(NODE[actor] - NODE[addressed])
  if (gap === 0) return 0.2
  return gap === 1 ? 0.3 : 0.6
}
