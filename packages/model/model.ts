import { createHash } from 'node:crypto'
import type { Category } from '@wardline/events'
import { Features, LONGEST_FOLDED, LONGEST_PHONETIC } from './features.ts'
import { decodeWeights, type Profile, WAYS, type Weights } from './weights-file.ts'

/** What the model makes of one text. */
export interface ModelScores {
  /** Probability that the text is harmful at all. */
  readonly harmful: number
  /** Score by index of `categories`; the highest equals `harmful`. Reused by the next call. */
  readonly categories: Float64Array
}

/** A part of a form that speaks for a category. */
export interface Contribution {
  readonly form: 'FOLDED' | 'PHONETIC'
  /** Range in the form, in UTF-16 code units. */
  readonly start: number
  readonly end: number
  /** Share of the margin: weight of the n-gram under the category's heads, above 0. */
  readonly weight: number
}

/** A linear model over hashed n-grams. Not shared between threads: buffers are reused from text to text. */
export interface Model {
  /** Profile and first 12 hexadecimal digits of the SHA-256 of the file, as in open-1a2b3c4d5e6f. */
  readonly version: string
  readonly profile: Profile
  readonly categories: readonly Category[]
  /** Scores a text by its comparison forms, as `makeForms` makes them. */
  score(folded: string, phonetic: string): ModelScores
  /** What in the text scored last speaks for a category (its index), n-gram by n-gram, unordered. */
  contributions(category: number): Contribution[]
}

/** Makes a model of the bytes of its file. Throws InvalidModelFile. */
export function readModel(file: Uint8Array): Model {
  const weights = decodeWeights(file)
  const hash = createHash('sha256').update(file).digest('hex').slice(0, 12)
  return createModel(weights, `${weights.profile}-${hash}`)
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x))

/** As many n-grams as this are taken for known and silent, so that a few characters alone do not say much. */
const PRIOR_GRAMS = 30

/** Scale of a margin by the number of different known n-grams in the text: long texts have margins of the same size as short ones. */
export const marginScale = (known: number): number => 1 / Math.sqrt(known + PRIOR_GRAMS)

/**
 * A long text is read by windows, too, so that harm does not vanish in what stands around it: the worst window says as
 * much as the whole. Code units of the folded form; each window begins a step after the one before it.
 */
const WINDOW = 120
const WINDOW_STEP = 60
/** Texts up to this length are read as a whole only. */
const WINDOWED_FROM = 150

/**
 * What the head for harmful at all and the likeliest category say together: more than either where they agree, less than
 * the surer one where the other has seen nothing. Their errors differ, so this orders texts better than the higher of
 * the two; the constant is the one with the best mean F1 on held-out texts (docs/detection.md, "The model").
 */
const joined = (harmful: number, likeliest: number): number =>
  2 * Math.log(Math.exp(harmful / 2) + Math.exp(likeliest / 2)) - 0.9

const windowsOf = (length: number): number => Math.ceil((length - (WINDOW - WINDOW_STEP)) / WINDOW_STEP)

