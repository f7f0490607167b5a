import { hash } from 'node:crypto'

/** One change for the compacted topic: `value` null is a tombstone. */
export interface StateChange {
  readonly key: string
  readonly value: Buffer | null
}

/**
 * State of one stage on one partition. Changes go to an overlay first: the runtime writes them in the
 * transaction that commits the offsets and merges them once that has committed; an abort discards them.
 * Within a batch, one record's changes can be taken back (`beginRecord`, `undoRecord`), so that a record
 * whose processing throws leaves no trace.
 */
export interface StateStore {
  /** Unique within the stage; prefix of its keys in the compacted topic and label of its metrics. No slash. */
  readonly name: string
  /** Committed entries held. */
  readonly entries: number
  /** Entries that were dropped because the store was full, since it was made. */
  readonly evictions: number
  beginRecord(): void
  undoRecord(): void
  /** Changes since the last merge or discard, each key once. `eventTime` (ms) is the greatest seen on the partition. */
  changes(eventTime: number): StateChange[]
  merge(): void
  discard(): void
  /** Takes one record of the compacted topic, in offset order. */
  restore(key: string, value: Buffer | null): void
  /** SHA-256 of the committed entries, whatever their order: two stores with the same content have the same. */
  digest(): string
}

/** SHA-256 of a set of texts, whatever their order. */
export const contentDigest = (entries: readonly string[]): string =>
  hash('sha256', [...entries].sort().join('\n'))

export interface ValueCodec<V> {
  encode(value: V): Buffer
  decode(bytes: Buffer): V
}

/** Values as JSON: for stores whose values are small and whose fields still move. */
export function jsonCodec<V>(): ValueCodec<V> {
  return {
    encode: (value) => Buffer.from(JSON.stringify(value)),
    decode: (bytes) => JSON.parse(bytes.toString('utf8')) as V,
  }
}

export interface KeyedStoreOptions<V> {
  readonly name: string
  readonly codec: ValueCodec<V>
  /** Most entries held; the least recently written go first. */
  readonly capacity: number
  /** When an entry may be forgotten, milliseconds by event time; absent: never. */
  readonly expiresAt?: (value: V) => number
}

/** How many entries are looked at for expiry in each batch, going round: keeps the cost of a batch flat. */
const EXPIRY_SCAN = 64
/** Most entries that a batch drops beyond those it adds: a capacity that was set lower is reached step by step. */
const EVICTION_STEP = 1_000

/**
 * A map from key to value, bounded by count and by event time. Values are immutable to the caller:
 * put a new one, never change the one that `get` gave.
 */
export class KeyedStore<V> implements StateStore {
  readonly name: string
  readonly #codec: ValueCodec<V>
  readonly #capacity: number
  readonly #expiresAt: ((value: V) => number) | undefined
  /** In order of last write, oldest first: a Map keeps insertion order, and merge deletes before it sets. */
  readonly #committed = new Map<string, V>()
  readonly #overlay = new Map<string, V | undefined>()
  /** What the current record changed in the overlay: key, then what stood there (UNTOUCHED: nothing did). */
  readonly #undo: { key: string; before: V | undefined | typeof UNTOUCHED }[] = []
  #evictions = 0
  /**
   * Where expiry goes on, so that it comes past entries that stay, and where the oldest entry is looked for. null while not
   * needed: an iterator that rests keeps what the map has since let go of.
   */
  #expiring: MapIterator<[string, V]> | null = null
  #oldest: MapIterator<string> | null = null

  constructor(options: KeyedStoreOptions<V>) {
    this.name = options.name
    this.#codec = options.codec
    this.#capacity = options.capacity
    this.#expiresAt = options.expiresAt
  }

  get entries(): number {
    return this.#committed.size
  }

  get evictions(): number {
    return this.#evictions
  }

