import type { ApproachStage } from '@wardline/policy/risk'

/** Lines of one side, alternatives of each other. */
export type Lines = readonly string[]

/** One turn: who speaks (`other`: the one who is not the minor), and what it may be. */
export interface Turn {
  readonly by: 'other' | 'minor'
  readonly lines: Lines
}

/**
 * All that conversations are written with. There are seven, which share no line: six to fit weights and thresholds with, of
 * which rules were looked over with four, and one to test with.
 * Nothing in them is explicit: what is sexual in an approach is hinted at as mildly as the detector has to notice.
 */
export interface Wording {
  readonly stages: Readonly<Record<ApproachStage, Lines>>
  readonly pressing: Lines
  /** What an adult who approaches says between, and honest people too. */
  readonly smallTalk: Lines
  readonly answers: Lines
  readonly refusals: Lines
  readonly recruiting: { readonly offers: Lines; readonly terms: Lines; readonly moves: Lines }
  readonly attacks: Lines
  readonly bystanders: Lines
  /** By honest scenario: its turns, in order; some are left out. */
  readonly honest: Readonly<Record<HonestScenario, readonly Turn[]>>
}

export const HONEST_SCENARIOS = [
  'teacher',
  'coach',
  'parent',
  'tutor',
  'relative',
  'shop',
  'classmates',
  'flirting_peers',
  'meeting_peers',
  'teammates',
  'fan_group',
  'older_student',
  'volunteer',
] as const
export type HonestScenario = (typeof HONEST_SCENARIOS)[number]

/** `texts`: alternatives, parted by bars. */
export const other = (texts: string): Turn => ({ by: 'other', lines: texts.split('|') })
export const minor = (texts: string): Turn => ({ by: 'minor', lines: texts.split('|') })
export const lines = (texts: string): Lines => texts.split('|')