export function createModel(weights: Weights, version: string): Model {
  const {
    categories,
    bucketBits,
    biases,
    slopes,
    offsets,
    tags,
    byCategory,
    harmful: harmfulWeights,
  } = weights
  const kinds = categories.length
  const heads = kinds + 1
  const mask = 2 ** bucketBits - 1
  const features = new Features()
  /** By feature of the text its slot, -1 where it is not known. */
  let slots = new Int32Array(0)
  /** The known n-grams of the text, each once: their slots, and of those that have weights for categories the rows. */
  let knownSlots = new Int32Array(0)
  let rows = new Int32Array(0)
  /** A bit a slot: whether the text has been found to hold it. All zero between two texts; small enough to stay near the processor. */
  const isFound = new Uint8Array(tags.length / 8)
  /** What was read ahead is put here, so that the reading is not taken for idle. */
  const readAhead = new Float64Array(1)
  const margins = new Float64Array(heads)
  const scores = new Float64Array(kinds)
  /** How many n-grams of the text are known, and how many of these have weights for categories. */
  let known = 0
  let telling = 0
  /** Weights summed by window, and how many n-grams each knows. */
  const sums = new Float64Array(windowsOf(LONGEST_FOLDED) * heads)
  const knownIn = new Uint32Array(windowsOf(LONGEST_FOLDED))
  const tellingIn = new Uint32Array(windowsOf(LONGEST_FOLDED))
  /** By slot the number after the last window that counted it: an n-gram counts once a window. */
  const countedUpTo = new Uint8Array(tags.length)
  const windowMargins = new Float64Array(heads)
  const worstMargins = new Float64Array(heads)

  const slotOf = (id: number): number => {
    const tag = id >>> 16 || 1
    const bucket = (id & mask) * WAYS
    for (let way = bucket; way < bucket + WAYS; way++) if (tags[way] === tag) return way
    return -1
  }

  /**
   * Sums the weights of the text's n-grams, each once: most of what a text costs. The tables have megabytes, and nearly
   * each look into one waits for memory. So every loop looks into one table only, and those that branch on what they
   * find, or read long rows, come after one that does not: the processor then waits for many places at once.
   */
  const sumText = (): void => {
    const { ids, count } = features
    if (slots.length < count) {
      slots = new Int32Array(ids.length)
      knownSlots = new Int32Array(ids.length)
      rows = new Int32Array(ids.length)
    }
    let ahead = 0
    for (let i = 0; i < count; i++) ahead ^= tags[(ids[i]! & mask) * WAYS]!
    known = 0
    for (let i = 0; i < count; i++) {
      const slot = slotOf(ids[i]!)
      slots[i] = slot
      if (slot < 0) continue
      const bit = 1 << (slot & 7)
      if ((isFound[slot >>> 3]! & bit) !== 0) continue
      isFound[slot >>> 3]! |= bit
      knownSlots[known++] = slot
    }
    telling = 0
    for (let i = 0; i < known; i++) {
      const slot = knownSlots[i]!
      isFound[slot >>> 3] = 0
      if (slot % WAYS === 0) rows[telling++] = (slot / WAYS) * kinds
    }
    let harmful = 0
    for (let i = 0; i < known; i++) harmful += harmfulWeights[knownSlots[i]!]!
    for (let i = 0; i < telling; i++) ahead += byCategory[rows[i]!]! + byCategory[rows[i]! + kinds - 1]!
    readAhead[0] = ahead
    margins.fill(0)
    margins[0] = harmful
    for (let i = 0; i < telling; i++) {
      const row = rows[i]!
      for (let kind = 0; kind < kinds; kind++) margins[kind + 1]! += byCategory[row + kind]!
    }
  }

  /** Sums the weights of each window's n-grams, each once a window. */
  const sumWindows = (windows: number, pace: number): void => {
    sums.fill(0, 0, windows * heads)
    knownIn.fill(0, 0, windows)
    tellingIn.fill(0, 0, windows)
    const { starts, count, firstToken } = features
    for (let i = 0; i < count; i++) {
      const slot = slots[i]!
      if (slot < 0) continue
      const place = i < firstToken ? starts[i]! : starts[i]! * pace
      // An n-gram belongs to the window that begins with its step, and to the one before.
      const step = Math.floor(place / WINDOW_STEP)
      const last = Math.min(step, windows - 1)
      const row = (slot / WAYS) * kinds
      for (let window = Math.max(countedUpTo[slot]!, step - 1); window <= last; window++) {
        knownIn[window]!++
        const at = window * heads
        sums[at]! += harmfulWeights[slot]!
        if (slot % WAYS !== 0) continue
        tellingIn[window]!++
        for (let kind = 0; kind < kinds; kind++) sums[at + 1 + kind]! += byCategory[row + kind]!
      }
      countedUpTo[slot] = last + 1
    }
    for (let i = 0; i < count; i++) if (slots[i]! >= 0) countedUpTo[slots[i]!] = 0
  }

  /** Makes calibrated margins of sums that begin at `from`. */
  const calibrate = (
    summed: Float64Array,
    from: number,
    known: number,
    telling: number,
    into: Float64Array,
  ): void => {
    let scale = marginScale(known)
    for (let head = 0; head < heads; head++) {
      if (head === 1) scale = marginScale(telling)
      into[head] = slopes[head]! * (summed[from + head]! * scale + biases[head]!) + offsets[head]!
    }
  }

  const likeliestOf = (calibrated: Float64Array): number => {
    let likeliest = Number.NEGATIVE_INFINITY
    for (let head = 1; head < heads; head++) if (calibrated[head]! > likeliest) likeliest = calibrated[head]!
    return likeliest
  }

  return {
    version,
    profile: weights.profile,
    categories,
    score(folded, phonetic) {
      features.read(folded, phonetic)
      sumText()
      calibrate(margins, 0, known, telling, margins)
      const length = Math.min(folded.length, LONGEST_FOLDED)
      if (length > WINDOWED_FROM) {
        const windows = windowsOf(length)
        // Syllables have their places in the phonetic form: near enough in step with the folded one.
        sumWindows(windows, length / Math.min(phonetic.length, LONGEST_PHONETIC))
        let worst = Number.NEGATIVE_INFINITY
        for (let window = 0; window < windows; window++) {
          calibrate(sums, window * heads, knownIn[window]!, tellingIn[window]!, windowMargins)
          const margin = joined(windowMargins[0]!, likeliestOf(windowMargins))
          if (margin <= worst) continue
          worst = margin
          worstMargins.set(windowMargins)
        }
        for (let head = 0; head < heads; head++) margins[head] = (margins[head]! + worstMargins[head]!) / 2
      }
      const likeliest = likeliestOf(margins)
      const harmful = sigmoid(joined(margins[0]!, likeliest))
      // The likeliest category gets what the heads say together, and the others follow in proportion.
      const share = harmful / sigmoid(likeliest)
      for (let head = 1; head < heads; head++) scores[head - 1] = sigmoid(margins[head]!) * share
      return { harmful, categories: scores }
    },
    contributions(category) {
      const found: Contribution[] = []
      for (let i = 0; i < features.count; i++) {
        const slot = slotOf(features.ids[i]!)
        if (slot < 0) continue
        const ofCategory = slot % WAYS === 0 ? byCategory[(slot / WAYS) * kinds + category]! : 0
        const weight = harmfulWeights[slot]! + ofCategory
        if (weight <= 0) continue
        found.push({
          form: i < features.firstToken ? 'FOLDED' : 'PHONETIC',
          start: features.starts[i]!,
          end: features.ends[i]!,
          weight,
        })
      }
      return found
    },
  }
}
