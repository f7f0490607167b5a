/**
 * The parts of kafkajs 2.2.4 below its public interface that Wardline uses. kafkajs's own producer asks
 * for the transaction coordinator before each of a transaction's requests and sends them one after
 * the other; its consumer has no way to read one partition to its end without a group. Both are a few
 * lines over kafkajs's cluster and broker objects, which do the connections, versions and encoding.
 * The version is pinned exactly, and the chain tests run through every call made here.
 */
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import type { Kafka } from 'kafkajs'
import type { PartitionData } from './fetched-batch.ts'
import {
  type EncodedPayload,
  encodeProduceRequest,
  frameRequest,
  type ProduceRequest,
  payloadOf,
} from './produce-request.ts'
import type { ProtocolRequest } from './protocol-codec.ts'

export interface OutMessage {
  readonly key: Buffer | string | null
  readonly value: Buffer | null
  readonly headers?: Record<string, Buffer | string>
  readonly timestamp: string
}

export interface FetchedMessage {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly offset: string
  readonly timestamp: string
  readonly headers?: Record<string, Buffer | string | (Buffer | string)[] | undefined>
}

export interface ProducerIdentity {
  readonly transactionalId: string
  readonly producerId: number
  readonly producerEpoch: number
}

export interface Broker {
  readonly nodeId: number | string
  isConnected(): boolean
  produce(request: ProduceRequest): Promise<unknown>
  initProducerId(request: {
    transactionalId: string
    transactionTimeout: number
  }): Promise<{ producerId: number; producerEpoch: number }>
  addPartitionsToTxn(
    request: ProducerIdentity & { topics: readonly { topic: string; partitions: readonly number[] }[] },
  ): Promise<unknown>
  addOffsetsToTxn(request: ProducerIdentity & { groupId: string }): Promise<unknown>
  endTxn(request: ProducerIdentity & { transactionResult: boolean }): Promise<unknown>
  /** For requests that kafkajs has not. */
  readonly connectionPool: { send<T>(request: ProtocolRequest<T>): Promise<T> }
  leaveGroup(request: { groupId: string; memberId: string }): Promise<unknown>
  listOffsets(request: {
    replicaId: -1
    isolationLevel: number
    topics: readonly {
      topic: string
      partitions: readonly { partition: number; timestamp: string | number }[]
    }[]
  }): Promise<{ responses: { topic: string; partitions: { partition: number; offset: string }[] }[] }>
  fetch(request: {
    maxWaitTime: number
    minBytes: number
    maxBytes: number
    isolationLevel: number
    topics: readonly {
      topic: string
      partitions: readonly { partition: number; fetchOffset: string; maxBytes: number }[]
    }[]
  }): Promise<{ responses: { topicName: string; partitions: PartitionData[] }[] }>
}

export interface Cluster {
  connect(): Promise<void>
  disconnect(): Promise<void>
  refreshMetadata(): Promise<void>
  refreshMetadataIfNecessary(): Promise<void>
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>
  findTopicPartitionMetadata(topic: string): { partitionId: number; leader: number }[]
  findLeaderForPartitions(topic: string, partitions: readonly number[]): Record<string, number[]>
  findBroker(node: { nodeId: number | string }): Promise<Broker>
  findGroupCoordinator(request: { groupId: string; coordinatorType: 0 | 1 }): Promise<Broker>
}

/** kafkajs's name for the two kinds of coordinator. */
export const GROUP_COORDINATOR = 0
export const TRANSACTION_COORDINATOR = 1
export const READ_COMMITTED = 1
export const READ_UNCOMMITTED = 0

/** Whether the error comes of a request that was sent and that nothing came back to in time. */
export function isUnanswered(error: unknown): boolean {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++)
    if (at.name === 'KafkaJSRequestTimeoutError') return true
  return false
}

/** A cluster object with the client's addresses, TLS and credentials. */
export function createCluster(kafka: Kafka): Cluster {
  const factory = Object.getOwnPropertySymbols(kafka).find(
    (s) => s.description === 'private:Kafka:createCluster',
  )
  if (!factory)
    throw new Error('this version of kafkajs has no cluster factory; Wardline needs exactly 2.2.4')
  const create = (kafka as unknown as Record<symbol, (options: object) => Cluster>)[factory]!
  return create({ allowAutoTopicCreation: false, metadataMaxAge: 300_000, isolationLevel: READ_COMMITTED })
}

const require = createRequire(import.meta.url)

/** A module of the copy of kafkajs that we run. */
export function internalOf<T>(path: (typeof KEPT)[number]): T {
  return (kept.get(path) ?? require(path)) as T
}

const KEPT = [
  'kafkajs/src/consumer/batch',
  'kafkajs/src/consumer/consumerGroup',
  'kafkajs/src/protocol/encoder',
  'kafkajs/src/protocol/decoder',
] as const
const kept = new Map<string, unknown>()

