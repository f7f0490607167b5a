import type { AgeBand } from '@wardline/events'
import { approachWeight, noisyOr } from './age.ts'
import { add, type Decayed, NOTHING, valueAt } from './decay.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

/**
 * Stages that the approach of an adult to a minor is known to pass (contact, building rapport, assessing,
 * isolating, binding by gifts, sexualising, moving elsewhere or meeting), each with the signals that show it
 * and what it weighs when it stands alone.
 */
export const APPROACH_STAGES: readonly { readonly signals: readonly string[]; readonly weight: number }[] = [
  { signals: ['contact'], weight: 0.05 },
  { signals: ['rapport'], weight: 0.08 },
  { signals: ['ask_age', 'ask_school'], weight: 0.15 },
  { signals: ['ask_alone', 'secrecy'], weight: 0.3 },
  { signals: ['gift'], weight: 0.25 },
  { signals: ['sexual_talk', 'ask_picture'], weight: 0.55 },
  { signals: ['move_app', 'meet'], weight: 0.4 },
]
const ISOLATION = 3
const SEXUALISATION = 5

const STAGE_OF_SIGNAL: ReadonlyMap<string, number> = new Map(
  APPROACH_STAGES.flatMap(({ signals }, stage) => signals.map((signal) => [signal, stage] as const)),
)

export const CONVERSATION = {
  /** A stage's evidence halves in this time. */
  stageHalfLifeMs: 14 * DAY,
  /** Share by which what is missing to certainty shrinks for each earlier stage that came before this one. */
  orderBonus: 0.12,
  /** Factor where neither isolation nor sexualisation was seen: teachers and coaches ask ages and arrange to meet. */
  withoutIntent: 0.7,
  /** From this progress on, lines without any signal carry part of it. */
  carryFrom: 0.8,
  carryShare: 0.75,
  /** An approach goes quiet: what lines without a signal carry halves in this time. */
  carryHalfLifeMs: 3 * DAY,
  /** Many messages a day: the bonus for pace is full at this many, with a half-life of a day. */
  paceMessages: 40,
  paceBonus: 0.1,
  messageHalfLifeMs: DAY,
  /** Harm that one actor did to one account, summed over scores, halves in this time. */
  harmHalfLifeMs: 7 * DAY,
  /** Refusals are remembered this long, by half-life and at most. */
  refusalHalfLifeMs: 14 * DAY,
  refusalMs: 30 * DAY,
  /** A pair that has been quiet this long is a new one. */
  forgetMs: 60 * DAY,
} as const

/** What is kept of one actor toward one protected account. Times are ms by event time; 0 stands for never. */
export interface Pair {
  readonly firstAt: number
  readonly lastAt: number
  /** Last time that each of APPROACH_STAGES was seen. */
  readonly stages: readonly number[]
  readonly messages: Decayed
  readonly harm: Decayed
  /** How often the protected account told this actor to stop. */
  readonly refusals: Decayed
  readonly refusedAt: number
  /** What the actor sent since the last refusal. */
  readonly sinceRefusal: number
}

export const NEW_PAIR: Pair = {
  firstAt: 0,
  lastAt: 0,
  stages: APPROACH_STAGES.map(() => 0),
  messages: NOTHING,
  harm: NOTHING,
  refusals: NOTHING,
  refusedAt: 0,
  sinceRefusal: 0,
}

/** The pair as an event at `at` finds it: what has been quiet for too long is forgotten. */
export function pairAt(pair: Pair | undefined, at: number): Pair {
  return pair === undefined || at - pair.lastAt > CONVERSATION.forgetMs ? NEW_PAIR : pair
}

/** Whether the actor has written before. A refusal alone also makes a pair, but no contact. */
export const hasWritten = (pair: Pair): boolean => pair.firstAt !== 0

/** The stages that these signals show, as bits. */
export function stagesOf(signals: readonly string[]): number {
  let bits = 0
  for (const signal of signals) {
    const stage = STAGE_OF_SIGNAL.get(signal)
    if (stage !== undefined) bits |= 1 << stage
  }
  return bits
}

