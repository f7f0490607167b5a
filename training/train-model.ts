import { createHash } from 'node:crypto'
import { marginScale, type Profile, WAYS, type Weights } from '@wardline/model'
import { Random } from '@wardline/sample-feed/random'
import { isHan } from '@wardline/text'
import { scaleHead } from './calibrate.ts'
import { Corpus, type Target } from './corpus.ts'
import { Disguiser } from './disguise.ts'
import { EXAMPLES_SOURCE, writtenExamples } from './examples.ts'
import { type Fit, type FitOptions, fit, slotsOf } from './fit.ts'
import { NearDuplicates } from './near-duplicates.ts'
import {
  DISGUISED_SETS,
  type Labelled,
  MODEL_CATEGORIES,
  type ModelCategory,
  readSplit,
  TRAINING_SETS,
} from './sources.ts'
import { silentOn, syntheticTexts } from './templates.ts'

export interface TrainOptions extends FitOptions {
  readonly profile: Profile
  /** Disguised copies of each Chinese text. */
  readonly copies: number
  readonly copyWeight: number
  /** Weight of a harmful text written for Wardline. */
  readonly syntheticWeight: number
}

export const DEFAULTS: Omit<TrainOptions, 'profile'> = {
  seed: 20_231_016,
  bucketBits: 17,
  leastCount: 3,
  epochs: 8,
  rate: 0.3,
  damping: 0.01,
  copies: 1,
  copyWeight: 0.7,
  syntheticWeight: 0.8,
}

/** Of 1000 texts so many are held out for calibration, each with all its copies. */
const HELD_OUT = 80

/** A set that a profile trains on is not there; the message names the remedy. */
export class MissingData extends Error {
  override readonly name = 'MissingData'
}

/** Training rows of a profile: real ones first, then those written for Wardline. Rows without a category are left out. */
export function trainingRows(data: string, profile: Profile, seed: number): Labelled[] {
  const rows: Labelled[] = []
  for (const set of TRAINING_SETS) {
    if (profile === 'open' && !set.open) continue
    const split = readSplit(data, set.name, 'train')
    if (!split) {
      throw new MissingData(
        `${data}/${set.name}/train.jsonl is not there: name the folder of the data sets with DATA=<folder>`,
      )
    }
    for (const row of split) if (row.category !== null) rows.push({ ...row, source: set.name })
  }
  rows.push(...syntheticTexts('train', seed), ...writtenExamples('train'))
  return rows
}

/**
 * The rows without those behind a text of a dev split, so that a measurement on it is fair. Texts put together of templates
 * and dictionary words stay; examples are written with no set in view, and yet go where one is like a dev text.
 */
export function withoutDevTexts(rows: readonly Labelled[], data: string): Labelled[] {
  const known = new NearDuplicates()
  for (const set of [...TRAINING_SETS.map(({ name }) => name), ...DISGUISED_SETS])
    for (const { text } of readSplit(data, set, 'dev') ?? []) known.add(text)
  return rows.filter(
    ({ source, text }) => (source.startsWith('synthetic/') && source !== EXAMPLES_SOURCE) || !known.has(text),
  )
}

/** Targets of a row: harmful at all, then each category. */
export function targetsOf(row: Labelled): Target[] {
  const targets: Target[] = new Array(MODEL_CATEGORIES.length + 1).fill(0)
  if (row.category === 'benign' || row.category === null) return targets
  const silent = row.source.startsWith('synthetic/')
    ? silentOn(row.category)
    : (TRAINING_SETS.find(({ name }) => name === row.source)?.silentOn ?? [])
  for (const category of silent) targets[headOf(category)] = -1
  targets[0] = 1
  targets[headOf(row.category)] = 1
  return targets
}

const headOf = (category: ModelCategory) => 1 + MODEL_CATEGORIES.indexOf(category)

const isHeldOut = (text: string) => createHash('sha1').update(text).digest().readUInt32LE(0) % 1000 < HELD_OUT

