import { setTimeout as delay } from 'node:timers/promises'
import type { Kafka } from 'kafkajs'
import { TOPIC_SPECS } from './topics.ts'

/** A topic exists with another number of partitions than the rest of the chain. */
export class PartitionCountMismatch extends Error {
  override readonly name = 'PartitionCountMismatch'
  /** Tells the command line to print the message alone. */
  readonly remedy = true
}

const ANSWER_WITHIN_MS = 30_000

/**
 * Creates the topics that do not exist, with one partition count for all, and waits until every partition answers:
 * an idempotent producer that starts earlier can jam on OUT_OF_ORDER_SEQUENCE_NUMBER. Returns the names that did not
 * exist. Throws PartitionCountMismatch; while the broker is out, what kafkajs throws.
 */
export async function createTopics(options: {
  kafka: Kafka
  partitions: number
  replicationFactor: number
  /** Bound of the wait for the partitions' answers. */
  answerWithinMs?: number
}): Promise<string[]> {
  const { kafka, partitions, replicationFactor, answerWithinMs = ANSWER_WITHIN_MS } = options
  const admin = kafka.admin()
  await admin.connect()
  try {
    const existing = new Set(await admin.listTopics())
    const present = TOPIC_SPECS.filter(({ topic }) => existing.has(topic)).map(({ topic }) => topic)
    if (present.length > 0) {
      const { topics } = await admin.fetchTopicMetadata({ topics: present })
      const other = topics.find((topic) => topic.partitions.length !== partitions)
      if (other) throw mismatch(other.name, other.partitions.length, partitions)
    }
    const missing = TOPIC_SPECS.filter(({ topic }) => !existing.has(topic))
    if (missing.length > 0) {
      await admin.createTopics({
        topics: missing.map(({ topic, config }) => ({
          topic,
          numPartitions: partitions,
          replicationFactor,
          configEntries: Object.entries(config).map(([name, value]) => ({ name, value })),
        })),
      })
    }
    const until = performance.now() + answerWithinMs
    for (const { topic } of TOPIC_SPECS) {
      for (;;) {
        const late = performance.now() > until
        const count = await admin.fetchTopicOffsets(topic).then(
          (offsets) => offsets.length,
          (error: unknown) => {
            if (late) throw error
            return null
          },
        )
        if (count === partitions) break
        // Somebody else created it at the same time, with another count.
        if (late && count !== null) throw mismatch(topic, count, partitions)
        await delay(50)
      }
    }
    return missing.map(({ topic }) => topic)
  } finally {
    await admin.disconnect()
  }
}

const mismatch = (topic: string, has: number, wanted: number) =>
  new PartitionCountMismatch(
    `Topic ${topic} has ${has} partitions and ${wanted} are wanted; keys would not meet: use --partitions ${has}, or wipe the data (bin/wardline down --wipe).`,
  )
