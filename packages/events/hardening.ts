import { type Schema, Type } from './avro.ts'

interface Tap {
  pos: number
  readonly buf: Buffer
  readLong(): number
  skipLong(): void
  skipString(): void
}
interface Readable {
  _read(tap: Tap): unknown
  _skip(tap: Tap): void
}
interface CollectionPrototype {
  itemsType?: Readable
  valuesType?: Readable
  _read(this: { itemsType: Readable }, tap: Tap): unknown
  _skip(this: { itemsType?: Readable; valuesType?: Readable }, tap: Tap): void
}

/** Thrown while decoding when the bytes claim more items than they can hold. */
export class BlockCountError extends Error {
  override readonly name = 'BlockCountError'
}

/** A block's item count, negative counts (a byte size follows) folded; throws where not even one byte an item is left. */
function blockCount(tap: Tap): number {
  let count = tap.readLong()
  if (count < 0) {
    count = -count
    tap.skipLong()
  }
  if (count > tap.buf.length - tap.pos) {
    throw new BlockCountError(
      `a block of ${count} items in the ${Math.max(0, tap.buf.length - tap.pos)} bytes that are left`,
    )
  }
  return count
}

let hardened = false

/**
 * avsc 5.7 trusts an array's item count and reads that many items even past the end of the buffer, so
 * ten hostile bytes can hold the process for hours or exhaust its memory. This replaces how arrays
 * are read, and how arrays and maps are skipped, by loops that stop at the buffer's end.
 */
export function hardenAvsc(): void {
  if (hardened) return
  hardened = true
  const prototypeOf = (schema: Schema) => Object.getPrototypeOf(Type.forSchema(schema)) as CollectionPrototype
  const array = prototypeOf({ type: 'array', items: 'int' })
  const map = prototypeOf({ type: 'map', values: 'int' })

  array._read = function (tap) {
    const items = this.itemsType
    const values: unknown[] = []
    for (let count = blockCount(tap); count !== 0; count = blockCount(tap)) {
      for (let i = 0; i < count; i++) {
        const before = tap.pos
        values.push(items._read(tap))
        mustAdvance(tap, before)
      }
    }
    return values
  }
  array._skip = function (tap) {
    for (let count = blockCount(tap); count !== 0; count = blockCount(tap)) {
      for (let i = 0; i < count; i++) {
        const before = tap.pos
        this.itemsType!._skip(tap)
        mustAdvance(tap, before)
      }
    }
  }
  map._skip = function (tap) {
    for (let count = blockCount(tap); count !== 0; count = blockCount(tap)) {
      for (let i = 0; i < count; i++) {
        const before = tap.pos
        tap.skipString()
        this.valuesType!._skip(tap)
        mustAdvance(tap, before)
      }
    }
  }
}

/** A string of negative length moves the position back: an array of such strings would be read for ever. */
function mustAdvance(tap: Tap, before: number): void {
  if (tap.pos <= before || tap.pos > tap.buf.length) {
    throw new BlockCountError('an item runs past an end of the record')
  }
}
