import { createHash } from 'node:crypto'
import type { Category } from '@wardline/events'
import { Features } from './features.ts'
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

export function createModel(weights: Weights, version: string): Model {
  const { categories, bucketBits, biases, slopes, offsets, tags, values } = weights
  const heads = categories.length + 1
  const mask = 2 ** bucketBits - 1
  const features = new Features()
  /** By slot the turn in which it was last met: an n-gram counts once a text. */
  const met = new Uint32Array(tags.length)
  let turn = 0
  const margins = new Float64Array(heads)
  const scores = new Float64Array(categories.length)

  const slotOf = (id: number): number => {
    const tag = id >>> 16 || 1
    const bucket = (id & mask) * WAYS
    for (let way = bucket; way < bucket + WAYS; way++) if (tags[way] === tag) return way
    return -1
  }

  return {
    version,
    profile: weights.profile,
    categories,
    score(folded, phonetic) {
      features.read(folded, phonetic)
      margins.fill(0)
      if (++turn === 2 ** 32) {
        met.fill(0)
        turn = 1
      }
      let known = 0
      const { ids, count } = features
      // Plain loops over typed arrays: this is most of what a text costs.
      for (let i = 0; i < count; i++) {
        const slot = slotOf(ids[i]!)
        if (slot < 0 || met[slot] === turn) continue
        met[slot] = turn
        known++
        const row = slot * heads
        for (let head = 0; head < heads; head++) margins[head]! += values[row + head]!
      }
      const scale = marginScale(known)
      let highest = Number.NEGATIVE_INFINITY
      for (let head = 0; head < heads; head++) {
        margins[head] = slopes[head]! * (margins[head]! * scale + biases[head]!) + offsets[head]!
        if (head > 0 && margins[head]! > highest) highest = margins[head]!
      }
      // The head for harmful at all knows that a text is harmful where no category head is sure of its kind; then
      // the likeliest category is raised to what that head says, and the others with it.
      const likeliest = sigmoid(highest)
      const harmful = Math.max(likeliest, sigmoid(margins[0]!))
      const raised = harmful / likeliest
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