/**
 * kafkajs with modules of it replaced. A process that has us as a library may have loaded it before, without them: then
 * this is a copy of our own, and whoever asks for kafkajs goes on getting the earlier one.
 */
export function loadKafkajs(replaceModules: () => void): typeof import('kafkajs') {
  const folder = dirname(require.resolve('kafkajs/package.json'))
  const earlier = Object.entries(require.cache).filter(
    ([file, module]) => file.startsWith(folder) && module?.loaded,
  )
  for (const [file] of earlier) delete require.cache[file]
  replaceModules()
  const loaded: typeof import('kafkajs') = require('kafkajs')
  for (const path of KEPT) kept.set(path, require(path))
  for (const [file, module] of earlier) require.cache[file] = module
  return loaded
}

/** Puts `replacement` where kafkajs will load the module from. Only while `loadKafkajs` asks for it. */
export function replaceModule(path: string, replacement: unknown): void {
  const file = require.resolve(path)
  require.cache[file] = { id: file, filename: file, loaded: true, exports: replacement } as NodeJS.Module
}

const UNKNOWN_MEMBER_ID = 25

interface GroupOptions {
  readonly instrumentationEmitter: { emit(event: string, payload: object): void }
}

interface ConsumerGroup {
  generationId: number
  memberId: string | null
  heartbeat(options: { interval: number }): Promise<void>
}

/**
 * Has kafkajs tell the generation of the group with GROUP_JOIN, since commits of transactions name it; and join anew where it
 * goes on without a member id. It forgets its id when the coordinator does not know it, and where the join after that fails,
 * it tries everything again but the join: without an id it sends no heartbeats, and nobody tells it that it is no member.
 * Only while `loadKafkajs` asks for it, after the modules that consumers use have been replaced.
 */
export function replaceConsumerGroup(): void {
  const path = 'kafkajs/src/consumer/consumerGroup'
  const Group: new (options: GroupOptions) => ConsumerGroup = require(path)
  const {
    createErrorFromCode,
  }: { createErrorFromCode(code: number): Error } = require('kafkajs/src/protocol/error')
  replaceModule(
    path,
    class extends Group {
      constructor(options: GroupOptions) {
        super({
          ...options,
          instrumentationEmitter: {
            emit: (event, payload) =>
              options.instrumentationEmitter.emit(
                event,
                event === 'consumer.group_join' ? { ...payload, generationId: this.generationId } : payload,
              ),
          },
        })
      }

      override async heartbeat(options: { interval: number }): Promise<void> {
        if (this.memberId) return super.heartbeat(options)
        // What the coordinator would answer: kafkajs then joins.
        throw createErrorFromCode(UNKNOWN_MEMBER_ID)
      }
    },
  )
}

interface KafkajsRequest {
  readonly apiKey: number
  readonly apiVersion: number
  encode(): Promise<EncodedPayload>
}

/**
 * Has produce requests that hold finished batches encoded by us, and every request framed with one copy instead of three.
 * What kafkajs's own producers send keeps its encoder. Must run before kafkajs is loaded.
 */
export function replaceRequestEncoder(): void {
  // Versions 4 to 7 are version 3 with another number.
  const path = 'kafkajs/src/protocol/requests/produce/v3/request'
  const encodeMessages: (request: object) => KafkajsRequest = require(path)
  const isOurs = ({ topicData }: ProduceRequest) => topicData[0]?.partitions[0]?.batch !== undefined
  replaceModule(path, (request: ProduceRequest): KafkajsRequest => {
    const made = encodeMessages(request)
    return isOurs(request) ? { ...made, encode: async () => payloadOf(encodeProduceRequest(request)) } : made
  })
  replaceModule(
    'kafkajs/src/protocol/request',
    async ({ request, ...header }: { correlationId: number; clientId: string; request: KafkajsRequest }) => {
      const { apiKey, apiVersion } = request
      return payloadOf(frameRequest({ ...header, apiKey, apiVersion }, (await request.encode()).buffer))
    },
  )
}

interface ResponseDecoder {
  readInt32(): number
  canReadBytes(length: number): boolean
  readBytes(length: number): Buffer
}

/** Has fetch responses' records decoded by `decode`; what it answers null to, kafkajs decodes itself. Only while `loadKafkajs` asks for it. */
export function replaceRecordDecoder(decode: (bytes: Buffer) => readonly unknown[] | null): void {
  const MessageSetDecoder: (
    decoder: ResponseDecoder,
    size: number,
  ) => unknown = require('kafkajs/src/protocol/messageSet/decoder')
  const Decoder: new (bytes: Buffer) => ResponseDecoder = require('kafkajs/src/protocol/decoder')
  replaceModule('kafkajs/src/protocol/requests/fetch/v4/decodeMessages', (decoder: ResponseDecoder) => {
    const size = decoder.readInt32()
    if (size <= 0 || !decoder.canReadBytes(size)) return []
    const bytes = decoder.readBytes(size)
    return decode(bytes) ?? MessageSetDecoder(new Decoder(bytes), size)
  })
}
