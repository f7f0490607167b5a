/**
 * What kafkajs itself costs: reads feed.events and writes the same bytes to events.normalized, in batches. With
 * `--transactions` a transaction a batch, its offsets in it: the floor of what any exactly-once stage on kafkajs pays.
 * Plain kafkajs, its own encoders and decoders, not Wardline's client.
 */
import { createRequire } from 'node:module'
import type { EachBatchPayload, Kafka as KafkaClient, Producer } from 'kafkajs'

const { Kafka, logLevel } = createRequire(import.meta.url)('kafkajs') as {
  Kafka: new (config: object) => KafkaClient
  logLevel: { ERROR: number }
}
const INPUT = 'feed.events'
const OUTPUT = 'events.normalized'
const GROUP = 'peer.passthrough'
const transactional = process.argv.includes('--transactions')

const kafka = new Kafka({
  clientId: GROUP,
  brokers: process.env.WARDLINE_BROKERS!.split(','),
  logLevel: logLevel.ERROR,
  // As in packages/stream: the broker answers CONCURRENT_TRANSACTIONS whenever one begins right after the last.
  retry: { initialRetryTime: 5, maxRetryTime: 1_000, retries: 8 },
})
const consumer = kafka.consumer({ groupId: GROUP, maxWaitTimeInMs: 100, allowAutoTopicCreation: false })
const producers = new Map<number, Promise<Producer>>()

/** One a partition, as fencing by transactional id asks for. */
function producerOf(partition: number): Promise<Producer> {
  let known = producers.get(transactional ? partition : 0)
  if (!known) {
    known = (async () => {
      const producer = kafka.producer({
        allowAutoTopicCreation: false,
        idempotent: true,
        maxInFlightRequests: 1,
        ...(transactional ? { transactionalId: `${GROUP}.${partition}` } : {}),
      })
      await producer.connect()
      return producer
    })()
    producers.set(transactional ? partition : 0, known)
  }
  return known
}

async function pass({ batch, resolveOffset, commitOffsetsIfNecessary }: EachBatchPayload): Promise<void> {
  const producer = await producerOf(batch.partition)
  const messages = batch.messages.map(({ key, value }) => ({ key, value, partition: batch.partition }))
  const last = batch.messages.at(-1)!.offset
  if (transactional) {
    const transaction = await producer.transaction()
    await transaction.send({ topic: OUTPUT, messages })
    const next = String(Number(last) + 1)
    await transaction.sendOffsets({
      consumerGroupId: GROUP,
      topics: [{ topic: INPUT, partitions: [{ partition: batch.partition, offset: next }] }],
    })
    await transaction.commit()
    resolveOffset(last)
  } else {
    await producer.send({ topic: OUTPUT, messages })
    resolveOffset(last)
    await commitOffsetsIfNecessary()
  }
}

await consumer.connect()
await consumer.subscribe({ topics: [INPUT], fromBeginning: true })
consumer.on(consumer.events.GROUP_JOIN, () => console.log('RUNNING'))
await consumer.run({
  autoCommit: !transactional,
  eachBatchAutoResolve: false,
  partitionsConsumedConcurrently: 64,
  eachBatch: pass,
})
process.on('SIGTERM', async () => {
  await consumer.disconnect()
  for (const producer of producers.values()) await (await producer).disconnect()
  process.exit(0)
})
