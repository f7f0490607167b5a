import type { Random } from './random.ts'

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/**
 * An id of the shape of UUID version 7 (RFC 9562): 48 bits of time, version, variant, 74 bits from the
 * seeded generator. Unique within a feed only as far as random bits are; the same seed gives the same ids.
 */
export function uuidV7(timestampMs: number, random: Random): string {
  const high = Math.floor(timestampMs / 0x10000)
  const low = timestampMs % 0x10000
  const a = random.next()
  const b = random.next()
  const c = random.next()
  return (
    HEX[(high >>> 24) & 255]! +
    HEX[(high >>> 16) & 255]! +
    HEX[(high >>> 8) & 255]! +
    HEX[high & 255]! +
    '-' +
    HEX[low >>> 8]! +
    HEX[low & 255]! +
    '-' +
    HEX[0x70 | (a & 15)]! +
    HEX[(a >>> 4) & 255]! +
    '-' +
    HEX[0x80 | ((a >>> 12) & 63)]! +
    HEX[(a >>> 20) & 255]! +
    '-' +
    HEX[b & 255]! +
    HEX[(b >>> 8) & 255]! +
    HEX[(b >>> 16) & 255]! +
    HEX[b >>> 24]! +
    HEX[c & 255]! +
    HEX[(c >>> 8) & 255]!
  )
}
