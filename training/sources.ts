import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Category } from '@wardline/events'

/** Categories that the model has a head for, in the order of its rows. */
export const MODEL_CATEGORIES = [
  'sexual_enticement',
  'obscene',
  'grooming',
  'abuse_bullying',
  'hate',
  'fraud',
  'gambling',
  'illegal_ads',
  'drugs_weapons',
  'self_harm',
  'dangerous_acts',
  'contact_solicitation',
  'game_companion',
  'privacy_exposure',
] as const satisfies readonly Category[]
export type ModelCategory = (typeof MODEL_CATEGORIES)[number]

/** A labelled text. */
export interface Labelled {
  readonly text: string
  /** null: the source's label supports none. */
  readonly category: ModelCategory | 'benign' | null
  readonly source: string
}

/** A set of texts: its licence as its source states it, and whether the open profile may train on it, with the reason. */
export interface SourceSet {
  readonly name: string
  readonly licence: string
  readonly open: boolean
  readonly reason: string
  /**
   * Categories that its harmful texts may also belong to although the label names another: for these it is silent.
   */
  readonly silentOn: readonly ModelCategory[]
}

const ABUSE_OR_HATE = ['abuse_bullying', 'hate'] as const
const ADVERTISING = [
  'obscene',
  'fraud',
  'gambling',
  'illegal_ads',
  'contact_solicitation',
  'sexual_enticement',
  'drugs_weapons',
  'game_companion',
] as const

/** Sets with a train split. The obfuscated sets (toxicloakcn, cntp, cold-cloaked) have none and are for measuring. */
export const TRAINING_SETS: readonly SourceSet[] = [
  {
    name: 'coldataset',
    licence: 'Apache-2.0',
    open: true,
    reason: 'permissive licence stated in the repository',
    silentOn: ABUSE_OR_HATE,
  },
  {
    name: 'swsr',
    licence: 'MIT',
    open: true,
    reason: 'permissive licence stated in the repository',
    silentOn: ABUSE_OR_HATE,
  },
  {
    name: 'davidson-hate',
    licence: 'MIT',
    open: true,
    reason: 'permissive licence stated in the repository',
    silentOn: [],
  },
  {
    name: 'sms-spam-uci',
    licence: 'CC BY 4.0 (UCI), copy in an MIT repository',
    open: true,
    reason: 'attribution only: Almeida and Gómez Hidalgo, SMS Spam Collection',
    silentOn: ADVERTISING,
  },
  {
    name: 'chineseharm-bench',
    licence: 'CC BY-NC 4.0',
    open: false,
    reason: 'non-commercial',
    silentOn: ADVERTISING,
  },
  {
    name: 'toxicn',
    licence: 'CC BY-NC-ND 4.0',
    open: false,
    reason: 'non-commercial, no derivatives',
    silentOn: [],
  },
  {
    name: 'state-toxicn',
    licence: 'none stated',
    open: false,
    reason: 'no licence',
    silentOn: ABUSE_OR_HATE,
  },
  { name: 'chnci', licence: 'none stated', open: false, reason: 'no licence', silentOn: ABUSE_OR_HATE },
  {
    name: 'cyberbullying-roles',
    licence: 'none stated',
    open: false,
    reason: 'no licence; for research on request',
    silentOn: ABUSE_OR_HATE,
  },
  {
    name: 'sccd-session',
    licence: 'none stated',
    open: false,
    reason: 'no licence',
    silentOn: ABUSE_OR_HATE,
  },
  {
    name: 'telecom-fraud-5',
    licence: 'GPL-3.0',
    open: false,
    reason: 'copyleft: whether weights are a derived work is not settled',
    silentOn: ADVERTISING,
  },
  { name: 'sos-hl-1k', licence: 'none stated', open: false, reason: 'no licence', silentOn: [] },
  { name: 'waimai-reviews', licence: 'none stated', open: false, reason: 'no licence', silentOn: [] },
  { name: 'twitter-suicidal', licence: 'none stated', open: false, reason: 'no licence', silentOn: [] },
]

/** Sets that are only ever measured on. */
export const DISGUISED_SETS = ['toxicloakcn', 'cntp', 'cold-cloaked'] as const

/** Reads `<data>/<set>/<split>.jsonl`; null where there is no such file. */
export function readSplit(data: string, set: string, split: 'train' | 'dev'): Labelled[] | null {
  const file = join(data, set, `${split}.jsonl`)
  if (!existsSync(file)) return null
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Labelled)
}