/** Trains the model of a profile. The same rows, data folder and options give the same weights. */
export function trainModel(
  rows: readonly Labelled[],
  data: string,
  options: TrainOptions,
  log: (line: string) => void,
): Weights {
  const heads = MODEL_CATEGORIES.length + 1
  const corpus = new Corpus(heads)
  const disguiser = new Disguiser(commonCharacters(rows), data, new Random(options.seed + 1))
  for (const row of rows) {
    const targets = targetsOf(row)
    const heldOut = isHeldOut(row.text)
    const weight = weightOf(row, options)
    corpus.add(row.text, targets, { weight, heldOut, disguised: false })
    const text = row.text.slice(0, 500).toWellFormed()
    let han = 0
    for (let i = 0; i < text.length; i++) if (isHan(text.charCodeAt(i))) han++
    if (han < 3 || row.source === 'synthetic/ordinary') continue
    for (let copy = 0; copy < options.copies; copy++) {
      const disguised = disguiser.disguise(text)
      if (disguised !== text)
        corpus.add(disguised, targets, { weight: weight * options.copyWeight, heldOut, disguised: true })
    }
  }
  log(
    `${rows.length} texts, ${corpus.count} with their disguised copies, ${corpus.starts[corpus.count]} n-grams`,
  )
  const fitted = fit(corpus, options, log)
  const margins = marginsOf(corpus, slotsOf(corpus, fitted.tags, options.bucketBits), fitted)
  const scalings = Array.from({ length: heads }, (_, head) => scaleHead(corpus, margins, head))
  return {
    profile: options.profile,
    categories: MODEL_CATEGORIES,
    bucketBits: options.bucketBits,
    biases: [...fitted.biases],
    slopes: scalings.map(({ slope }) => slope),
    offsets: scalings.map(({ offset }) => offset),
    tags: fitted.tags,
    harmful: fitted.harmful,
    byCategory: fitted.byCategory,
  }
}

/** Four of five texts of davidson-hate are abuse: at their full number, English as such would count as abuse. */
const DAVIDSON_HARMFUL = 0.5

/** Dictionary words teach what is no harm; at their full number they would also teach that harm is rare. */
const ORDINARY = 0.35

/** A session is a post and a dozen of its comments, and there are few of them. */
const SESSION = 8

function weightOf({ source, category }: Labelled, { syntheticWeight }: TrainOptions): number {
  if (source === 'synthetic/ordinary') return ORDINARY
  if (source === 'sccd-session') return SESSION
  if (category === 'benign') return 1
  if (source === 'davidson-hate') return DAVIDSON_HARMFUL
  return source.startsWith('synthetic/') ? syntheticWeight : 1
}

/** Characters that occur often enough to be what a keyboard offers first. */
function commonCharacters(rows: readonly Labelled[]): string[] {
  const counts = new Map<string, number>()
  for (const { text } of rows) {
    for (const character of text)
      if (isHan(character.charCodeAt(0))) counts.set(character, (counts.get(character) ?? 0) + 1)
  }
  const least = Math.max(3, rows.length / 10_000)
  return [...counts].filter(([, count]) => count >= least).map(([character]) => character)
}

function marginsOf(corpus: Corpus, slots: Int32Array, { harmful, byCategory, biases }: Fit): Float64Array {
  const { heads, starts } = corpus
  const kinds = heads - 1
  const margins = new Float64Array(corpus.count * heads)
  for (let text = 0; text < corpus.count; text++) {
    if (corpus.heldOut[text] !== 1) continue
    let known = 0
    let telling = 0
    const at = text * heads
    for (let i = starts[text]!; i < starts[text + 1]!; i++) {
      const slot = slots[i]!
      if (slot < 0) continue
      known++
      margins[at]! += harmful[slot]!
      if (slot % WAYS !== 0) continue
      telling++
      for (let kind = 0; kind < kinds; kind++)
        margins[at + 1 + kind]! += byCategory[(slot / WAYS) * kinds + kind]!
    }
    for (let head = 0; head < heads; head++) {
      const scale = marginScale(head === 0 ? known : telling)
      margins[at + head] = margins[at + head]! * scale + biases[head]!
    }
  }
  return margins
}