/** The pair after the actor's event. `harm` is the event's score as harm, 0 where it is none. */
export function afterMessage(pair: Pair, at: number, stageBits: number, harm: number): Pair {
  let stages = pair.stages
  if (stageBits !== 0) {
    const next = stages.slice()
    for (let i = 0; i < next.length; i++) if (stageBits & (1 << i) && next[i]! < at) next[i] = at
    stages = next
  }
  const refused = isRefused(pair, at)
  return {
    firstAt: pair.firstAt === 0 ? at : Math.min(pair.firstAt, at),
    lastAt: Math.max(pair.lastAt, at),
    stages,
    messages: add(pair.messages, 1, at, CONVERSATION.messageHalfLifeMs),
    harm: harm > 0 ? add(pair.harm, harm, at, CONVERSATION.harmHalfLifeMs) : pair.harm,
    refusals: pair.refusals,
    refusedAt: pair.refusedAt,
    sinceRefusal: pair.sinceRefusal + (refused ? 1 : 0),
  }
}

/** The pair after the protected account told the actor to stop. */
export function afterRefusal(pair: Pair, at: number): Pair {
  return {
    ...pair,
    lastAt: Math.max(pair.lastAt, at),
    refusals: add(pair.refusals, 1, at, CONVERSATION.refusalHalfLifeMs),
    refusedAt: Math.max(pair.refusedAt, at),
    sinceRefusal: pair.refusedAt >= at ? pair.sinceRefusal : 0,
  }
}

export const isRefused = (pair: Pair, at: number): boolean =>
  pair.refusedAt !== 0 && at > pair.refusedAt && at - pair.refusedAt <= CONVERSATION.refusalMs

/**
 * How far the approach has come, 0 to 1, with this event (`stageBits`) after what the pair has seen before.
 * Evidence of the stages is joined as independent causes, each decayed by its age; a stage that comes after
 * earlier ones weighs more than the same stage alone; who talks to whom scales the whole.
 */
export function approachScore(
  pair: Pair,
  at: number,
  stageBits: number,
  actor: AgeBand,
  addressed: AgeBand,
): number {
  const weight = approachWeight(actor, addressed)
  if (weight === 0) return 0
  let highest = -1
  for (let i = APPROACH_STAGES.length - 1; i >= 0 && highest < 0; i--) if (stageBits & (1 << i)) highest = i

  let missing = 1
  let earlier = 0
  let intent = false
  let latest = 0
  for (let i = 0; i < APPROACH_STAGES.length; i++) {
    const seenAt = pair.stages[i]!
    const now = (stageBits & (1 << i)) !== 0
    if (!now && seenAt === 0) continue
    const age = now || seenAt >= at ? 0 : at - seenAt
    const evidence = APPROACH_STAGES[i]!.weight * (age === 0 ? 1 : 2 ** (-age / CONVERSATION.stageHalfLifeMs))
    missing *= 1 - evidence
    if (i === ISOLATION || i === SEXUALISATION) intent = true
    if (seenAt !== 0 && seenAt < at && i < highest) earlier++
    if (seenAt > latest) latest = seenAt
  }
  if (missing === 1) return 0
  const pace = Math.min(
    1,
    valueAt(pair.messages, at, CONVERSATION.messageHalfLifeMs) / CONVERSATION.paceMessages,
  )
  const evidence =
    1 - missing * (1 - CONVERSATION.orderBonus) ** earlier * (1 - CONVERSATION.paceBonus * pace)
  const score = evidence * (intent ? 1 : CONVERSATION.withoutIntent) * weight
  if (highest >= 0) return score
  if (score < CONVERSATION.carryFrom) return 0
  const quiet = Math.max(0, at - latest)
  return score * CONVERSATION.carryShare * 2 ** (-quiet / CONVERSATION.carryHalfLifeMs)
}

/**
 * Contact that goes on after the protected account refused it, 0 to 1: more with each message and each
 * refusal. `substance` (0 to 1) is what the event itself shows: harm, or a later stage of an approach.
 */
export function persistenceScore(
  pair: Pair,
  at: number,
  substance: number,
  actor: AgeBand,
  addressed: AgeBand,
): number {
  if (!isRefused(pair, at)) return 0
  const messages = Math.min(pair.sinceRefusal + 1, 6)
  const refusals = valueAt(pair.refusals, at, CONVERSATION.refusalHalfLifeMs)
  const insisting = 1 - 0.75 * 0.85 ** (messages - 1) * 0.8 ** Math.max(0, refusals - 1)
  // Peers quarrel and make up; but who is told to stop is told so at any age.
  const weight = Math.max(0.5, approachWeight(actor, addressed))
  return noisyOr(insisting * weight, 0.5 * substance * weight)
}
