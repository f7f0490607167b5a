import { makeForms } from '@wardline/text'

/** Hashed n-grams of one to three characters of a text's folded form, as sparse counts. */
export const DIMENSIONS = 2 ** 18
export type Sparse = ReadonlyMap<number, number>

export function gramsOf(text: string): Map<number, number> {
  const folded = makeForms(text).find((form) => form.form === 'FOLDED')?.text ?? ''
  const grams = new Map<number, number>()
  for (let i = 0; i < folded.length; i++) {
    let hash = 0x811c9dc5
    for (let n = 0; n < 3 && i + n < folded.length; n++) {
      hash = Math.imul(hash ^ folded.charCodeAt(i + n), 0x01000193)
      let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b) + n
      mixed ^= mixed >>> 13
      const at = (mixed >>> 0) % DIMENSIONS
      grams.set(at, (grams.get(at) ?? 0) + 1)
    }
  }
  return grams
}

/** Inverse document frequencies: log((1 + N) / (1 + n)) + 1. */
export class Idf {
  readonly #documents = new Float64Array(DIMENSIONS)
  #count = 0

  add(grams: Sparse): void {
    this.#count++
    for (const at of grams.keys()) this.#documents[at]!++
  }

  of(at: number): number {
    return Math.log((1 + this.#count) / (1 + this.#documents[at]!)) + 1
  }

  /** Unit vector of sublinear tf-idf. */
  vector(grams: Sparse): Map<number, number> {
    const vector = new Map<number, number>()
    let square = 0
    for (const [at, count] of grams) {
      const value = (1 + Math.log(count)) * this.of(at)
      vector.set(at, value)
      square += value * value
    }
    const scale = square === 0 ? 0 : 1 / Math.sqrt(square)
    for (const [at, value] of vector) vector.set(at, value * scale)
    return vector
  }
}
