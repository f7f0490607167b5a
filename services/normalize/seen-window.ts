import { contentDigest, type StateChange, type StateStore } from '@wardline/stream'

export interface SeenWindowOptions {
  readonly name: string
  /** Ids are kept at least this long, ms by append time, unless the capacity is reached. */
  readonly windowMs: number
  /** Most ids kept. */
  readonly capacity: number
}

interface Chunk {
  /** Greatest event time when the chunk was written, ms. */
  readonly at: number
  readonly ids: readonly string[]
}

/**
 * Event ids seen lately on one partition. A batch's new ids are one record of the compacted topic (a chunk),
 * not a record each, and chunks that have left the window are tombstoned: the cost of remembering an id is
 * its bytes.
 */
export class SeenWindow implements StateStore {
  readonly name: string
  readonly #windowMs: number
  readonly #capacity: number
  readonly #committed = new Set<string>()
  /** By number, in order; the oldest leave first. */
  readonly #chunks = new Map<number, Chunk>()
  readonly #added = new Set<string>()
  #addedByRecord: string | undefined
  #nextChunk = 0
  #pendingChunk: Chunk | undefined
  #leaving: number[] = []
  #evictions = 0

  constructor(options: SeenWindowOptions) {
    this.name = options.name
    this.#windowMs = options.windowMs
    this.#capacity = options.capacity
  }

  get entries(): number {
    return this.#committed.size
  }

  get evictions(): number {
    return this.#evictions
  }

  has(id: string): boolean {
    return this.#committed.has(id) || this.#added.has(id)
  }

  /** Every id that is remembered and committed, in no particular order. */
  ids(): Iterable<string> {
    return this.#committed
  }

  add(id: string): void {
    if (this.has(id)) return
    this.#added.add(id)
    this.#addedByRecord = id
  }

  beginRecord(): void {
    this.#addedByRecord = undefined
  }

  undoRecord(): void {
    if (this.#addedByRecord !== undefined) this.#added.delete(this.#addedByRecord)
    this.#addedByRecord = undefined
  }

  changes(eventTime: number): StateChange[] {
    const changes: StateChange[] = []
    this.#leaving = []
    let size = this.#committed.size + this.#added.size
    for (const [number, chunk] of this.#chunks) {
      const outOfWindow = chunk.at + this.#windowMs <= eventTime
      if (!outOfWindow && size <= this.#capacity) break
      if (!outOfWindow) this.#evictions += chunk.ids.length
      size -= chunk.ids.length
      this.#leaving.push(number)
      changes.push({ key: String(number), value: null })
    }
    if (this.#added.size > 0) {
      this.#pendingChunk = { at: eventTime, ids: [...this.#added] }
      changes.push({ key: String(this.#nextChunk), value: Buffer.from(JSON.stringify(this.#pendingChunk)) })
    }
    return changes
  }

  merge(): void {
    for (const number of this.#leaving) {
      for (const id of this.#chunks.get(number)!.ids) this.#committed.delete(id)
      this.#chunks.delete(number)
    }
    if (this.#pendingChunk) this.#take(this.#nextChunk, this.#pendingChunk)
    this.discard()
  }

  discard(): void {
    this.#added.clear()
    this.#addedByRecord = undefined
    this.#pendingChunk = undefined
    this.#leaving = []
  }

  restore(key: string, value: Buffer | null): void {
    const number = Number(key)
    const old = this.#chunks.get(number)
    if (old) {
      for (const id of old.ids) this.#committed.delete(id)
      this.#chunks.delete(number)
    }
    if (value !== null) this.#take(number, JSON.parse(value.toString('utf8')) as Chunk)
    this.#nextChunk = Math.max(this.#nextChunk, number + 1)
  }

  digest(): string {
    return contentDigest([...this.#committed])
  }

  #take(number: number, chunk: Chunk): void {
    this.#chunks.set(number, chunk)
    for (const id of chunk.ids) this.#committed.add(id)
    this.#nextChunk = number + 1
  }
}
