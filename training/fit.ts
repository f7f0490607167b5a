import { marginScale, WAYS } from '@wardline/model'
import { Random } from '@wardline/sample-feed/random'
import type { Corpus } from './corpus.ts'

export interface FitOptions {
  readonly seed: number
  readonly bucketBits: number
  /** An n-gram that occurs fewer times is left out. */
  readonly leastCount: number
  readonly epochs: number
  readonly rate: number
  /** What AdaGrad's sums of squares begin with: damps the first steps of a weight, and so what rare n-grams learn. */
  readonly damping: number
}

/** Tags and weights as in the file of a model, before calibration. */
export interface Fit {
  readonly tags: Uint16Array
  readonly harmful: Float32Array
  readonly byCategory: Float32Array
  readonly biases: Float64Array
}

/**
 * Chooses the n-grams that tell most, then fits one logistic regression a head by AdaGrad (Duchi, Hazan and Singer,
 * 2011), the weights averaged over the last epoch. Texts that are held out are not looked at. The same corpus and
 * options give the same bytes.
 */
export function fit(corpus: Corpus, options: FitOptions, log: (line: string) => void): Fit {
  const tags = select(corpus, options, log)
  const slots = slotsOf(corpus, tags, options.bucketBits)
  return { tags, ...descend(corpus, slots, tags.length, options, log) }
}

const COUNTER_BITS = 26
/** What one occurrence in a disguised copy counts where n-grams are chosen: most n-grams of copies occur in no other text. */
const DISGUISED_SHARE = 0.3

/** Tags of the n-grams that the model holds: of each bucket, the WAYS n-grams that tell most, the best one first. */
export function select(corpus: Corpus, options: FitOptions, log: (line: string) => void): Uint16Array {
  const { ids, starts, targets, heads, heldOut, disguised } = corpus
  const counters = new Uint8Array(2 ** COUNTER_BITS)
  const counterMask = 2 ** COUNTER_BITS - 1
  const end = starts[corpus.count]!
  for (let i = 0; i < end; i++) {
    const at = ids[i]! & counterMask
    if (counters[at]! < 255) counters[at]!++
  }
  let candidates = 0
  for (const counter of counters) if (counter >= options.leastCount) candidates++
  // Open addressing by id at a load of a half; several ids may share a counter, hence the room.
  const bits = Math.ceil(Math.log2(Math.max(16, candidates * 3)))
  const tableMask = 2 ** bits - 1
  const keys = new Uint32Array(2 ** bits)
  /** A head's column counts how often the n-gram stands in texts that the head applies to; column `heads` in all. */
  const columns = heads + 1
  const counts = new Float32Array(2 ** bits * columns)
  const totals = new Float64Array(columns)
  let distinct = 0
  for (let text = 0; text < corpus.count; text++) {
    if (heldOut[text] === 1) continue
    for (let i = starts[text]!; i < starts[text + 1]!; i++) {
      const id = ids[i]! || 1
      if (counters[id & counterMask]! < options.leastCount) continue
      let slot = Math.imul(id, 0x9e3779b1) >>> (32 - bits)
      while (keys[slot] !== 0 && keys[slot] !== id) slot = (slot + 1) & tableMask
      if (keys[slot] === 0) {
        keys[slot] = id
        if (++distinct * 1.25 > keys.length)
          throw new RangeError('more distinct n-grams than the table holds')
      }
      const row = slot * columns
      const share = disguised[text] === 1 ? DISGUISED_SHARE : 1
      for (let head = 0; head < heads; head++) {
        if (targets[text * heads + head] === 1) {
          counts[row + head]! += share
          totals[head]! += share
        }
      }
      counts[row + heads]! += share
      totals[heads]! += share
    }
  }
  const all = totals[heads]!
  const buckets = 2 ** options.bucketBits
  const tags = new Uint16Array(buckets * WAYS)
  const ranks = new Float32Array(buckets * WAYS)
  for (let slot = 0; slot < keys.length; slot++) {
    const id = keys[slot]!
    const row = slot * columns
    const total = counts[row + heads]!
    if (id === 0 || total < options.leastCount) continue
    let rank = 0
    for (let head = 0; head < heads; head++) {
      if (totals[head] === 0) continue
      const share = totals[head]! / all
      rank = Math.max(rank, logLikelihoodRatio(counts[row + head]!, total, share) / Math.sqrt(share))
    }
    // Sinks to its place among the best of its bucket.
    const bucket = (id & (buckets - 1)) * WAYS
    let tag = id >>> 16 || 1
    for (let way = bucket; way < bucket + WAYS; way++) {
      if (tags[way] !== 0 && ranks[way]! >= rank) continue
      const [oldTag, oldRank] = [tags[way]!, ranks[way]!]
      tags[way] = tag
      ranks[way] = rank
      tag = oldTag
      rank = oldRank
      if (tag === 0) break
    }
  }
  let used = 0
  for (const tag of tags) if (tag !== 0) used++
  log(`${distinct} n-grams seen ${options.leastCount} times or more; the model holds ${used}`)
  return tags
}

