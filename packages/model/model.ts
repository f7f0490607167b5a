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

const windowsOf = (length: number): number => Math.ceil((length - (WINDOW - WINDOW_STEP)) / WINDOW_STEP)

export function createModel(weights: Weights, version: string): Model {
  const { categories, bucketBits, biases, slopes, offsets, lenience, tags, values } = weights
  const heads = categories.length + 1
  const mask = 2 ** bucketBits - 1
  const features = new Features()
  /** By slot the turn in which it was last met: an n-gram counts once a text. */
  const met = new Uint32Array(tags.length)
  let turn = 0
  /** By feature of the text its slot, -1 where it is not known. */
  let slots = new Int32Array(features.ids.length)
  const margins = new Float64Array(heads)
  const scores = new Float64Array(categories.length)
  /** Weights summed by window, and how many n-grams each knows. */
  const sums = new Float64Array(windowsOf(LONGEST_FOLDED) * heads)
  const knownIn = new Uint32Array(windowsOf(LONGEST_FOLDED))
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

  /** Sums the weights of the text's n-grams, each once. Returns how many are known. */
  const sumText = (): number => {
    margins.fill(0)
    if (++turn === 2 ** 32) {
      met.fill(0)
      turn = 1
    }
    let known = 0
    const { ids, count } = features
    if (slots.length < ids.length) slots = new Int32Array(ids.length)
    // Plain loops over typed arrays: this is most of what a text costs.
    for (let i = 0; i < count; i++) {
      const slot = slotOf(ids[i]!)
      slots[i] = slot
      if (slot < 0 || met[slot] === turn) continue
      met[slot] = turn
      known++
      const row = slot * heads
      for (let head = 0; head < heads; head++) margins[head]! += values[row + head]!
    }
    return known
  }

  /** Sums the weights of each window's n-grams, each once a window. */
  const sumWindows = (windows: number, pace: number): void => {
    sums.fill(0, 0, windows * heads)
    knownIn.fill(0, 0, windows)
    const { starts, count, firstToken } = features
    for (let i = 0; i < count; i++) {
      const slot = slots[i]!
      if (slot < 0) continue
      const place = i < firstToken ? starts[i]! : starts[i]! * pace
      // An n-gram belongs to the window that begins with its step, and to the one before.
      const step = Math.floor(place / WINDOW_STEP)
      const last = Math.min(step, windows - 1)
      const row = slot * heads
      for (let window = Math.max(countedUpTo[slot]!, step - 1); window <= last; window++) {
        knownIn[window]!++
        const at = window * heads
        for (let head = 0; head < heads; head++) sums[at + head]! += values[row + head]!
      }
      countedUpTo[slot] = last + 1
    }
    for (let i = 0; i < count; i++) if (slots[i]! >= 0) countedUpTo[slots[i]!] = 0
  }

  /** Makes calibrated margins of sums that begin at `from`. Returns the highest of all heads. */
  const calibrate = (summed: Float64Array, from: number, known: number, into: Float64Array): number => {
    const scale = marginScale(known)
    let highest = Number.NEGATIVE_INFINITY
    for (let head = 0; head < heads; head++) {
      const margin = slopes[head]! * (summed[from + head]! * scale + biases[head]!) + offsets[head]!
      into[head] = margin
      if (margin > highest) highest = margin
    }
    return highest
  }

  return {
    version,
    profile: weights.profile,
    categories,
    score(folded, phonetic) {
      features.read(folded, phonetic)
      let highest = calibrate(margins, 0, sumText(), margins)
      const length = Math.min(folded.length, LONGEST_FOLDED)
      if (length > WINDOWED_FROM) {
        const windows = windowsOf(length)
        // Syllables have their places in the phonetic form: near enough in step with the folded one.
        sumWindows(windows, length / Math.min(phonetic.length, LONGEST_PHONETIC))
        let worst = Number.NEGATIVE_INFINITY
        for (let window = 0; window < windows; window++) {
          const margin = calibrate(sums, window * heads, knownIn[window]!, windowMargins)
          if (margin <= worst) continue
          worst = margin
          worstMargins.set(windowMargins)
        }
        highest = (highest + worst) / 2
        for (let head = 0; head < heads; head++) margins[head] = (margins[head]! + worstMargins[head]!) / 2
      } else {
        // Of a long text the worst window is lenient enough.
        highest += lenience
        for (let head = 0; head < heads; head++) margins[head]! += lenience
      }
      let likeliest = Number.NEGATIVE_INFINITY
      for (let head = 1; head < heads; head++) if (margins[head]! > likeliest) likeliest = margins[head]!
      // The head for harmful at all knows that a text is harmful where no category head is sure of its kind; then
      // the likeliest category is raised to what that head says, and the others with it.
      const harmful = sigmoid(highest)
      const raised = harmful / sigmoid(likeliest)
      for (let head = 1; head < heads; head++) scores[head - 1] = sigmoid(margins[head]!) * raised
      return { harmful, categories: scores }
    },
    contributions(category) {
      const found: Contribution[] = []
      for (let i = 0; i < features.count; i++) {
        const slot = slotOf(features.ids[i]!)
        if (slot < 0) continue
        const row = slot * heads
        const weight = values[row]! + values[row + 1 + category]!
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