  get(key: string): V | undefined {
    const changed = this.#overlay.get(key)
    if (changed !== undefined) return changed
    return this.#overlay.has(key) ? undefined : this.#committed.get(key)
  }

  /** Every entry as `get` would give it, in no particular order: for what is rare enough to look through them all. */
  *current(): Generator<[key: string, value: V]> {
    for (const [key, value] of this.#overlay) if (value !== undefined) yield [key, value]
    for (const [key, value] of this.#committed) if (!this.#overlay.has(key)) yield [key, value]
  }

  put(key: string, value: V): void {
    this.#remember(key)
    this.#write(key, value)
  }

  delete(key: string): void {
    this.#remember(key)
    this.#write(key, undefined)
  }

  beginRecord(): void {
    this.#undo.length = 0
  }

  undoRecord(): void {
    for (let i = this.#undo.length - 1; i >= 0; i--) {
      const { key, before } = this.#undo[i]!
      if (before === UNTOUCHED) this.#overlay.delete(key)
      else this.#overlay.set(key, before)
    }
    this.#undo.length = 0
  }

  changes(eventTime: number): StateChange[] {
    this.#expire(eventTime)
    this.#evict()
    const changes: StateChange[] = []
    for (const [key, value] of this.#overlay) {
      if (value === undefined && !this.#committed.has(key)) continue
      changes.push({ key, value: value === undefined ? null : this.#codec.encode(value) })
    }
    return changes
  }

  merge(): void {
    for (const [key, value] of this.#overlay) {
      this.#committed.delete(key)
      if (value !== undefined) this.#committed.set(key, value)
    }
    this.#overlay.clear()
    this.#undo.length = 0
  }

  discard(): void {
    this.#overlay.clear()
    this.#undo.length = 0
    // What was about to be dropped is the oldest again.
    this.#oldest = null
  }

  restore(key: string, value: Buffer | null): void {
    this.#committed.delete(key)
    if (value !== null) this.#committed.set(key, this.#codec.decode(value))
  }

  digest(): string {
    const entries = [...this.#committed].map(
      ([key, value]) => `${key}\0${this.#codec.encode(value).toString('base64')}`,
    )
    return contentDigest(entries)
  }

  #remember(key: string): void {
    this.#undo.push({ key, before: this.#overlay.has(key) ? this.#overlay.get(key) : UNTOUCHED })
  }

  /** The overlay is in order of last write, as the map that it is merged into. */
  #write(key: string, value: V | undefined): void {
    this.#overlay.delete(key)
    this.#overlay.set(key, value)
  }

  #expire(eventTime: number): void {
    if (!this.#expiresAt) return
    const most = Math.min(EXPIRY_SCAN, this.#committed.size)
    for (let looked = 0; looked < most; looked++) {
      let next = this.#expiring?.next()
      if (next === undefined || next.done) {
        this.#expiring = this.#committed.entries()
        next = this.#expiring.next()
        if (next.done) return
      }
      const [key, value] = next.value
      if (this.#expiresAt(value) <= eventTime && !this.#overlay.has(key)) this.#overlay.set(key, undefined)
    }
  }

  #evict(): void {
    let over = this.#committed.size - this.#capacity
    let most = EVICTION_STEP
    for (const [key, value] of this.#overlay) {
      const held = this.#committed.has(key)
      if (value === undefined) over -= held ? 1 : 0
      else if (!held) {
        over++
        most++
      }
    }
    if (over <= 0) {
      this.#oldest = null
      return
    }
    this.#oldest ??= this.#committed.keys()
    for (; over > 0 && most > 0; most--) {
      const next = this.#oldest.next()
      if (next.done) {
        this.#oldest = null
        return
      }
      // What this batch writes is the newest; what it deletes is counted above.
      if (this.#overlay.has(next.value)) continue
      this.#overlay.set(next.value, undefined)
      this.#evictions++
      over--
    }
  }
}

const UNTOUCHED = Symbol('untouched')