/** G² of seeing `positive` of `total` where the share is expected (Dunning, 1993). */
function logLikelihoodRatio(positive: number, total: number, share: number): number {
  const negative = total - positive
  let sum = 0
  if (positive > 0) sum += positive * Math.log(positive / (total * share))
  if (negative > 0) sum += negative * Math.log(negative / (total * (1 - share)))
  return 2 * sum
}

/** For each id of the corpus the slot that holds it, or -1. */
export function slotsOf(corpus: Corpus, tags: Uint16Array, bucketBits: number): Int32Array {
  const mask = 2 ** bucketBits - 1
  const end = corpus.starts[corpus.count]!
  const slots = new Int32Array(end).fill(-1)
  for (let i = 0; i < end; i++) {
    const id = corpus.ids[i]!
    const tag = id >>> 16 || 1
    const bucket = (id & mask) * WAYS
    for (let way = bucket; way < bucket + WAYS; way++) {
      if (tags[way] === tag) {
        slots[i] = way
        break
      }
    }
  }
  return slots
}

/** An error below this teaches nothing. */
const SURE = 1e-5

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x))

function descend(
  corpus: Corpus,
  slots: Int32Array,
  size: number,
  options: FitOptions,
  log: (line: string) => void,
): Omit<Fit, 'tags'> {
  const { heads, starts, targets, weights } = corpus
  const kinds = heads - 1
  const harmful = new Float32Array(size)
  const harmfulSquares = new Float32Array(size).fill(options.damping)
  const byCategory = new Float32Array((size / WAYS) * kinds)
  const squares = new Float32Array(byCategory.length).fill(options.damping)
  /** Of one text: slots of its known n-grams, and rows of those that have weights for categories. */
  const known = new Int32Array(longestOf(corpus))
  const telling = new Int32Array(known.length)
  const biases = new Float64Array(heads)
  const biasSquares = new Float64Array(heads).fill(1e-4)
  const margins = new Float64Array(heads)
  const steps = new Float64Array(heads)
  const order = Int32Array.from(
    Array.from({ length: corpus.count }, (_, i) => i).filter((i) => corpus.heldOut[i] === 0),
  )
  const random = new Random(options.seed)
  for (let epoch = 0; epoch < options.epochs; epoch++) {
    shuffle(order, random)
    // The last passes take smaller steps, which is as good as an average and needs no second table.
    const rate = options.rate * (1 - epoch / options.epochs)
    let loss = 0
    for (const text of order) {
      const from = starts[text]!
      const to = starts[text + 1]!
      margins.fill(0)
      let knownCount = 0
      let tellingCount = 0
      for (let i = from; i < to; i++) {
        const slot = slots[i]!
        if (slot < 0) continue
        known[knownCount++] = slot
        margins[0]! += harmful[slot]!
        if (slot % WAYS !== 0) continue
        const row = (slot / WAYS) * kinds
        telling[tellingCount++] = row
        for (let kind = 0; kind < kinds; kind++) margins[kind + 1]! += byCategory[row + kind]!
      }
      for (let head = 0; head < heads; head++) {
        const scale = marginScale(head === 0 ? knownCount : tellingCount)
        const target = targets[text * heads + head]!
        if (target < 0) {
          steps[head] = 0
          continue
        }
        const probability = sigmoid(margins[head]! * scale + biases[head]!)
        const error = (probability - target) * weights[text]!
        if (head === 0) loss -= Math.log(Math.max(1e-12, target === 1 ? probability : 1 - probability))
        biasSquares[head]! += error * error
        biases[head]! -= (rate * 0.1 * error) / Math.sqrt(biasSquares[head]!)
        steps[head] = error * scale
      }
      const step = steps[0]!
      // A head that is sure of a text has nothing to learn from it.
      if (step >= SURE || step <= -SURE) {
        for (let i = 0; i < knownCount; i++) {
          const at = known[i]!
          harmfulSquares[at]! += step * step
          harmful[at]! -= (rate * step) / Math.sqrt(harmfulSquares[at]!)
        }
      }
      for (let i = 0; i < tellingCount; i++) {
        const row = telling[i]!
        for (let kind = 0; kind < kinds; kind++) {
          const step = steps[kind + 1]!
          if (step < SURE && step > -SURE) continue
          const at = row + kind
          squares[at]! += step * step
          byCategory[at]! -= (rate * step) / Math.sqrt(squares[at]!)
        }
      }
    }
    log(`epoch ${epoch + 1}: loss ${(loss / order.length).toFixed(4)}`)
  }
  return { harmful, byCategory, biases }
}

function longestOf({ count, starts }: Corpus): number {
  let longest = 0
  for (let text = 0; text < count; text++) longest = Math.max(longest, starts[text + 1]! - starts[text]!)
  return longest
}

function shuffle(order: Int32Array, random: Random): void {
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.below(i + 1)
    const kept = order[i]!
    order[i] = order[j]!
    order[j] = kept
  }
}
