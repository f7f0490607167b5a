import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Conversation, Simulator, type WordingName } from '@wardline/conversation-simulator'
import { findContactHandles } from '@wardline/policy'
import {
  TONE_DIMENSIONS,
  TONES,
  type Tone,
  ToneModel,
  type TonesFile,
  toneGrams,
  toneScale,
} from '@wardline/policy/tones'
import { Random } from '@wardline/sample-feed'
import { makeForms } from '@wardline/text'
import { syntheticTexts } from '../../training/templates.ts'

/** A line and whether it has the tone. */
export interface ToneLine {
  readonly text: string
  readonly has: boolean
  readonly weight: number
}
export type ToneLines = Readonly<Record<Tone, readonly ToneLine[]>>

export const foldedOf = (text: string): string =>
  makeForms(text).find((form) => form.form === 'FOLDED')?.text ?? ''

/**
 * The folded line without its contact handles. A line with another number is the same line: or most of what speaks for
 * recruiting would be numbers, and handles are a feature of their own.
 */
function withoutHandles(text: string): string {
  let folded = foldedOf(text)
  for (const { start, end } of findContactHandles(folded).toReversed())
    folded = folded.slice(0, start) + folded.slice(end)
  return folded
}

/**
 * Lines of simulated conversations: telling ones have the tone of their kind, all others of a speaker toward the minor have
 * none. Those of recruiting weigh by the root of how often they are said: most of the few are disguises that are met once.
 */
export function simulatedLines(wordings: readonly WordingName[], seed: number): ToneLines {
  const lines: Record<Tone, Map<string, { has: boolean; times: number }>> = {
    approach: new Map(),
    recruiting: new Map(),
    hostile: new Map(),
  }
  const put = (tone: Tone, said: string, has: boolean) => {
    const text = tone === 'hostile' ? said : withoutHandles(said)
    const known = lines[tone].get(text)
    // A line that both sides say has no tone.
    lines[tone].set(text, { has: has && known?.has !== false, times: (known?.times ?? 0) + 1 })
  }
  for (const wording of wordings) {
    const simulator = new Simulator(seed, wording)
    for (const [kind, tone] of [
      ['approach', 'approach'],
      ['recruiting', 'recruiting'],
      ['pile_on', 'hostile'],
      ['honest', null],
      ['thread', null],
    ] as const) {
      for (let i = 0; i < 600; i++) {
        const { messages, minorId } = simulator.conversation(kind)
        for (const { text, telling, actorId } of messages) {
          if (actorId === minorId) continue
          if (tone && telling) put(tone, text, true)
          else if (kind !== 'thread') for (const each of TONES) put(each, text, false)
        }
      }
    }
  }
  const weighed = (tone: Tone, weigh: (times: number) => number): ToneLine[] =>
    [...lines[tone]].map(([text, { has, times }]) => ({ text, has, weight: weigh(times) }))
  return {
    approach: weighed('approach', () => 1),
    recruiting: weighed('recruiting', (times) => Math.sqrt(times) / 2),
    hostile: weighed('hostile', () => 1),
  }
}

/** Comments of sessions, each with the label of its session. */
export const sessionLines = (sessions: readonly Conversation[]): ToneLine[] =>
  sessions.flatMap(({ messages, harmful }) => messages.map(({ text }) => ({ text, has: harmful, weight: 1 })))

/** Texts of the shared data sets with a category each; every line of at most `longest` characters. */
export function dataLines(
  folder: string,
  set: string,
  hasTone: (category: string) => boolean | null,
  most: number,
  weight = 1,
): ToneLine[] {
  const path = join(folder, set, 'train.jsonl')
  if (!existsSync(path)) throw new Error(`${path} is not there; give DATA=<folder of the shared data sets>`)
  const lines: ToneLine[] = []
  for (const row of readFileSync(path, 'utf8').split('\n')) {
    if (row === '') continue
    const { text, category } = JSON.parse(row) as { text: string; category: string | null }
    const has = category === null ? null : hasTone(category)
    if (has === null || text.length > 120) continue
    lines.push({ text, has, weight })
  }
  return new Random(17).shuffle(lines).slice(0, most)
}

