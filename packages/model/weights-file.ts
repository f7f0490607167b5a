import { createHash } from 'node:crypto'
import { CATEGORY_SYMBOLS, type Category } from '@wardline/events'
import { z } from 'zod'

/**
 * Version of the file, of what features.ts hashes and of how n-grams make a margin: raised with any change to one of them,
 * since weights of one version fit no other. 2: an n-gram counts once a text. 3: long texts are read by windows, too. 4: only
 * the first n-gram of a bucket has weights for categories, and heads are joined by a soft maximum.
 */
export const FORMAT_VERSION = 4
/** Largest file that is read or written, in bytes. */
export const MOST_BYTES = 16 * 2 ** 20
/**
 * Slots of one bucket: an n-gram is in one of them or not in the model. Each slot has a weight for harmful at all; the first
 * one, where the n-gram that tells most stands, has one for each category as well. That something is harmful is learnt from
 * many rare n-grams, of what kind it is from fewer, and weights of categories are most of the file.
 */
export const WAYS = 8
const MAGIC = 'WARDMODL'
const PREFIX = 16
const DIGEST = 32

export const PROFILES = ['open', 'research'] as const
export type Profile = (typeof PROFILES)[number]

const number = z.number()
const headerSchema = z.strictObject({
  profile: z.enum(PROFILES),
  categories: z.array(z.enum(CATEGORY_SYMBOLS)).nonempty(),
  /** log2 of the number of buckets. */
  bucketBits: z.int().min(1).max(17),
  /** Of the head for harmful at all, then of each category. */
  biases: z.array(number),
  /** Platt scaling of each head: probability = sigmoid(slope × margin + offset). */
  slopes: z.array(number),
  offsets: z.array(number),
})

/** A linear model as it stands in its file. Heads: harmful at all, then each category. */
export interface Weights {
  readonly profile: Profile
  readonly categories: readonly Category[]
  readonly bucketBits: number
  readonly biases: readonly number[]
  readonly slopes: readonly number[]
  readonly offsets: readonly number[]
  /** Upper 16 bits of the id of each slot's n-gram; 0 where the slot is empty. Slot = bucket × WAYS + way. */
  readonly tags: Uint16Array
  /** By slot what its n-gram weighs for harmful at all. */
  readonly harmful: Float32Array
  /** Row by bucket: what the n-gram of its first slot weighs for each category. */
  readonly byCategory: Float32Array
}

/** A model file that cannot be used; the message names the remedy. */
export class InvalidModelFile extends Error {
  override readonly name = 'InvalidModelFile'
}

const padded = (length: number) => Math.ceil(length / 8) * 8

/**
 * The bytes of a model file, little-endian: magic (8), format version (4), header length (4), header as JSON filled
 * with spaces to 8 bytes, tags, weights for harmful, weights by category, SHA-256 of all before it (32).
 */
export function encodeWeights(weights: Weights): Uint8Array {
  const { tags, harmful, byCategory, ...fields } = weights
  const json = Buffer.from(JSON.stringify(fields))
  const header = Buffer.alloc(padded(json.length), ' ')
  json.copy(header)
  const prefix = Buffer.alloc(PREFIX)
  prefix.write(MAGIC, 'latin1')
  prefix.writeUInt32LE(FORMAT_VERSION, 8)
  prefix.writeUInt32LE(header.length, 12)
  const body = Buffer.concat([prefix, header, ...[tags, harmful, byCategory].map(littleEndian)])
  return new Uint8Array(Buffer.concat([body, createHash('sha256').update(body).digest()]))
}

function littleEndian(array: Uint16Array | Float32Array): Buffer {
  const bytes = Buffer.from(array.slice().buffer)
  if (!IS_LITTLE_ENDIAN) array.BYTES_PER_ELEMENT === 2 ? bytes.swap16() : bytes.swap32()
  return bytes
}

const IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1

/** Reads what `encodeWeights` wrote. Throws InvalidModelFile. */
export function decodeWeights(file: Uint8Array): Weights {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength)
  if (bytes.length > MOST_BYTES) throw new InvalidModelFile(`it is larger than ${MOST_BYTES} bytes`)
  if (bytes.length < PREFIX + DIGEST || bytes.toString('latin1', 0, 8) !== MAGIC)
    throw new InvalidModelFile('it is no model file of Wardline')
  const version = bytes.readUInt32LE(8)
  if (version !== FORMAT_VERSION) {
    throw new InvalidModelFile(
      `it is of format ${version}, this program reads ${FORMAT_VERSION}: take the file of this release, or make it with \`make train\``,
    )
  }
  const end = bytes.length - DIGEST
  if (!createHash('sha256').update(bytes.subarray(0, end)).digest().equals(bytes.subarray(end)))
    throw new InvalidModelFile('its checksum does not hold: it is damaged or cut off')

  const headerEnd = PREFIX + bytes.readUInt32LE(12)
  const header = parseHeader(bytes.toString('utf8', PREFIX, Math.min(headerEnd, end)))
  const { length } = header.categories
  const slots = WAYS << header.bucketBits
  if (![header.biases, header.slopes, header.offsets].every((list) => list.length === length + 1))
    throw new InvalidModelFile('its header does not fit its categories')
  const harmfulFrom = headerEnd + slots * 2
  const categoriesFrom = harmfulFrom + slots * 4
  const categoriesSize = (length << header.bucketBits) * 4
  if (categoriesFrom + categoriesSize !== end) throw new InvalidModelFile('its size does not fit its header')
  // Copies: a file may begin at any address in the buffer it was read into.
  const copy = (from: number, length: number, swap: 'swap16' | 'swap32') => {
    const part = Buffer.from(new Uint8Array(bytes.subarray(from, from + length)).buffer)
    return (IS_LITTLE_ENDIAN ? part : part[swap]()).buffer as ArrayBuffer
  }
  const tags = new Uint16Array(copy(headerEnd, slots * 2, 'swap16'))
  const harmful = new Float32Array(copy(harmfulFrom, slots * 4, 'swap32'))
  const byCategory = new Float32Array(copy(categoriesFrom, categoriesSize, 'swap32'))
  for (const weights of [harmful, byCategory])
    for (const weight of weights)
      if (!Number.isFinite(weight)) throw new InvalidModelFile('it holds a weight that is no number')
  return { ...header, tags, harmful, byCategory }
}

function parseHeader(text: string) {
  try {
    return headerSchema.parse(JSON.parse(text))
  } catch {
    throw new InvalidModelFile('its header cannot be read')
  }
}
