import type { Random } from './random.ts'

/** The last `capacity` values. */
export class Recent<T> {
  readonly #values: T[] = []
  readonly #capacity: number
  #next = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get size(): number {
    return this.#values.length
  }

  add(value: T): void {
    if (this.#values.length < this.#capacity) this.#values.push(value)
    else this.#values[this.#next] = value
    this.#next = (this.#next + 1) % this.#capacity
  }

  /** One of them; newer ones are likelier. Undefined where there is none. */
  pick(random: Random): T | undefined {
    const size = this.#values.length
    if (size === 0) return undefined
    const back = Math.floor(random.float() ** 2 * size)
    return this.#values[(this.#next - 1 - back + 2 * size) % size]
  }
}