type FittedTone = TonesFile[Tone]

export function fitTones(lines: ToneLines): Record<Tone, FittedTone> {
  const entries = TONES.map((tone) => [tone, fitTone(tone, lines[tone])] as const)
  return Object.fromEntries(entries) as Record<Tone, FittedTone>
}

export const toneModel = (lines: ToneLines): ToneModel => new ToneModel(fitTones(lines))

/** Lines of the sets whose licence allows it (Apache-2.0, MIT): what is fitted on them is in every installation. */
const openHostileLines = (folder: string): ToneLine[] => [
  ...dataLines(folder, 'coldataset', isHostile, 16_000),
  ...dataLines(folder, 'swsr', isHostile, 6_000),
  ...dataLines(folder, 'davidson-hate', isHostile, 4_000),
]
const isHostile = (category: string) => category !== 'benign'

/** What the tones are fitted from: lines of simulated conversations, templates written here, and the sets that may be shipped. */
export function toneLines(dataFolder: string, wordings: readonly WordingName[]): ToneLines {
  const lines = simulatedLines(wordings, LINES_SEED)
  const templates = new Random(LINES_SEED)
    .shuffle(syntheticTexts('train', LINES_SEED))
    .filter(({ category }) => category === 'abuse_bullying' || category === 'benign')
    .slice(0, 20_000)
    .map(({ text, category }) => ({ text, has: category !== 'benign', weight: 1 }))
  return { ...lines, hostile: [...lines.hostile, ...templates, ...openHostileLines(dataFolder)] }
}
const LINES_SEED = 11

const EPOCHS: Readonly<Record<Tone, number>> = { approach: 12, recruiting: 24, hostile: 12 }
const RATE = 0.25
const L2 = 2e-5

/** A linear model by AdaGrad, both classes of equal weight, quantised to signed bytes. */
export function fitTone(tone: Tone, lines: readonly ToneLine[]): FittedTone {
  const random = new Random(23)
  const samples = lines.map(({ text, has, weight }) => ({
    grams: toneGrams(tone, foldedOf(text)),
    has,
    weight,
  }))
  const total = (has: boolean) =>
    samples.reduce((sum, each) => (each.has === has ? sum + each.weight : sum), 0)
  const share = { true: total(true), false: total(false) }
  const balance = (has: boolean) => (share.true + share.false) / (2 * (has ? share.true : share.false))
  const [ofHas, ofNot] = [balance(true), balance(false)]
  const weights = new Float64Array(TONE_DIMENSIONS[tone])
  const squares = new Float64Array(TONE_DIMENSIONS[tone]).fill(1e-6)
  let bias = 0
  let biasSquare = 1e-6
  for (let epoch = 0; epoch < EPOCHS[tone]; epoch++) {
    for (const { grams, has, weight } of random.shuffle(samples)) {
      if (grams.length === 0) continue
      const scale = toneScale(tone, grams.length)
      let logit = bias
      for (const gram of grams) logit += weights[gram]! * scale
      const error = weight * (has ? ofHas : ofNot) * (1 / (1 + Math.exp(-logit)) - (has ? 1 : 0))
      biasSquare += error * error
      bias -= (RATE * error) / Math.sqrt(biasSquare)
      for (const gram of grams) {
        const gradient = error * scale + L2 * weights[gram]!
        squares[gram]! += gradient * gradient
        weights[gram]! -= (RATE * gradient) / Math.sqrt(squares[gram]!)
      }
    }
  }
  let largest = 1e-6
  for (const weight of weights) largest = Math.max(largest, Math.abs(weight))
  const scale = largest / 127
  const bytes = Int8Array.from(
    weights,
    (weight) => Math.round(weight / scale) || (weight === 0 ? 0 : Math.sign(weight)),
  )
  return {
    bias: Number(bias.toFixed(4)),
    scale: Number(scale.toPrecision(6)),
    weights: Buffer.from(bytes.buffer).toString('base64'),
  }
}
