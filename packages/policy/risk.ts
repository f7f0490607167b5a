import type { Profile } from '@wardline/model'
import { z } from 'zod'
import { parseYaml } from './load.ts'
import type { PolicyFiles, PolicyProblem } from './policy-files.ts'
import { SIGNALS, type Signal } from './rules.ts'

/**
 * What a conversation may show of an approach to a minor, in the order in which approaches are known to go. The order of
 * this list is part of comment-risk's stored state: add at the end of MARKS, never in between.
 */
export const APPROACH_STAGES = [
  'contact',
  'rapport',
  'asking',
  'alone',
  'secrecy',
  'gift',
  'sexual',
  'move',
  'meet',
] as const
export type ApproachStage = (typeof APPROACH_STAGES)[number]

/** Stages, and what goes along with them: insisting where no answer came, and openness toward parents, which speaks against. */
export const MARKS = [...APPROACH_STAGES, 'pressing', 'openness', 'recruiting'] as const
export type Mark = (typeof MARKS)[number]

/** What the approach model sees beside the stages; services/comment-risk/approach.ts says how each is computed. */
const RAISING = [
  'pressing',
  'order',
  'hidden',
  'breadth',
  'pace',
  'unanswered',
  'refused',
  'refusals',
  'night',
  'harm',
  'tone',
  'toneAbove',
  'toneSum',
] as const
const LOWERING = ['openness', 'answered', 'acquainted', 'started'] as const
export const APPROACH_FEATURES = [...APPROACH_STAGES, ...RAISING, ...LOWERING] as const
export type ApproachFeature = (typeof APPROACH_FEATURES)[number]
/** Features that speak against an approach: their weights are never above 0, all others never below. */
export const LOWERING_FEATURES: ReadonlySet<string> = new Set(LOWERING)

export const PILE_ON_FEATURES = [
  'hour',
  'day',
  'week',
  'thread',
  'share',
  'sharpest',
  'tone',
  'toneAbove',
] as const
export type PileOnFeature = (typeof PILE_ON_FEATURES)[number]

/** What the model of recruiting sees; services/comment-risk/recruiting.ts says how each is computed. */
export const RECRUITING_FEATURES = [
  'words',
  'own',
  'tone',
  'toneSum',
  'toneMean',
  'handle',
  'move',
  'repeated',
  'minor',
  'unverified',
  'spread',
] as const
export type RecruitingFeature = (typeof RECRUITING_FEATURES)[number]

const share = z.number().min(0).max(1)
const hours = z.number().positive()
const raising = z.number().min(0)
const lowering = z.number().max(0)
const weights = <Name extends string>(names: readonly Name[], schema: z.ZodNumber) =>
  Object.fromEntries(names.map((name) => [name, schema])) as Record<Name, z.ZodNumber>

const pileOnModel = z.strictObject({
  bias: z.number(),
  weights: z.strictObject(weights(PILE_ON_FEATURES, raising)),
})

export const riskFile = z.strictObject({
  marks: z
    .strictObject(
      Object.fromEntries(MARKS.map((mark) => [mark, z.array(z.enum(SIGNALS)).nonempty()])) as Record<
        Mark,
        z.ZodArray<z.ZodEnum<{ [Name in Signal]: Name }>>
      >,
    )
    .describe('signals of classify that show each mark'),
  approach: z.strictObject({
    bias: z.number(),
    weights: z.strictObject({
      ...weights(APPROACH_STAGES, raising),
      ...weights(RAISING, raising),
      ...weights(LOWERING, lowering),
    }),
    guardianWeight: share.describe('how much a conversation counts with a guardian named in the profile'),
    halfLifeHours: hours.describe('marks and counts halve in this time'),
    carryFrom: share.describe('from this score on, lines without a signal carry part of it'),
    carryShare: share,
    carryHalfLifeHours: hours,
    forgetHours: hours.describe('a pair that has been quiet this long is a new one'),
  }),
  pileOn: z.strictObject({
    attackFrom: share.describe('score of an attacking category from which an event is an attack'),
    hostileScore: share.describe('what an event with the signal hostile counts as, where no score is higher'),
    toneFrom: z.number().min(0).describe('hostile tone, log-odds, that counts as a hostile word'),
    leastMinor: z.number().int().min(2).describe('distinct attackers of a minor within a day'),
    leastAdult: z.number().int().min(2),
    open: pileOnModel.describe('where the model in use is the open one, or there is none'),
    research: pileOnModel.describe('where the model in use is the one for research; fitted on more'),
  }),
  spread: z.strictObject({
    windowHours: hours,
    minors: z
      .number()
      .int()
      .min(2)
      .describe('distinct minors on one partition that got one text or handle, from which it is a spread'),
    score: share.describe('of a spread that only just is one'),
    each: share.describe('and for each further minor'),
  }),
  recruiting: z.strictObject({
    bias: z.number(),
    weights: z.strictObject(weights(RECRUITING_FEATURES, raising)),
  }),
})

export type RiskFile = z.infer<typeof riskFile>

/** How comment-risk weighs what it sees; see policy/risk.yaml. */
export interface RiskPolicy extends RiskFile {
  /** Bit of each mark by the signals that show it. */
  readonly bitsOfSignal: ReadonlyMap<string, number>
  /** Weights of the approach model in the order of APPROACH_FEATURES. */
  readonly approachWeights: readonly number[]
  /** Weights in the order of PILE_ON_FEATURES. */
  readonly pileOnModels: Readonly<Record<Profile, LogisticModel>>
  readonly recruitingWeights: readonly number[]
}

export interface LogisticModel {
  readonly bias: number
  readonly weights: readonly number[]
}

/** The profile of the model that an event was classified with, by its version: see Model.version. */
export const profileOf = (modelVersion: string | null): Profile =>
  modelVersion?.startsWith('research-') ? 'research' : 'open'

export type LoadedRisk =
  | { readonly ok: true; readonly risk: RiskPolicy }
  | { readonly ok: false; readonly problems: readonly PolicyProblem[] }

export const RISK_FILE = 'risk.yaml'

/** Reads and checks risk.yaml; reports every problem there is. */
export function loadRisk(files: PolicyFiles): LoadedRisk {
  const text = files.get(RISK_FILE)
  if (text === undefined)
    return { ok: false, problems: [{ file: RISK_FILE, line: 1, message: 'there is no such file' }] }
  const problems: PolicyProblem[] = []
  const { value } = parseYaml(RISK_FILE, text, riskFile, problems)
  return problems.length > 0 || !value ? { ok: false, problems } : { ok: true, risk: compileRisk(value) }
}

export function compileRisk(file: RiskFile): RiskPolicy {
  const bitsOfSignal = new Map<string, number>()
  for (const [i, mark] of MARKS.entries())
    for (const signal of file.marks[mark])
      bitsOfSignal.set(signal, (bitsOfSignal.get(signal) ?? 0) | (1 << i))
  return {
    ...file,
    bitsOfSignal,
    approachWeights: APPROACH_FEATURES.map((name) => file.approach.weights[name]),
    recruitingWeights: RECRUITING_FEATURES.map((name) => file.recruiting.weights[name]),
    pileOnModels: { open: pileOnOf(file.pileOn.open), research: pileOnOf(file.pileOn.research) },
  }
}

const pileOnOf = ({ bias, weights }: RiskFile['pileOn']['open']): LogisticModel => ({
  bias,
  weights: PILE_ON_FEATURES.map((name) => weights[name]),
})
