/**
 * Record batches of a fetch response, format 2 (Kafka 0.11 and later). Replaces kafkajs 2.2.4's decoder, which
 *  - shows a batch that compaction has emptied as nothing at all: a reader that meets one at the end of what there
 *    is fetches it for ever;
 *  - knows no snappy, LZ4 or zstd, so one producer that compresses would stop every reader;
 *  - allocates several objects a field and parses every offset as a string.
 */
import { decompress, Undecompressable } from './compression.ts'

/**
 * A message as kafkajs hands it on; offset and time are decimal strings there, the time in ms. A place in the fetched bytes:
 * what nobody asks for is never made of them.
 */
export class DecodedMessage {
  readonly magicByte = 2
  readonly attributes = 0
  readonly offsetNumber: number
  /** ms since 1970 UTC. */
  readonly timestampNumber: number
  readonly headers: Readonly<Record<string, HeaderValue>>
  readonly isControlRecord: boolean
  readonly batchContext: BatchContext
  readonly #source: Buffer
  readonly #keyStart: number
  readonly #keyLength: number
  readonly #valueStart: number
  readonly #valueLength: number
  #value: Buffer | undefined

  /** Lengths are negative where there is no key, no value. */
  constructor(
    offset: number,
    timestamp: number,
    source: Buffer,
    keyStart: number,
    keyLength: number,
    valueStart: number,
    valueLength: number,
    headers: Readonly<Record<string, HeaderValue>>,
    isControlRecord: boolean,
    context: BatchContext,
  ) {
    this.offsetNumber = offset
    this.timestampNumber = timestamp
    this.#source = source
    this.#keyStart = keyStart
    this.#keyLength = keyLength
    this.#valueStart = valueStart
    this.#valueLength = valueLength
    this.headers = headers
    this.isControlRecord = isControlRecord
    this.batchContext = context
  }

  get offset(): string {
    return String(this.offsetNumber)
  }

  get timestamp(): string {
    return String(this.timestampNumber)
  }

  get key(): Buffer | null {
    return this.#keyLength < 0
      ? null
      : this.#source.subarray(this.#keyStart, this.#keyStart + this.#keyLength)
  }

