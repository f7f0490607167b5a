/**
 * Aho–Corasick over UTF-16 code units: finds every occurrence of many patterns in one pass. Code units are numbered by
 * the patterns' own alphabet; where alphabet times states is small (pinyin) the transitions are one dense table, else an
 * open-addressed hash table of integers. Hits go to a typed array that is used again: matching allocates nothing.
 *
 * Written here because matching is what Wardline is for; `make bench-classify` holds it against libraries.
 */
export class Automaton {
  /** Number of each code unit in the alphabet of the patterns; 0 where no pattern has it. */
  readonly #symbols = new Uint16Array(0x10000)
  readonly #alphabet: number
  /** Dense: next state by state * alphabet + symbol. Empty where the hash table is used. */
  readonly #dense: Int32Array
  /** Hash table: state * alphabet + symbol (0: free), and the state it leads to. */
  readonly #keys: Int32Array
  readonly #targets: Int32Array
  readonly #mask: number
  readonly #fail: Int32Array
  /** Transitions of the root by symbol: most characters of a text begin no pattern. */
  readonly #root: Int32Array
  /** First pattern that ends in a state, then the next state on the way of fails that ends one. */
  readonly #pattern: Int32Array
  readonly #nextOutput: Int32Array
  /** The state itself or the first on its way of fails that ends a pattern; 0 for none. */
  readonly #output: Int32Array
  /** Length of each pattern, code units. */
  readonly lengths: Int32Array
  /** Pairs (pattern, offset after its last code unit) of the last scan, in order of the ends. */
  hits = new Int32Array(64)

  /** Empty patterns are never found; of equal patterns the last is reported. */
  constructor(patterns: readonly string[]) {
    let alphabet = 1
    const edges: Map<number, number>[] = [new Map()]
    const ends: number[] = [-1]
    for (const [index, pattern] of patterns.entries()) {
      if (pattern === '') continue
      let state = 0
      for (let i = 0; i < pattern.length; i++) {
        const code = pattern.charCodeAt(i)
        if (this.#symbols[code] === 0) this.#symbols[code] = alphabet++
        const symbol = this.#symbols[code]!
        let next = edges[state]!.get(symbol)
        if (next === undefined) {
          next = edges.length
          edges.push(new Map())
          ends.push(-1)
          edges[state]!.set(symbol, next)
        }
        state = next
      }
      ends[state] = index
    }
    const states = edges.length
    this.#alphabet = alphabet
    this.#fail = new Int32Array(states)
    this.#pattern = Int32Array.from(ends)
    this.#nextOutput = new Int32Array(states)
    this.#output = new Int32Array(states)
    this.#root = new Int32Array(alphabet)
    this.lengths = Int32Array.from(patterns, (pattern) => pattern.length)

    let size = 16
    while (size < states * 2) size *= 2
    this.#mask = size - 1
    this.#keys = new Int32Array(size)
    this.#targets = new Int32Array(size)
    if (states * alphabet > 0x7fffffff) throw new RangeError('too many patterns for one automaton')
    for (const [symbol, target] of edges[0]!) this.#root[symbol] = target
    for (let state = 1; state < states; state++) {
      for (const [symbol, target] of edges[state]!) this.#insert(state * alphabet + symbol, target)
    }
    const queue: number[] = [...edges[0]!.values()]
    for (let head = 0; head < queue.length; head++) {
      const state = queue[head]!
      const fail = this.#fail[state]!
      this.#nextOutput[state] = this.#output[fail]!
      this.#output[state] = this.#pattern[state]! >= 0 ? state : this.#output[fail]!
      for (const [symbol, target] of edges[state]!) {
        this.#fail[target] = this.#step(fail, symbol)
        queue.push(target)
      }
    }
    this.#dense = new Int32Array(states * alphabet <= LARGEST_DENSE ? states * alphabet : 0)
    if (this.#dense.length > 0) {
      for (const state of [0, ...queue]) {
        for (let symbol = 1; symbol < alphabet; symbol++)
          this.#dense[state * alphabet + symbol] = this.#step(state, symbol)
      }
    }
  }

  /** Finds all patterns; returns how many pairs `hits` has. */
  scan(text: string): number {
    const { length } = text
    const symbols = this.#symbols
    const output = this.#output
    const dense = this.#dense
    const alphabet = this.#alphabet
    let count = 0
    let state = 0
    for (let i = 0; i < length; i++) {
      const symbol = symbols[text.charCodeAt(i)]!
      if (symbol === 0) state = 0
      else if (dense.length > 0) state = dense[state * alphabet + symbol]!
      else state = state === 0 ? this.#root[symbol]! : this.#step(state, symbol)
      for (let at = output[state]!; at > 0; at = this.#nextOutput[at]!) {
        if (count * 2 + 2 > this.hits.length) this.#grow()
        this.hits[count * 2] = this.#pattern[at]!
        this.hits[count * 2 + 1] = i + 1
        count++
      }
    }
    return count
  }

  #grow(): void {
    const larger = new Int32Array(this.hits.length * 2)
    larger.set(this.hits)
    this.hits = larger
  }

  #step(from: number, symbol: number): number {
    let state = from
    while (state !== 0) {
      const target = this.#find(state * this.#alphabet + symbol)
      if (target !== 0) return target
      state = this.#fail[state]!
    }
    return this.#root[symbol]!
  }

  #find(key: number): number {
    let slot = Math.imul(key, 0x9e3779b1) >>> 7
    for (;;) {
      slot &= this.#mask
      const there = this.#keys[slot]!
      if (there === key) return this.#targets[slot]!
      if (there === 0) return 0
      slot++
    }
  }

  #insert(key: number, target: number): void {
    let slot = (Math.imul(key, 0x9e3779b1) >>> 7) & this.#mask
    while (this.#keys[slot] !== 0) slot = (slot + 1) & this.#mask
    this.#keys[slot] = key
    this.#targets[slot] = target
  }
}

/** Transitions up to which the dense table is built: 16 MiB of them. */
const LARGEST_DENSE = 4 << 20
