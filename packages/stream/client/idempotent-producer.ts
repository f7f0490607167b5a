import type { Kafka, Producer } from 'kafkajs'
import { partitionOf } from './partitioner.ts'

/** A producer as the contract asks for it: idempotent, in order, keys where Kafka's Java client puts them; it makes no topics. */
export function createIdempotentProducer(kafka: Kafka): Producer {
  return kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    createPartitioner:
      () =>
      ({ partitionMetadata, message }) =>
        partitionOf(Buffer.from(message.key ?? ''), partitionMetadata.length),
  })
}
