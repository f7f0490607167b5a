import { gramsOf, Idf } from './vectors.ts'

/**
 * The contrastive rare-class score of Roblox Sentinel (github.com/Roblox/Sentinel, `sentinel_local_index.py` and
 * `score_formulae.py`): each message is compared with examples of the rare and of the common class; of its five nearest
 * neighbours of both together, log(mean(exp(sim+)) / mean(exp(sim-))), cut off below 0.1; a sender's messages are joined by
 * (mean - median) / standard deviation, 0 below `leastMessages` of them. Five common examples to a rare one.
 *
 * Where this differs: similarities are cosines of hashed n-gram tf-idf vectors, since no sentence encoder is at hand here; the
 * original recommends all-MiniLM-L6-v2, for English.
 */
export class SentinelIndex {
  readonly #idf = new Idf()
  /** By dimension: rows that have it and their values. Rows below `#rare` are the rare class. */
  readonly #columns = new Map<number, { rows: number[]; values: number[] }>()
  readonly #rare: number
  readonly #rows: number
  readonly #scores = new Map<string, number>()

  constructor(rare: readonly string[], common: readonly string[]) {
    const texts = [...rare, ...common]
    const grams = texts.map(gramsOf)
    for (const each of grams) this.#idf.add(each)
    for (const [row, each] of grams.entries()) {
      for (const [at, value] of this.#idf.vector(each)) {
        const column = this.#columns.get(at) ?? { rows: [], values: [] }
        column.rows.push(row)
        column.values.push(value)
        this.#columns.set(at, column)
      }
    }
    this.#rare = rare.length
    this.#rows = texts.length
  }

  /** Score of one message, 0 or at least 0.1. */
  observe(text: string): number {
    const known = this.#scores.get(text)
    if (known !== undefined) return known
    const similarities = new Float64Array(this.#rows)
    for (const [at, value] of this.#idf.vector(gramsOf(text))) {
      const column = this.#columns.get(at)
      if (!column) continue
      for (let i = 0; i < column.rows.length; i++) similarities[column.rows[i]!]! += value * column.values[i]!
    }
    const positive = nearest(similarities, 0, this.#rare)
    const negative = nearest(similarities, this.#rare, this.#rows)
    const merged = [
      ...positive.map((score) => ({ score, rare: true })),
      ...negative.map((score) => ({ score, rare: false })),
    ]
      .sort((a, b) => b.score - a.score)
      .slice(0, TOP)
    let rare = merged.filter((each) => each.rare).map(({ score }) => score)
    let common = merged.filter((each) => !each.rare).map(({ score }) => score)
    if (rare.length === 0) rare = [positive[0] ?? 0]
    if (common.length === 0) common = [negative[0] ?? 0]
    const ratio = meanExp(rare) / meanExp(common)
    const contrast = ratio <= 1 ? 0 : Math.log(ratio)
    const score = contrast < LEAST_SCORE ? 0 : contrast
    if (this.#scores.size < 200_000) this.#scores.set(text, score)
    return score
  }
}

const TOP = 5
const LEAST_SCORE = 0.1

/** The sender's score over what it sent: skewness as the original computes it. */
export function skewness(scores: readonly number[], leastMessages: number): number {
  if (scores.length < leastMessages) return 0
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length
  const sorted = [...scores].sort((a, b) => a - b)
  const half = sorted.length >> 1
  const median = sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2
  const deviation = Math.sqrt(scores.reduce((sum, score) => sum + (score - mean) ** 2, 0) / scores.length)
  return deviation === 0 ? 0 : (mean - median) / deviation
}

function nearest(similarities: Float64Array, from: number, to: number): number[] {
  const best: number[] = []
  for (let row = from; row < to; row++) {
    const score = similarities[row]!
    if (best.length === TOP && score <= best[TOP - 1]!) continue
    let i = best.length
    while (i > 0 && best[i - 1]! < score) i--
    best.splice(i, 0, score)
    if (best.length > TOP) best.pop()
  }
  return best
}

const meanExp = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + Math.exp(value), 0) / values.length
