/**
 * Requests that kafkajs 2.2.4 has not: IncrementalAlterConfigs, which changes the named settings and leaves the others
 * (kafkajs's alterConfigs takes back whatever it is not given), and ApiVersions 3, which tells the cluster's features.
 */
import type { Kafka } from 'kafkajs'
import { createCluster } from './kafkajs-internals.ts'
import { type Decoder, newDecoder, newEncoder, type ProtocolRequest } from './protocol-codec.ts'

interface AdminBroker {
  readonly connectionPool: { send<T>(request: ProtocolRequest<T>): Promise<T> }
}
interface AdminCluster {
  refreshMetadata(): Promise<void>
  findControllerBroker(): Promise<AdminBroker>
}

async function atController<T>(kafka: Kafka, request: ProtocolRequest<T>): Promise<T> {
  const cluster = createCluster(kafka)
  await cluster.connect()
  try {
    await cluster.refreshMetadata()
    const broker = await (cluster as unknown as AdminCluster).findControllerBroker()
    return await broker.connectionPool.send(request)
  } finally {
    await cluster.disconnect()
  }
}

/** The broker refused a change of settings. */
export class ConfigsRefused extends Error {
  override readonly name = 'ConfigsRefused'
  /** Tells the command line to print the message alone. */
  readonly remedy = true
}

const TOPIC_RESOURCE = 2
const SET = 0

/** Sets the given settings of the given topics; all others stay. Throws ConfigsRefused with the broker's reason. */
export async function alterTopicConfigs(
  kafka: Kafka,
  topics: ReadonlyMap<string, readonly { readonly setting: string; readonly to: string }[]>,
): Promise<void> {
  const answers = await atController(kafka, {
    request: {
      apiKey: 44,
      apiVersion: 0,
      apiName: 'IncrementalAlterConfigs',
      encode: async () =>
        newEncoder()
          .writeArray(
            [...topics].map(([topic, settings]) =>
              newEncoder()
                .writeInt8(TOPIC_RESOURCE)
                .writeString(topic)
                .writeArray(
                  settings.map(({ setting, to }) =>
                    newEncoder().writeString(setting).writeInt8(SET).writeString(to),
                  ),
                ),
            ),
          )
          .writeBoolean(false),
    },
    response: {
      decode: async (bytes) => {
        const decoder = newDecoder(bytes)
        decoder.readInt32() // throttle time
        return decoder.readArray((answer) => {
          const errorCode = answer.readInt16()
          const reason = answer.readString()
          answer.readInt8()
          return { errorCode, reason, topic: answer.readString() }
        })
      },
      parse: async (answer) => answer,
    },
  })
  const refused = answers.filter(({ errorCode }) => errorCode !== 0)
  if (refused.length > 0) {
    throw new ConfigsRefused(
      refused.map(({ topic, reason, errorCode }) => `${topic}: ${reason ?? `error ${errorCode}`}`).join('\n'),
    )
  }
}

/** What the cluster can do. */
export interface ClusterFeatures {
  /** Highest version of each request that the broker answers, by its number in Kafka's protocol. */
  readonly requests: ReadonlyMap<number, { readonly least: number; readonly most: number }>
  /** Feature levels in force, such as metadata.version and transaction.version; empty before KRaft. */
  readonly features: ReadonlyMap<string, number>
}

const FINALIZED_FEATURES_TAG = 2

/** Asks one broker what it can do. */
export function readClusterFeatures(kafka: Kafka): Promise<ClusterFeatures> {
  return atController(kafka, {
    request: {
      apiKey: 18,
      apiVersion: 3,
      apiName: 'ApiVersions',
      encode: async () =>
        newEncoder()
          .writeUVarInt(0) // tagged fields of the header
          .writeUVarIntString('wardline')
          .writeUVarIntString('1')
          .writeUVarInt(0),
    },
    response: { decode: async (bytes) => decodeApiVersions(bytes), parse: async (answer) => answer },
  })
}

/** Body of an ApiVersions 3 response; its header has no tagged fields. */
export function decodeApiVersions(bytes: Buffer): ClusterFeatures {
  const decoder = newDecoder(bytes)
  const errorCode = decoder.readInt16()
  if (errorCode !== 0) throw new Error(`the broker answered ApiVersions with error ${errorCode}`)
  const skipTags = (at: Decoder) => {
    for (let left = at.readUVarInt(); left > 0; left--) {
      at.readUVarInt()
      at.readBytes(at.readUVarInt())
    }
  }
  const requests = new Map<number, { least: number; most: number }>()
  decoder.readUVarIntArray((entry) => {
    requests.set(entry.readInt16(), { least: entry.readInt16(), most: entry.readInt16() })
    skipTags(entry)
  })
  decoder.readInt32() // throttle time
  const features = new Map<string, number>()
  for (let left = decoder.readUVarInt(); left > 0; left--) {
    const tag = decoder.readUVarInt()
    const content = newDecoder(decoder.readBytes(decoder.readUVarInt()))
    if (tag !== FINALIZED_FEATURES_TAG) continue
    content.readUVarIntArray((entry) => {
      const name = entry.readUVarIntString() ?? ''
      features.set(name, entry.readInt16())
      entry.readInt16() // least level
      skipTags(entry)
    })
  }
  return { requests, features }
}
