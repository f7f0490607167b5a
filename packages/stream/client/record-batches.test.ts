import { createRequire } from 'node:module'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import lz4 from 'lz4-napi'
import { compressSync } from 'snappy'
import { describe, expect, it } from 'vitest'
import { CODECS, decompress, MAX_DECOMPRESSED_BYTES, Undecompressable } from './compression.ts'
import { type DecodedMessage, decodeRecordBatches, isRecordBatch } from './record-batches.ts'

interface Rec {
  readonly key: string | null
  readonly value: string | null
  readonly headers?: Record<string, string>
}

/** kafkajs's own encoder writes what its broker would store. */
const require = createRequire(import.meta.url)
const encodeBatch: (options: object) => Promise<{ buffer: Buffer }> =
  require('kafkajs/src/protocol/recordBatch/v0').RecordBatch
const encodeRecord: (record: object) => object = require('kafkajs/src/protocol/recordBatch/record/v0')

async function batchOf(
  records: readonly Rec[],
  options: { firstOffset?: number; transactional?: boolean } = {},
) {
  const { firstOffset = 0, transactional = false } = options
  const encoder = await encodeBatch({
    firstOffset,
    firstTimestamp: 1_700_000_000_000,
    maxTimestamp: 1_700_000_000_000 + records.length,
    lastOffsetDelta: records.length - 1,
    producerId: 77,
    producerEpoch: 3,
    firstSequence: 0,
    transactional,
    records: records.map(({ key, value, headers = {} }, i) =>
      encodeRecord({ offsetDelta: i, timestampDelta: i, key, value, headers }),
    ),
  })
  return Buffer.from(encoder.buffer)
}

const shown = (messages: readonly DecodedMessage[]) =>
  messages.map(({ offset, key, value, isControlRecord }) => ({
    offset,
    key: key?.toString() ?? null,
    value: value?.toString() ?? null,
    isControlRecord,
  }))

/** Sets compression and replaces the records by compressed ones, as a producer would. */
function compressed(batch: Buffer, codec: (typeof CODECS)[number], bytes: Buffer): Buffer {
  const result = Buffer.concat([batch.subarray(0, 61), bytes])
  result.writeInt32BE(result.length - 12, 8)
  result.writeInt16BE((result.readInt16BE(21) & ~7) | CODECS.indexOf(codec), 21)
  return result
}

const xerial = (bytes: Buffer) => {
  const blocks = [bytes.subarray(0, 7), bytes.subarray(7)].map((part) => {
    const block = compressSync(part)
    const length = Buffer.alloc(4)
    length.writeInt32BE(block.length)
    return Buffer.concat([length, block])
  })
  return Buffer.concat([
    Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1]),
    ...blocks,
  ])
}

const records: Rec[] = [
  { key: 'a', value: 'one' },
  { key: null, value: 'two', headers: { traceparent: 'x', __proto__x: 'y' } },
  { key: 'c', value: null },
]

