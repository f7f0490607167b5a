/**
 * Seeded random numbers: sfc32 (Chris Doty-Humphrey, PractRand), 128 bits of state, the same on every
 * machine. The seed is spread over the state by splitmix32 and the first twelve outputs are thrown away.
 */
export class Random {
  #a: number
  #b: number
  #c: number
  #counter = 1

  /** Any finite number; its integer part modulo 2^53 counts. */
  constructor(seed: number) {
    const whole = Math.abs(Math.trunc(seed))
    let mix =
      (whole >>> 0) ^ Math.imul(Math.floor(whole / 2 ** 32) >>> 0, 0x9e3779b1) ^ (seed < 0 ? 0x5bd1e995 : 0)
    const spread = () => {
      mix = (mix + 0x9e3779b9) | 0
      let z = mix ^ (mix >>> 16)
      z = Math.imul(z, 0x21f0aaad)
      z ^= z >>> 15
      z = Math.imul(z, 0x735a2d97)
      return z ^ (z >>> 15)
    }
    this.#a = spread()
    this.#b = spread()
    this.#c = spread()
    for (let i = 0; i < 12; i++) this.next()
  }

  /** 32 random bits as an unsigned integer. */
  next(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0
    return sum >>> 0
  }

  /** 0 (inclusive) to 1 (exclusive). */
  float(): number {
    return this.next() / 4_294_967_296
  }

  /** An integer from 0 to bound - 1. */
  below(bound: number): number {
    return Math.floor((this.next() / 4_294_967_296) * bound)
  }

  /** An integer from low to high, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1)
  }

  chance(probability: number): boolean {
    return this.next() < probability * 4_294_967_296
  }

  /** One of the values; the list must not be empty. */
  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!
  }

  /** A value of the exponential distribution with this mean. */
  exponential(mean: number): number {
    return -mean * Math.log(1 - this.float())
  }

  /** Fisher-Yates, in place. */
  shuffle<T>(values: T[]): T[] {
    for (let i = values.length - 1; i > 0; i--) {
      const j = this.below(i + 1)
      const kept = values[i]!
      values[i] = values[j]!
      values[j] = kept
    }
    return values
  }
}

/** Draws values with given weights in constant time (Walker's alias method, Vose's construction). */
export class WeightedChoice<T> {
  readonly #values: readonly T[]
  readonly #keep: Float64Array
  readonly #alias: Uint32Array

  constructor(values: readonly T[], weights: readonly number[]) {
    if (values.length === 0 || values.length !== weights.length) {
      throw new RangeError(`${values.length} values with ${weights.length} weights`)
    }
    const size = values.length
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    const scaled = weights.map((weight) => (weight * size) / total)
    const small: number[] = []
    const large: number[] = []
    for (let i = 0; i < size; i++) (scaled[i]! < 1 ? small : large).push(i)
    this.#values = values
    this.#keep = new Float64Array(size).fill(1)
    this.#alias = new Uint32Array(size)
    while (small.length > 0 && large.length > 0) {
      const less = small.pop()!
      const more = large.pop()!
      this.#keep[less] = scaled[less]!
      this.#alias[less] = more
      scaled[more] = scaled[more]! + scaled[less]! - 1
      ;(scaled[more]! < 1 ? small : large).push(more)
    }
  }

  draw(random: Random): T {
    const i = random.below(this.#values.length)
    return this.#values[random.float() < this.#keep[i]! ? i : this.#alias[i]!]!
  }
}
