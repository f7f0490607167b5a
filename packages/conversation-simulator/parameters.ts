import type { AgeBand } from '@wardline/events'
import type { ApproachStage } from '@wardline/policy/risk'
import type { HonestScenario } from './texts/wording.ts'

/** Values with their shares. */
export type Shares<T> = readonly (readonly [value: T, share: number])[]

/** What conversations are drawn from. docs/risk.md explains each. Times in minutes unless they say otherwise. */
export const PARAMETERS = {
  /** Of the minor. */
  minorBands: [
    ['AGE_8_TO_11', 0.3],
    ['AGE_12_TO_15', 0.5],
    ['AGE_16_TO_17', 0.2],
  ] satisfies Shares<AgeBand>,
  /** Share of telling lines that are disguised, by the methods of the sample feed. */
  disguised: 0.2,
  approach: {
    actorBands: [
      ['ADULT', 0.75],
      ['UNKNOWN', 0.25],
    ] satisfies Shares<AgeBand>,
    /** How likely each stage occurs at all; at least `leastStages` do, one of them telling. */
    stages: {
      contact: 0.85,
      rapport: 0.85,
      asking: 0.75,
      alone: 0.5,
      secrecy: 0.6,
      gift: 0.45,
      sexual: 0.55,
      move: 0.5,
      meet: 0.4,
    } satisfies Record<ApproachStage, number>,
    leastStages: 4,
    /** Chance that a stage changes places with the next. */
    outOfOrder: 0.2,
    linesPerStage: [1, 3],
    /** Chance of small talk before each line. */
    smallTalk: 0.5,
    answered: 0.65,
    /** Chance that the minor refuses after a line of a telling stage, and that the actor insists then. */
    refused: 0.3,
    insists: 0.8,
    /** One evening, some days, some weeks. */
    pace: [
      ['evening', 0.35],
      ['days', 0.4],
      ['weeks', 0.25],
    ] satisfies Shares<'evening' | 'days' | 'weeks'>,
    /** Chance that a sitting begins between 21:00 and 00:30, local time, rather than between 15:00 and 21:00. */
    night: 0.5,
  },
  honest: {
    scenarios: [
      ['teacher', 8],
      ['coach', 5],
      ['parent', 12],
      ['tutor', 5],
      ['relative', 7],
      ['shop', 6],
      ['classmates', 20],
      ['flirting_peers', 8],
      ['meeting_peers', 8],
      ['teammates', 12],
      ['fan_group', 5],
      ['older_student', 2],
      ['volunteer', 2],
    ] satisfies Shares<HonestScenario>,
    /** How often the scenario's turns are gone through, on other days. */
    rounds: [1, 4],
    /** Chance that a turn is left out, that small talk comes before it, that it takes two lines. */
    left: 0.15,
    smallTalk: 0.5,
    twoLines: 0.3,
    /** Chance of a sitting at night. */
    night: 0.15,
    /** Chance that a line is written as play writes it, disguised. */
    disguised: 0.03,
    /** Of parents: whether the profile names them as guardian. */
    guardianKnown: 0.6,
  },
  recruiting: {
    actorBands: [
      ['ADULT', 0.6],
      ['UNKNOWN', 0.4],
    ] satisfies Shares<AgeBand>,
    /** Chance of each part beyond the offer. */
    terms: 0.8,
    moves: 0.85,
    answered: 0.5,
  },
  pileOn: {
    attackers: [4, 25],
    bystanders: [2, 20],
    /** Attacks of one attacker. */
    attacks: [1, 3],
    minutes: [20, 600],
  },
  /** A thread under a minor's post that nobody attacks but for a few quarrels. */
  thread: { commenters: [4, 30], quarrels: 0.2 },
} as const
