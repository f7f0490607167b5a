/**
 * Aho–Corasick over UTF-16 code units: finds every occurrence of many patterns in one pass. Transitions are in one
 * open-addressed hash table of integers, so that matching allocates nothing and touches two typed arrays.
 *
 * Written here because matching is what Wardline is for; `make bench-classify` holds it against a library.
 */
export class Automaton {
  /** Hash table: state * 65536 + code unit + 1 (0: free), and the state it leads to. */
  readonly #keys: Float64Array
  readonly #targets: Int32Array
  readonly #mask: number
  readonly #fail: Int32Array
  /** Pattern that ends in a state, -1 for none; then the next state on the way of fails that ends one. */
  readonly #pattern: Int32Array
  readonly #nextOutput: Int32Array
  /** Transitions of the root by code unit: most code units of a text begin no pattern. */
  readonly #root = new Int32Array(0x10000)
  readonly lengths: Int32Array

  /** Empty patterns are never found; of equal patterns the last is reported. */
  constructor(patterns: readonly string[]) {
    const edges: Map<number, number>[] = [new Map()]
    const ends: number[] = [-1]
    for (const [index, pattern] of patterns.entries()) {
      if (pattern === '') continue
      let state = 0
      for (let i = 0; i < pattern.length; i++) {
        const code = pattern.charCodeAt(i)
        let next = edges[state]!.get(code)
        if (next === undefined) {
          next = edges.length
          edges.push(new Map())
          ends.push(-1)
          edges[state]!.set(code, next)
        }
        state = next
      }
      ends[state] = index
    }

    const states = edges.length
    let size = 16
    while (size < states * 2) size *= 2
    this.#mask = size - 1
    this.#keys = new Float64Array(size)
    this.#targets = new Int32Array(size)
    this.#fail = new Int32Array(states)
    this.#pattern = Int32Array.from(ends)
    this.#nextOutput = new Int32Array(states).fill(-1)
    this.lengths = Int32Array.from(patterns, (pattern) => pattern.length)

    for (let state = 0; state < states; state++) {
      for (const [code, target] of edges[state]!) {
        if (state === 0) this.#root[code] = target
        else this.#insert(state, code, target)
      }
    }
    const queue: number[] = [...edges[0]!.values()]
    for (let head = 0; head < queue.length; head++) {
      const state = queue[head]!
      const fail = this.#fail[state]!
      this.#nextOutput[state] = this.#pattern[fail]! >= 0 ? fail : this.#nextOutput[fail]!
      for (const [code, target] of edges[state]!) {
        this.#fail[target] = this.#step(fail, code)
        queue.push(target)
      }
    }
  }

  /** Calls `found` with each pattern's index and the offset after its last code unit, in order of the ends. */
  scan(text: string, found: (pattern: number, end: number) => void): void {
    let state = 0
    for (let i = 0; i < text.length; i++) {
      state = this.#step(state, text.charCodeAt(i))
      if (state === 0) continue
      let output = this.#pattern[state]! >= 0 ? state : this.#nextOutput[state]!
      while (output > 0) {
        found(this.#pattern[output]!, i + 1)
        output = this.#nextOutput[output]!
      }
    }
  }

  #step(from: number, code: number): number {
    let state = from
    while (state !== 0) {
      const target = this.#find(state, code)
      if (target !== 0) return target
      state = this.#fail[state]!
    }
    return this.#root[code]!
  }

  #find(state: number, code: number): number {
    const key = state * 65_536 + code + 1
    let slot = (Math.imul(state, 0x9e3779b1) ^ Math.imul(code, 0x85ebca6b)) & this.#mask
    for (;;) {
      const there = this.#keys[slot]!
      if (there === key) return this.#targets[slot]!
      if (there === 0) return 0
      slot = (slot + 1) & this.#mask
    }
  }

  #insert(state: number, code: number, target: number): void {
    let slot = (Math.imul(state, 0x9e3779b1) ^ Math.imul(code, 0x85ebca6b)) & this.#mask
    while (this.#keys[slot] !== 0) slot = (slot + 1) & this.#mask
    this.#keys[slot] = state * 65_536 + code + 1
    this.#targets[slot] = target
  }
}
