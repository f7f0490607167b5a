import { type Resolver, type Schema, Type } from './avro.ts'
import { hardenAvsc } from './hardening.ts'
import type { RecordTypes } from './record-types.ts'
import { type RecordName, readSchema } from './schemas.ts'

hardenAvsc()

/** Confluent framing: a zero byte, then the schema id as a big-endian 32-bit integer, then the Avro body. */
const MAGIC_BYTE = 0
const HEADER_BYTES = 5

export type DecodeFailureReason = 'undecodable' | 'unknown_schema' | 'incompatible_schema'

/** Why a record could not be decoded. A value, not an error: bad data is expected. `error` holds no content of the record. */
export class DecodeFailure {
  readonly reason: DecodeFailureReason
  readonly error: string
  constructor(reason: DecodeFailureReason, error: string) {
    this.reason = reason
    this.error = error
  }
}

/** Where writer schemas come from. */
export interface SchemaSource {
  /** The Avro schema with this id; `null` where the registry has none, `'not_avro'` where it is of another kind. Throws RegistryUnavailable in an outage. */
  schemaById(id: number): Promise<Schema | 'not_avro' | null>
}

/** Ids that the registry did not know are asked again after this long: a new schema may have been registered meanwhile. */
const UNKNOWN_ID_TTL_MS = 10_000
/** Garbage names random ids; more than this many are not remembered. */
const UNKNOWN_IDS_KEPT = 10_000
const LOOKUPS_AT_ONCE = 8

/** The avsc type of one of our records, as the schema in the repository says. Times are plain numbers, ms since 1970 UTC. */
export function recordType(name: RecordName): Type {
  return Type.forSchema(readSchema(name))
}

/**
 * Reads framed records of one kind, whatever version wrote them. `prepare` fetches the writer schemas of
 * a batch; after that `decode` is synchronous.
 */
export class RecordDecoder<Name extends RecordName> {
  readonly #name: Name
  readonly #type: Type
  readonly #source: SchemaSource
  readonly #now: () => number
  readonly #resolvers = new Map<number, Resolver | DecodeFailure>()
  /** Unknown id to when it may be asked for again, ms. */
  readonly #unknown = new Map<number, number>()

  constructor(name: Name, source: SchemaSource, now: () => number = Date.now) {
    this.#name = name
    this.#type = recordType(name)
    this.#source = source
    this.#now = now
  }

  /** Fetches every writer schema that these records name and that is not known yet. Throws RegistryUnavailable in an outage. */
  async prepare(records: readonly { readonly value: Buffer | null }[]): Promise<void> {
    let wanted: Set<number> | undefined
    for (const { value } of records) {
      if (value === null || value.length < HEADER_BYTES || value[0] !== MAGIC_BYTE) continue
      const id = value.readInt32BE(1)
      if (this.#resolvers.has(id) || this.#isKnownUnknown(id)) continue
      wanted ??= new Set()
      wanted.add(id)
    }
    if (!wanted) return
    const ids = [...wanted]
    for (let i = 0; i < ids.length; i += LOOKUPS_AT_ONCE) {
      await Promise.all(ids.slice(i, i + LOOKUPS_AT_ONCE).map((id) => this.#learn(id)))
    }
  }

  /** The record, or why it cannot be read. Ids that `prepare` has not seen count as unknown. */
  decode(bytes: Buffer): RecordTypes[Name] | DecodeFailure {
    if (bytes.length < HEADER_BYTES) {
      return new DecodeFailure('undecodable', `${bytes.length} bytes are too few for a framed Avro record`)
    }
    if (bytes[0] !== MAGIC_BYTE) {
      return new DecodeFailure('undecodable', `the first byte is ${bytes[0]}, not 0: no Confluent framing`)
    }
    const id = bytes.readInt32BE(1)
    const resolver = this.#resolvers.get(id)
    if (resolver === undefined)
      return new DecodeFailure('unknown_schema', `the registry has no schema with id ${id}`)
    if (resolver instanceof DecodeFailure) return resolver
    try {
      return this.#type.fromBuffer(bytes.subarray(HEADER_BYTES), resolver) as RecordTypes[Name]
    } catch (error) {
      return new DecodeFailure('undecodable', `not a ${this.#name} of schema ${id}: ${messageOf(error)}`)
    }
  }

  #isKnownUnknown(id: number): boolean {
    const askAgainAt = this.#unknown.get(id)
    if (askAgainAt === undefined) return false
    if (this.#now() < askAgainAt) return true
    this.#unknown.delete(id)
    return false
  }

  async #learn(id: number): Promise<void> {
    const schema = await this.#source.schemaById(id)
    if (schema === null) {
      if (this.#unknown.size >= UNKNOWN_IDS_KEPT) this.#unknown.clear()
      this.#unknown.set(id, this.#now() + UNKNOWN_ID_TTL_MS)
      return
    }
    this.#resolvers.set(
      id,
      schema === 'not_avro' ? incompatible(id, 'it is not Avro') : this.#resolverFor(id, schema),
    )
  }

  #resolverFor(id: number, schema: Schema): Resolver | DecodeFailure {
    try {
      return this.#type.createResolver(Type.forSchema(schema))
    } catch (error) {
      return incompatible(id, `it cannot be read as ${this.#name}: ${messageOf(error)}`)
    }
  }
}

const incompatible = (id: number, why: string) =>
  new DecodeFailure('incompatible_schema', `schema ${id}: ${why}`)

/** First line of an error's message, short: avsc quotes values in some, so nothing after the first line or 120 characters is kept. */
function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return message.split('\n', 1)[0]!.slice(0, 120)
}

/** Writes framed records of one kind with one schema id. Not for use by two callers at once: the scratch buffer is reused. */
export class RecordEncoder<Name extends RecordName> {
  readonly #type: Type
  #scratch = Buffer.alloc(16_384)

  constructor(name: Name, schemaId: number) {
    this.#type = recordType(name)
    this.#frame(schemaId)
  }

  /** Where encodeToScratch writes to. Another one once a record did not fit: ask anew after each. */
  get scratch(): Buffer {
    return this.#scratch
  }

  /** The framed record, a buffer of its own. Throws where the value does not fit the schema: that is a defect of the caller. */
  encode(value: RecordTypes[Name]): Buffer {
    const end = this.encodeToScratch(value)
    return Buffer.from(this.#scratch.subarray(0, end))
  }

  /** The same into the first bytes of `scratch`, which the next record overwrites; returns how many. */
  encodeToScratch(value: RecordTypes[Name]): number {
    let end = this.#type.encode(value, this.#scratch, HEADER_BYTES)
    if (end < 0) {
      const id = this.#scratch.readInt32BE(1)
      this.#scratch = Buffer.alloc(2 * (this.#scratch.length - end))
      this.#frame(id)
      end = this.#type.encode(value, this.#scratch, HEADER_BYTES)
    }
    return end
  }

  #frame(schemaId: number): void {
    this.#scratch[0] = MAGIC_BYTE
    this.#scratch.writeInt32BE(schemaId, 1)
  }
}
