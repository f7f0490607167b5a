/**
 * Requests of KIP-447, in versions that kafkajs 2.2.4 has not: TxnOffsetCommit 3, by which the coordinator refuses whoever is
 * no member of the group's present generation, and OffsetFetch 7, which tells where a transaction has yet to be decided.
 */
import type { PartitionOffset } from './partition-reader.ts'
import { type Decoder, newDecoder, newEncoder, type ProtocolRequest } from './protocol-codec.ts'

/** Who commits: a member, by what the group's coordinator gave it when it joined. */
export interface GroupMember {
  readonly memberId: string
  readonly generationId: number
}

export interface OffsetCommit {
  readonly transactionalId: string
  readonly producerId: number
  readonly producerEpoch: number
  readonly groupId: string
  readonly member: GroupMember
  readonly offsets: readonly PartitionOffset[]
}

/** A committed offset, -1 where there is none. */
export interface CommittedOffset extends PartitionOffset {
  /** Transactional id that committed it; empty where nobody has, or a version of Wardline before generations. */
  readonly committedBy: string
  /** False, where stable ones were asked for, while a transaction that commits another one has yet to be decided. */
  readonly stable: boolean
}

const UNSTABLE_OFFSET_COMMIT = 88
/** Of the errors of these requests, those that the producer tells apart; kafkajs knows not all of them. */
const ERROR_TYPES: Readonly<Record<number, string>> = {
  14: 'COORDINATOR_LOAD_IN_PROGRESS',
  15: 'COORDINATOR_NOT_AVAILABLE',
  16: 'NOT_COORDINATOR',
  22: 'ILLEGAL_GENERATION',
  25: 'UNKNOWN_MEMBER_ID',
  27: 'REBALANCE_IN_PROGRESS',
  47: 'INVALID_PRODUCER_EPOCH',
  49: 'INVALID_PRODUCER_ID_MAPPING',
  51: 'CONCURRENT_TRANSACTIONS',
  53: 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
  82: 'FENCED_INSTANCE_ID',
  90: 'PRODUCER_FENCED',
}

/** The coordinator refused; `type` is the protocol's name of the error. */
class OffsetRequestRefused extends Error {
  override readonly name = 'OffsetRequestRefused'
  readonly type: string

  constructor(code: number) {
    const type = ERROR_TYPES[code] ?? `error ${code}`
    super(type)
    this.type = type
  }
}

/** Where a field can be added to the protocol, there is none. */
const NO_TAGS = 0

/** Goes past what both answers begin with, and reads their partitions, of all topics. */
function readPartitions<T>(decoder: Decoder, read: (partition: Decoder, topic: string) => T): T[] {
  decoder.readTaggedFields()
  decoder.readInt32() // throttle time
  return decoder
    .readUVarIntArray((each) => {
      const topic = each.readUVarIntString()!
      const partitions = each.readUVarIntArray((partition) => {
        const value = read(partition, topic)
        partition.readTaggedFields()
        return value
      })
      each.readTaggedFields()
      return partitions
    })
    .flat()
}

export const txnOffsetCommit = (commit: OffsetCommit): ProtocolRequest<readonly number[]> => ({
  request: {
    apiKey: 28,
    apiVersion: 3,
    apiName: 'TxnOffsetCommit',
    encode: async () =>
      newEncoder()
        .writeUVarInt(NO_TAGS)
        .writeUVarIntString(commit.transactionalId)
        .writeUVarIntString(commit.groupId)
        .writeInt64(commit.producerId)
        .writeInt16(commit.producerEpoch)
        .writeInt32(commit.member.generationId)
        .writeUVarIntString(commit.member.memberId)
        .writeUVarIntString(null)
        .writeUVarIntArray(
          [...Map.groupBy(commit.offsets, ({ topic }) => topic)].map(([topic, offsets]) =>
            newEncoder()
              .writeUVarIntString(topic)
              .writeUVarIntArray(
                offsets.map(({ partition, offset }) =>
                  newEncoder()
                    .writeInt32(partition)
                    .writeInt64(offset)
                    .writeInt32(-1)
                    .writeUVarIntString(commit.transactionalId)
                    .writeUVarInt(NO_TAGS),
                ),
              )
              .writeUVarInt(NO_TAGS),
          ),
        )
        .writeUVarInt(NO_TAGS),
  },
  response: {
    decode: async (bytes) =>
      readPartitions(newDecoder(bytes), (partition) => {
        partition.readInt32() // its number
        return partition.readInt16()
      }),
    parse: async (codes) => {
      const code = codes.find((each) => each !== 0)
      if (code !== undefined) throw new OffsetRequestRefused(code)
      return codes
    },
  },
})

interface OffsetFetchAnswer {
  readonly offsets: readonly (CommittedOffset & { readonly code: number })[]
  readonly code: number
}

/** `requireStable`: an offset that another is about to take the place of is not told, nor who committed it. */
export const offsetFetch = (
  groupId: string,
  topics: readonly string[],
  partition: number,
  requireStable: boolean,
): ProtocolRequest<OffsetFetchAnswer> => ({
  request: {
    apiKey: 9,
    apiVersion: 7,
    apiName: 'OffsetFetch',
    encode: async () =>
      newEncoder()
        .writeUVarInt(NO_TAGS)
        .writeUVarIntString(groupId)
        .writeUVarIntArray(
          topics.map((topic) =>
            newEncoder()
              .writeUVarIntString(topic)
              .writeUVarIntArray([newEncoder().writeInt32(partition)])
              .writeUVarInt(NO_TAGS),
          ),
        )
        .writeBoolean(requireStable)
        .writeUVarInt(NO_TAGS),
  },
  response: {
    decode: async (bytes) => {
      const decoder = newDecoder(bytes)
      const offsets = readPartitions(decoder, (of, topic) => {
        const id = of.readInt32()
        const offset = Number(of.readInt64().toString())
        of.readInt32() // leader epoch
        const committedBy = of.readUVarIntString() ?? ''
        const code = of.readInt16()
        return { topic, partition: id, offset, committedBy, code, stable: code !== UNSTABLE_OFFSET_COMMIT }
      })
      return { offsets, code: decoder.readInt16() }
    },
    parse: async (answer) => {
      const code =
        answer.code !== 0
          ? answer.code
          : (answer.offsets.find((each) => each.code !== 0 && each.stable)?.code ?? 0)
      if (code !== 0) throw new OffsetRequestRefused(code)
      return answer
    },
  },
})