describe('record batches', () => {
  it('hold keys, values, headers, times and offsets', async () => {
    const bytes = await batchOf(records, { firstOffset: 5_000_000_000, transactional: true })
    expect(isRecordBatch(bytes)).toBe(true)
    const messages = decodeRecordBatches(bytes)
    expect(shown(messages)).toEqual([
      { offset: '5000000000', key: 'a', value: 'one', isControlRecord: false },
      { offset: '5000000001', key: null, value: 'two', isControlRecord: false },
      { offset: '5000000002', key: 'c', value: null, isControlRecord: false },
    ])
    expect(messages.map((m) => m.timestamp)).toEqual(['1700000000000', '1700000000001', '1700000000002'])
    expect(String(messages[1]!.headers.traceparent)).toBe('x')
    expect(messages[0]!.batchContext).toEqual({ producerId: '77', producerEpoch: 3, inTransaction: true })
  })

  it('that follow one another are read, and one that is cut waits for the next fetch', async () => {
    const one = await batchOf(records)
    const two = await batchOf(records, { firstOffset: 3 })
    expect(decodeRecordBatches(Buffer.concat([one, two])).length).toBe(6)
    expect(decodeRecordBatches(Buffer.concat([one, two.subarray(0, -1)])).length).toBe(3)
    expect(decodeRecordBatches(one.subarray(0, 40))).toEqual([])
  })

  it('that compaction has emptied, or taken the end of, still count to their last offset', async () => {
    const empty = compressed(await batchOf(records, { firstOffset: 10 }), 'none', Buffer.alloc(0))
    empty.writeInt32BE(0, 57)
    expect(shown(decodeRecordBatches(empty))).toEqual([
      { offset: '12', key: null, value: null, isControlRecord: true },
    ])
    const whole = await batchOf(records, { firstOffset: 10 })
    const shortened = compressed(whole, 'none', (await batchOf(records.slice(0, 2))).subarray(61))
    shortened.writeInt32BE(2, 57)
    expect(
      shown(decodeRecordBatches(shortened)).map(({ offset, isControlRecord }) => [offset, isControlRecord]),
    ).toEqual([
      ['10', false],
      ['11', false],
      ['12', true],
    ])
  })

  it.each([
    ['gzip', (bytes: Buffer) => gzipSync(bytes)],
    ['snappy', (bytes: Buffer) => compressSync(bytes)],
    ['snappy', xerial],
    ['lz4', (bytes: Buffer) => lz4.compressFrameSync(bytes)],
    ['lz4', (bytes: Buffer) => lz4.compressFrameSync(bytes, { contentChecksum: true, blockChecksums: true })],
    ['zstd', (bytes: Buffer) => zstdCompressSync(bytes)],
  ] as const)('compressed with %s are read', async (codec, compress) => {
    const batch = await batchOf(records)
    expect(shown(decodeRecordBatches(compressed(batch, codec, compress(batch.subarray(61)))))).toEqual(
      shown(decodeRecordBatches(batch)),
    )
  })

  it('that cannot be read become one message with their bytes, and the next is read', async () => {
    const bad = compressed(await batchOf(records), 'zstd', Buffer.from('no zstd'))
    const next = await batchOf(records, { firstOffset: 3 })
    const messages = decodeRecordBatches(Buffer.concat([bad, next]))
    expect(messages.map((m) => m.offset)).toEqual(['2', '3', '4', '5'])
    expect(messages[0]!.value).toEqual(bad)
  })

  it('of any damage are read or given as one message, never thrown, hung on or lost count of', async () => {
    const whole = await batchOf(records)
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 61, max: whole.length - 1 }), fc.integer({ min: 0, max: 255 })), {
          minLength: 1,
          maxLength: 6,
        }),
        fc.integer({ min: 0, max: 7 }),
        (changes, codec) => {
          const damaged = Buffer.from(whole)
          for (const [at, byte] of changes) damaged[at] = byte
          damaged.writeInt16BE(codec, 21)
          const messages = decodeRecordBatches(damaged)
          expect(messages.length).toBeGreaterThan(0)
        },
      ),
      { numRuns: 2_000 },
    )
  })
})

describe('decompression', () => {
  const zeros = Buffer.alloc(MAX_DECOMPRESSED_BYTES + 1)
  it.each([
    ['gzip', () => gzipSync(zeros)],
    ['snappy', () => compressSync(zeros)],
    ['lz4', () => lz4.compressFrameSync(zeros)],
    ['zstd', () => zstdCompressSync(zeros)],
  ] as const)('of a %s bomb is refused', (codec, bomb) => {
    expect(() => decompress(CODECS.indexOf(codec), bomb())).toThrow(Undecompressable)
  })

  it('of an unknown codec is refused', () => {
    expect(() => decompress(6, Buffer.alloc(3))).toThrow(/codec 6 is unknown/)
  })
})
