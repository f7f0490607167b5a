/**
 * One record batch of a produce request, format 2, written into a single buffer as its records come. kafkajs 2.2.4's own
 * encoder makes several objects and buffers a record (one for every varint), copies the bytes six times on their way
 * to the socket and computes the checksum byte by byte in JavaScript; it was a quarter of what a stage spent.
 */
import { crc32c } from '@node-rs/crc32'
import type { OutMessage } from './kafkajs-internals.ts'

const HEADER_BYTES = 61
const CRC_AT = 17
/** What the checksum covers: from the attributes to the end. */
const ATTRIBUTES_AT = 21
const TRANSACTIONAL = 0x10
const FIRST_CAPACITY = 16_384
/** Varints of a record's length, timestamp, offset, key length, value length and header count at their longest, and its attributes. */
const MOST_OVERHEAD = 64

/** Who writes the batch. */
export interface BatchIdentity {
  readonly producerId: number
  readonly producerEpoch: number
}

/** Bytes of an unsigned varint. Values below 2^31. */
function varintSize(value: number): number {
  // One byte in most cases.
  if (value < 0x80) return 1
  return value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : value < 0x1000_0000 ? 4 : 5
}

const zigzag = (value: number) => ((value << 1) ^ (value >> 31)) >>> 0

/** Records of one partition, for one transaction. */
export class RecordBatchWriter {
  #buffer: Buffer
  #length = HEADER_BYTES
  #count = 0
  #firstTimestamp = 0
  #maxTimestamp = 0

  constructor(capacity = FIRST_CAPACITY) {
    this.#buffer = Buffer.allocUnsafe(Math.max(capacity, HEADER_BYTES))
  }

  get count(): number {
    return this.#count
  }

  /** Bytes so far, the header included. */
  get size(): number {
    return this.#length
  }

  /** Adds a record. `timestamp`: ms since 1970 UTC. */
  add({ key, value, headers, timestamp }: OutMessage): void {
    const keyBytes = typeof key === 'string' ? Buffer.from(key) : key
    this.#record(keyBytes, keyBytes?.length ?? -1, value, value?.length ?? -1, headers, Number(timestamp))
  }

  /** Adds a record whose key and value are the first bytes of buffers that are used again: nothing is kept of them. */
  addParts(
    key: Buffer,
    keyLength: number,
    value: Buffer,
    valueLength: number,
    headers: OutMessage['headers'],
    timestamp: number,
  ): void {
    this.#record(key, keyLength, value, valueLength, headers, timestamp)
  }

  /** The finished batch; a view of the writer's buffer. `firstSequence` is the producer's next number for the partition. */
  finish({ producerId, producerEpoch }: BatchIdentity, firstSequence: number): Buffer {
    const batch = this.#buffer.subarray(0, this.#length)
    batch.fill(0, 0, 8)
    batch.writeInt32BE(this.#length - 12, 8)
    batch.writeInt32BE(0, 12)
    batch[16] = 2
    batch.writeInt16BE(TRANSACTIONAL, ATTRIBUTES_AT)
    batch.writeInt32BE(this.#count - 1, 23)
    writeInt64(batch, this.#firstTimestamp, 27)
    writeInt64(batch, this.#maxTimestamp, 35)
    writeInt64(batch, producerId, 43)
    batch.writeInt16BE(producerEpoch, 51)
    batch.writeInt32BE(firstSequence, 53)
    batch.writeInt32BE(this.#count, 57)
    batch.writeUInt32BE(crc32c(batch.subarray(ATTRIBUTES_AT)) >>> 0, CRC_AT)
    return batch
  }

  #record(
    key: Buffer | null,
    keyLength: number,
    value: Buffer | null,
    valueLength: number,
    headers: OutMessage['headers'],
    timestamp: number,
  ): void {
    if (this.#count === 0) this.#firstTimestamp = this.#maxTimestamp = timestamp
    else if (timestamp > this.#maxTimestamp) this.#maxTimestamp = timestamp
    const timestampDelta = zigzag(timestamp - this.#firstTimestamp)
    const offsetDelta = zigzag(this.#count++)
    const headersLength = headers === undefined ? 1 : headersSize(headers)
    const size =
      1 +
      varintSize(timestampDelta) +
      varintSize(offsetDelta) +
      varintSize(zigzag(keyLength)) +
      Math.max(0, keyLength) +
      varintSize(zigzag(valueLength)) +
      Math.max(0, valueLength) +
      headersLength
    this.#reserve(size + MOST_OVERHEAD)
    this.#varint(zigzag(size))
    this.#buffer[this.#length++] = 0
    this.#varint(timestampDelta)
    this.#varint(offsetDelta)
    this.#varint(zigzag(keyLength))
    if (key !== null && keyLength > 0) this.#bytes(key, keyLength)
    this.#varint(zigzag(valueLength))
    if (value !== null && valueLength > 0) this.#bytes(value, valueLength)
    if (headers === undefined) this.#buffer[this.#length++] = 0
    else this.#headers(headers)
  }

  #headers(headers: NonNullable<OutMessage['headers']>): void {
    let count = 0
    for (const _ in headers) count++
    this.#varint(zigzag(count))
    for (const name in headers) {
      this.#text(name)
      const value = headers[name]!
      if (typeof value === 'string') this.#text(value)
      else {
        this.#varint(zigzag(value.length))
        this.#bytes(value, value.length)
      }
    }
  }

  #text(text: string): void {
    const length = byteLength(text)
    this.#varint(zigzag(length))
    this.#length += this.#buffer.write(text, this.#length)
  }

  #bytes(bytes: Buffer, length: number): void {
    bytes.copy(this.#buffer, this.#length, 0, length)
    this.#length += length
  }

  #varint(value: number): void {
    let rest = value
    while (rest >= 0x80) {
      this.#buffer[this.#length++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.#buffer[this.#length++] = rest
  }

  #reserve(size: number): void {
    const needed = this.#length + size
    if (needed <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2))
    this.#buffer.copy(larger, 0, 0, this.#length)
    this.#buffer = larger
  }
}

/** Bytes of the headers as they are written: each record has those of its trace. */
function headersSize(headers: NonNullable<OutMessage['headers']>): number {
  let count = 0
  let size = 0
  for (const name in headers) {
    count++
    const nameLength = byteLength(name)
    const value = headers[name]!
    const valueLength = typeof value === 'string' ? byteLength(value) : value.length
    size += varintSize(zigzag(nameLength)) + nameLength + varintSize(zigzag(valueLength)) + valueLength
  }
  return size + varintSize(zigzag(count))
}

function byteLength(text: string): number {
  // Names and traces are of ASCII, and shorter than the way to native code and back.
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= 0x80) return Buffer.byteLength(text)
  return text.length
}

/** Producer ids and times are far below 2^53; -1 is a producer id too. */
function writeInt64(bytes: Buffer, value: number, at: number): void {
  const high = Math.floor(value / 4_294_967_296)
  bytes.writeInt32BE(high, at)
  bytes.writeUInt32BE(value - high * 4_294_967_296, at + 4)
}
