import { RecordEncoder, type RecordName, type RecordTypes } from '@wardline/events'
import { partitionOf } from '@wardline/stream'
import { CompressionTypes, type Producer, type RecordMetadata } from 'kafkajs'
import type { Connection } from './connection.ts'

/** A record as a producer sends it: value null is a tombstone. */
export interface FedMessage {
  readonly key: string
  readonly value: Buffer | null
  readonly headers?: Record<string, string>
}

/** An idempotent producer with the settings that a feed producer should use. */
export class FeedPublisher {
  readonly #producer: Producer
  readonly #connection: Connection
  readonly #encoders = new Map<string, RecordEncoder<RecordName>>()

  constructor(connection: Connection) {
    this.#connection = connection
    this.#producer = connection.kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner:
        () =>
        ({ partitionMetadata, message }) =>
          partitionOf(Buffer.from(message.key ?? ''), partitionMetadata.length),
    })
  }

  async connect(): Promise<void> {
    await this.#producer.connect()
  }

  /** Bytes of a record for a topic. The schema has to be registered. */
  async encode<Name extends RecordName>(
    topic: string,
    record: Name,
    value: RecordTypes[Name],
  ): Promise<Buffer> {
    const name = `${topic} ${record}`
    let encoder = this.#encoders.get(name)
    if (!encoder) {
      encoder = new RecordEncoder<RecordName>(record, await this.#connection.registry.idOf(topic, record))
      this.#encoders.set(name, encoder)
    }
    return encoder.encode(value)
  }

  /** Where the broker put them: the first offset of each partition. */
  async send(topic: string, messages: readonly FedMessage[]): Promise<readonly RecordMetadata[]> {
    if (messages.length === 0) return []
    return this.#producer.send({
      topic,
      messages: [...messages],
      acks: -1,
      compression: CompressionTypes.None,
    })
  }

  async close(): Promise<void> {
    await this.#producer.disconnect()
  }
}
