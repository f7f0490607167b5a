import type { Profile } from '@wardline/model'
import { z } from 'zod'
import { parseYaml } from './load.ts'
import type { PolicyFiles, PolicyProblem } from './policy-files.ts'

/** What a line's wording alone speaks for, each for itself: too little to act on, evidence where it adds up over a conversation. */
export const TONES = ['approach', 'recruiting', 'hostile'] as const
export type Tone = (typeof TONES)[number]

/** Log-odds of each tone, natural logarithm, cut off at ±TONE_LIMIT; 0: says nothing either way. */
export type ToneScores = Readonly<Record<Tone, number>>
export const NO_TONES: ToneScores = { approach: 0, recruiting: 0, hostile: 0 }
export const TONE_LIMIT = 6

export const TONES_FILE = 'tones.yaml'
/**
 * Hashed n-grams that a tone tells apart. Recruiting is learnt from few lines and met in words of its own each time: a new
 * n-gram must not fall onto a known one.
 */
export const TONE_DIMENSIONS: Readonly<Record<Tone, number>> = {
  approach: 2 ** 15,
  recruiting: 2 ** 17,
  hostile: 2 ** 15,
}
/** N-grams are hashed for the tone that tells most apart, which so needs no mask. */
const MOST_DIMENSIONS = TONE_DIMENSIONS.recruiting
/** Longest n-gram of characters. */
const LONGEST = 3
/** Further characters say no more about a line. */
const MOST_CHARACTERS = 500

const modelOf = (tone: Tone) =>
  z.strictObject({
    bias: z.number(),
    scale: z.number().positive().describe('what one step of a weight is worth'),
    weights: z.string().describe(`${TONE_DIMENSIONS[tone]} signed bytes as base64`),
  })
export const tonesFile = z.strictObject({
  approach: modelOf('approach'),
  recruiting: modelOf('recruiting'),
  hostile: modelOf('hostile'),
  hostileResearch: modelOf('hostile').describe('hostile, where the model in use is the one for research'),
})
export type TonesFile = z.infer<typeof tonesFile>

/**
 * By the profile of classify's model: what WARDLINE_MODEL=research runs is fitted on sets without a licence, too. The two
 * differ in the hostile tone alone.
 */
export type ToneModels = Readonly<Record<Profile, ToneModel>>

export type LoadedTones =
  | { readonly ok: true; readonly tones: ToneModels }
  | { readonly ok: false; readonly problems: readonly PolicyProblem[] }

/** Reads and checks tones.yaml. */
export function loadTones(files: PolicyFiles): LoadedTones {
  const text = files.get(TONES_FILE)
  if (text === undefined)
    return { ok: false, problems: [{ file: TONES_FILE, line: 1, message: 'is missing' }] }
  const problems: PolicyProblem[] = []
  const { value, lineOf } = parseYaml(TONES_FILE, text, tonesFile, problems)
  for (const name of [...TONES, 'hostileResearch'] as const) {
    const expected = TONE_DIMENSIONS[name === 'hostileResearch' ? 'hostile' : name]
    const size = value ? Buffer.from(value[name].weights, 'base64').length : expected
    if (size !== expected)
      problems.push({
        file: TONES_FILE,
        line: lineOf([name, 'weights']),
        message: `${size} weights; there must be ${expected}`,
      })
  }
  return problems.length > 0 || !value ? { ok: false, problems } : { ok: true, tones: toneModels(value) }
}

export const toneModels = (file: TonesFile): ToneModels => ({
  open: new ToneModel(file),
  research: new ToneModel({ ...file, hostile: file.hostileResearch }),
})

/**
 * What a text of fewer n-grams counts as. Lines of a conversation are short, and a short one does not outshout a long one: ten
 * characters. Hostile ones are learnt from comments of any length, where few characters may say it all.
 */
const LEAST_GRAMS: Readonly<Record<Tone, number>> = { approach: 30, recruiting: 30, hostile: 1 }
/** What the sum over so many n-grams is scaled by: long lines do not outshout short ones. */
export const toneScale = (tone: Tone, count: number): number =>
  1 / Math.sqrt(Math.max(LEAST_GRAMS[tone], count))

/**
 * Three linear models over the hashed n-grams of one to three characters of a folded text, each counted once and the sum
 * scaled by `toneScale`: of all n-grams, of recruiting by those that the model knows, since words that it has never met say
 * nothing and should not thin out those that do. Fitted by `make fit-risk`.
 */
export class ToneModel {
  readonly #weights: readonly Int8Array[]
  readonly #scales: readonly number[]
  readonly #biases: readonly number[]

  constructor(file: Pick<TonesFile, Tone>) {
    const bytes = TONES.map((name) => Buffer.from(file[name].weights, 'base64'))
    this.#weights = bytes.map((each) => new Int8Array(each.buffer, each.byteOffset, each.length))
    this.#scales = TONES.map((name) => file[name].scale)
    this.#biases = TONES.map((name) => file[name].bias)
  }

  scores(folded: string): ToneScores {
    if (folded.length === 0) return NO_TONES
    const count = gramsOf(folded)
    const [approach, recruiting, hostile] = this.#weights as [Int8Array, Int8Array, Int8Array]
    let a = 0
    let r = 0
    let h = 0
    let known = 0
    for (let i = 0; i < count; i++) {
      const gram = grams[i]!
      const weight = recruiting[gram]!
      r += weight
      if (weight !== 0) known++
      a += approach[gram & APPROACH_MASK]!
      h += hostile[gram & HOSTILE_MASK]!
    }
    const logit = (i: number, sum: number, of: number) => {
      const value = this.#biases[i]! + this.#scales[i]! * sum * toneScale(TONES[i]!, of)
      return Math.max(-TONE_LIMIT, Math.min(TONE_LIMIT, value))
    }
    return { approach: logit(0, a, count), recruiting: logit(1, r, known), hostile: logit(2, h, count) }
  }
}
const APPROACH_MASK = TONE_DIMENSIONS.approach - 1
const HOSTILE_MASK = TONE_DIMENSIONS.hostile - 1

/** The hashed n-grams of a folded text as a tone sees them: each once, but for two that fall together there alone. */
export function toneGrams(tone: Tone, folded: string): number[] {
  const mask = TONE_DIMENSIONS[tone] - 1
  return Array.from(grams.subarray(0, gramsOf(folded)), (gram) => gram & mask)
}

/** N-grams of the text at hand, used again for the next one, and which of all there are are among them. */
const grams = new Uint32Array(MOST_CHARACTERS * LONGEST)
const isAmong = new Uint8Array(MOST_DIMENSIONS)

/** Puts a text's n-grams into `grams`; returns how many. A set of numbers cost three times the rest of the model. */
function gramsOf(folded: string): number {
  const length = Math.min(folded.length, MOST_CHARACTERS)
  let count = 0
  for (let i = 0; i < length; i++) {
    let hash = 0x811c9dc5
    for (let n = 0; n < LONGEST && i + n < length; n++) {
      hash = Math.imul(hash ^ folded.charCodeAt(i + n), 0x01000193)
      let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b) + n
      mixed ^= mixed >>> 13
      const gram = (mixed >>> 0) % MOST_DIMENSIONS
      if (isAmong[gram] === 1) continue
      isAmong[gram] = 1
      grams[count++] = gram
    }
  }
  for (let i = 0; i < count; i++) isAmong[grams[i]!] = 0
  return count
}
