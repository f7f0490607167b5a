import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import lz4 from 'lz4-napi'
import { uncompressSync } from 'snappy'

/** Compression of a record batch: the lowest three bits of its attributes. Producers choose it, so all of Kafka's are read. */
export const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

/** Compressed bytes that are damaged, of an unknown codec, or that would grow beyond the limit. */
export class Undecompressable extends Error {
  override readonly name = 'Undecompressable'
}

/** A few kilobytes can hold gigabytes of zeros; no honest batch of the topics' size comes near this. */
export const MAX_DECOMPRESSED_BYTES = 64 * 1_048_576

/** Decompresses the records of a batch. `codec` is the number in the attributes. Throws Undecompressable. */
export function decompress(codec: number, bytes: Buffer): Buffer {
  const name = CODECS[codec]
  try {
    switch (name) {
      case 'none':
        return bytes
      case 'gzip':
        return gunzipSync(bytes, { maxOutputLength: MAX_DECOMPRESSED_BYTES })
      case 'snappy':
        return uncompressSnappy(bytes)
      case 'lz4':
        refuseBeyondLimit(lz4FrameBound(bytes))
        return lz4.decompressFrameSync(bytes)
      case 'zstd':
        return zstdDecompressSync(bytes, { maxOutputLength: MAX_DECOMPRESSED_BYTES })
      default:
        throw new Undecompressable(`compression codec ${codec} is unknown`)
    }
  } catch (error) {
    if (error instanceof Undecompressable) throw error
    throw new Undecompressable(`${name}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** Java's snappy streams: this signature, eight bytes of versions, then blocks of a length and raw snappy. Other clients send one raw block. */
const XERIAL = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const XERIAL_HEADER_BYTES = 16

function uncompressSnappy(bytes: Buffer): Buffer {
  if (!bytes.subarray(0, XERIAL.length).equals(XERIAL)) return uncompressSnappyBlock(bytes, 0)
  const blocks: Buffer[] = []
  let total = 0
  for (let at = XERIAL_HEADER_BYTES; at < bytes.length; ) {
    const length = bytes.readInt32BE(at)
    if (length <= 0 || at + 4 + length > bytes.length) throw new Undecompressable('snappy: a block is cut')
    const block = uncompressSnappyBlock(bytes.subarray(at + 4, at + 4 + length), total)
    blocks.push(block)
    total += block.length
    at += 4 + length
  }
  return Buffer.concat(blocks, total)
}

function uncompressSnappyBlock(block: Buffer, before: number): Buffer {
  // A block begins with its uncompressed length, seven bits a byte.
  let length = 0
  for (let i = 0; i < 5 && i < block.length; i++) {
    length += (block[i]! & 0x7f) * 2 ** (7 * i)
    if (block[i]! < 0x80) break
  }
  refuseBeyondLimit(before + length)
  return uncompressSync(block, { asBuffer: true }) as Buffer
}

const LZ4_FRAME_MAGIC = 0x184d2204
const LZ4_BLOCK_BYTES: Readonly<Record<number, number>> = { 4: 1 << 16, 5: 1 << 18, 6: 1 << 20, 7: 1 << 22 }

/** The most that an LZ4 frame can hold, bytes, from its block sizes alone: the library has no limit of its own. */
function lz4FrameBound(frame: Buffer): number {
  if (frame.length < 7 || frame.readUInt32LE(0) !== LZ4_FRAME_MAGIC)
    throw new Undecompressable('lz4: no frame')
  const flags = frame[4]!
  const blockBytes = LZ4_BLOCK_BYTES[(frame[5]! >> 4) & 7]
  if (blockBytes === undefined) throw new Undecompressable('lz4: unknown block size')
  const hasContentSize = (flags & 0x08) !== 0
  const hasDictionary = (flags & 0x01) !== 0
  const hasBlockChecksums = (flags & 0x10) !== 0
  let at = 6 + (hasContentSize ? 8 : 0) + (hasDictionary ? 4 : 0) + 1
  let bound = 0
  while (at + 4 <= frame.length) {
    const size = frame.readUInt32LE(at)
    if (size === 0) return bound
    // LZ4 never makes more than 255 bytes of one.
    const stored = size & 0x7fffffff
    bound += Math.min(blockBytes, stored * 255)
    at += 4 + stored + (hasBlockChecksums ? 4 : 0)
  }
  throw new Undecompressable('lz4: the frame is cut')
}

function refuseBeyondLimit(bytes: number): void {
  if (bytes > MAX_DECOMPRESSED_BYTES)
    throw new Undecompressable(`more than ${MAX_DECOMPRESSED_BYTES} bytes after decompression`)
}