  get value(): Buffer | null {
    if (this.#valueLength < 0) return null
    // Asked for twice by most: for the id of its schema, then to be decoded.
    return (this.#value ??= this.#source.subarray(this.#valueStart, this.#valueStart + this.#valueLength))
  }
}
type HeaderValue = Buffer | null | (Buffer | null)[]

/** What a batch says of all its records. */
export interface BatchContext {
  readonly producerId: string
  readonly producerEpoch: number
  readonly inTransaction: boolean
}

const MAGIC_AT = 16
const HEADER_BYTES = 61
const COMPRESSION = 0x07
const LOG_APPEND_TIME = 0x08
const TRANSACTIONAL = 0x10
const CONTROL = 0x20
const NO_HEADERS: Readonly<Record<string, HeaderValue>> = Object.freeze({})

/**
 * The messages of all whole batches in `bytes`; a last batch that is cut is left for the next fetch. Where the last
 * offset of a batch has no record (compaction took it), a control record stands for it, which readers skip and count
 * as read. A batch whose records cannot be read becomes one message, at its last offset, that holds the batch's bytes:
 * its reader dead-letters what it cannot decode, and the partition goes on.
 */
export function decodeRecordBatches(bytes: Buffer): DecodedMessage[] {
  const messages: DecodedMessage[] = []
  let at = 0
  while (at + HEADER_BYTES <= bytes.length) {
    const end = at + 12 + bytes.readInt32BE(at + 8)
    if (end < at + HEADER_BYTES) throw new RangeError(`a record batch of ${end - at} bytes`)
    if (end > bytes.length) break
    decodeBatch(bytes.subarray(at, end), messages)
    at = end
  }
  return messages
}

/** Whether the bytes of a fetch response hold batches of format 2; anything older is kafkajs's to read. */
export const isRecordBatch = (bytes: Buffer) => bytes.length > MAGIC_AT && bytes[MAGIC_AT] === 2

function decodeBatch(batch: Buffer, messages: DecodedMessage[]): void {
  const attributes = batch.readInt16BE(21)
  const baseOffset = readInt64(batch, 0)
  const lastOffset = baseOffset + batch.readInt32BE(23)
  const maxTimestamp = readInt64(batch, 35)
  const context: BatchContext = {
    producerId: String(readInt64(batch, 43)),
    producerEpoch: batch.readInt16BE(51),
    inTransaction: (attributes & TRANSACTIONAL) !== 0,
  }
  const isControl = (attributes & CONTROL) !== 0
  const first = messages.length
  try {
    const records = decompress(attributes & COMPRESSION, batch.subarray(HEADER_BYTES))
    const cursor = new Cursor(records)
    const count = batch.readInt32BE(57)
    const firstTimestamp = readInt64(batch, 27)
    const appended = (attributes & LOG_APPEND_TIME) !== 0
    for (let i = 0; i < count; i++) {
      const end = cursor.varint() + cursor.at
      cursor.at++
      const timestamp = firstTimestamp + cursor.varint()
      const offset = baseOffset + cursor.varint()
      const keyLength = cursor.varint()
      const keyStart = cursor.skip(keyLength)
      const valueLength = cursor.varint()
      const valueStart = cursor.skip(valueLength)
      const headers = readHeaders(cursor)
      if (cursor.at !== end) throw new RangeError('a record does not end where it says')
      messages.push(
        new DecodedMessage(
          offset,
          appended ? maxTimestamp : timestamp,
          records,
          keyStart,
          keyLength,
          valueStart,
          valueLength,
          headers,
          isControl,
          context,
        ),
      )
    }
  } catch (error) {
    if (isControl || !(error instanceof RangeError || error instanceof Undecompressable)) throw error
    messages.length = first
    const { length } = batch
    messages.push(
      new DecodedMessage(lastOffset, maxTimestamp, batch, 0, -1, 0, length, NO_HEADERS, false, context),
    )
    return
  }
  if (messages.length === first || messages.at(-1)!.offsetNumber < lastOffset)
    messages.push(
      new DecodedMessage(lastOffset, maxTimestamp, batch, 0, -1, 0, -1, NO_HEADERS, true, context),
    )
}

function readHeaders(cursor: Cursor): Readonly<Record<string, HeaderValue>> {
  const count = cursor.varint()
  if (count <= 0) return NO_HEADERS
  const headers: Record<string, HeaderValue> = {}
  for (let i = 0; i < count; i++) {
    const name = cursor.bytes()?.toString('utf8') ?? ''
    const value = cursor.bytes()
    const known = Object.hasOwn(headers, name) ? headers[name] : undefined
    // A plain assignment to __proto__ would not make a header of that name.
    Object.defineProperty(headers, name, {
      value: known === undefined ? value : Array.isArray(known) ? [...known, value] : [known, value],
      enumerable: true,
      configurable: true,
      writable: true,
    })
  }
  return headers
}

/** Offsets and times are far below 2^53. */
const readInt64 = (bytes: Buffer, at: number) =>
  bytes.readInt32BE(at) * 4_294_967_296 + bytes.readUInt32BE(at + 4)

/** Reads variable-length numbers and byte strings; throws RangeError beyond the end. */
class Cursor {
  readonly #buffer: Buffer
  at = 0

  constructor(buffer: Buffer) {
    this.#buffer = buffer
  }

  /** Zigzag, seven bits a byte, at most ten bytes. Exact below 2^53. */
  varint(): number {
    const buffer = this.#buffer
    let byte = buffer[this.at++]
    if (byte === undefined) throw new RangeError('a record is cut')
    // One byte in most cases: small lengths and deltas.
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1)
    let value = byte & 0x7f
    let scale = 128
    for (let i = 1; i < 10; i++) {
      byte = buffer[this.at++]
      if (byte === undefined) throw new RangeError('a record is cut')
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2
      scale *= 128
    }
    throw new RangeError('a number of more than ten bytes')
  }

  /** Goes past so many bytes, none where the length is negative; returns where they begin. */
  skip(length: number): number {
    const start = this.at
    if (length > 0) this.at += length
    if (this.at > this.#buffer.length) throw new RangeError('a record is cut')
    return start
  }

  /** A length and so many bytes; null where the length is negative. A view, not a copy. */
  bytes(): Buffer | null {
    const length = this.varint()
    const start = this.skip(length)
    return length < 0 ? null : this.#buffer.subarray(start, this.at)
  }
}

/** Offset and time of a message of whatever format; those of formats before 2 are text alone. */
export const offsetOf = (message: { readonly offset: string }): number =>
  message instanceof DecodedMessage ? message.offsetNumber : Number(message.offset)
export const timestampOf = (message: { readonly timestamp: string }): number =>
  message instanceof DecodedMessage ? message.timestampNumber : Number(message.timestamp)
