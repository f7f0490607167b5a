import { setTimeout as delay } from 'node:timers/promises'
import type { Admin, Kafka } from 'kafkajs'
import { alterTopicConfigs } from './client/admin-requests.ts'
import { ConfigResourceTypes } from './client/kafka.ts'
import {
  describeTopicChange,
  type PresentTopic,
  planTopics,
  type TopicChange,
  type WantedTopic,
} from './topic-plan.ts'

/** A topic has another number of partitions than the rest of the chain, and cannot get it. */
export class PartitionCountMismatch extends Error {
  override readonly name = 'PartitionCountMismatch'
  /** Tells the command line to print the message alone. */
  readonly remedy = true
}

const ANSWER_WITHIN_MS = 30_000
const ASK_AGAIN_MS = 50

/** Those of the named topics that the broker has. While it is out: throws what kafkajs throws. */
export async function readTopics(kafka: Kafka, names: readonly string[]): Promise<Map<string, PresentTopic>> {
  const admin = kafka.admin()
  await admin.connect()
  try {
    return await presentTopics(admin, names)
  } finally {
    await admin.disconnect()
  }
}

async function presentTopics(admin: Admin, names: readonly string[]): Promise<Map<string, PresentTopic>> {
  const existing = new Set(await admin.listTopics())
  const topics = names.filter((name) => existing.has(name))
  if (topics.length === 0) return new Map()
  const [metadata, { resources }] = await Promise.all([
    admin.fetchTopicMetadata({ topics }),
    admin.describeConfigs({
      resources: topics.map((name) => ({ type: ConfigResourceTypes.TOPIC, name })),
      includeSynonyms: false,
    }),
  ])
  const configs = new Map(
    resources.map(({ resourceName, configEntries }) => [
      resourceName,
      Object.fromEntries(configEntries.map(({ configName, configValue }) => [configName, configValue ?? ''])),
    ]),
  )
  const present = new Map<string, PresentTopic>()
  for (const { name, partitions } of metadata.topics) {
    const offsets = await admin.fetchTopicOffsets(name)
    present.set(name, {
      topic: name,
      partitions: partitions.length,
      replicationFactor: Math.min(...partitions.map(({ replicas }) => replicas.length)),
      config: configs.get(name) ?? {},
      hasRecords: offsets.some(({ low, high }) => low !== high),
    })
  }
  return present
}

/**
 * Creates and alters, deletes nothing, and waits until every partition of every wanted topic answers: an idempotent
 * producer that starts earlier can jam on OUT_OF_ORDER_SEQUENCE_NUMBER. Returns the plan that it followed; too few
 * replicas are left as they are. Throws PartitionCountMismatch with nothing changed; while the broker is out, what
 * kafkajs throws.
 */
export async function applyTopics(options: {
  readonly kafka: Kafka
  readonly wanted: readonly WantedTopic[]
  /** Bound of the wait for the partitions' answers. */
  readonly answerWithinMs?: number
}): Promise<TopicChange[]> {
  const { kafka, wanted, answerWithinMs = ANSWER_WITHIN_MS } = options
  const admin = kafka.admin()
  await admin.connect()
  try {
    const names = wanted.map(({ topic }) => topic)
    const changes = planTopics(wanted, await presentTopics(admin, names))
    const uneven = changes.filter((change) => change.change === 'cannot' && change.what === 'partitions')
    if (uneven.length > 0) throw new PartitionCountMismatch(uneven.map(describeTopicChange).join('\n'))
    const missing = changes.flatMap((change) => (change.change === 'create' ? [change.wanted] : []))
    if (missing.length > 0) {
      await admin.createTopics({
        // The wait below is for every topic, with a bound of its own.
        waitForLeaders: false,
        topics: missing.map(({ topic, partitions, replicationFactor, config }) => ({
          topic,
          numPartitions: partitions,
          replicationFactor,
          configEntries: Object.entries(config).map(([name, value]) => ({ name, value })),
        })),
      })
    }
    const grown = changes.flatMap((change) => (change.change === 'grow' ? [change] : []))
    if (grown.length > 0) {
      await admin.createPartitions({
        topicPartitions: grown.map(({ topic, to }) => ({ topic, count: to })),
      })
    }
    const altered = changes.flatMap((change) => (change.change === 'alter' ? [change] : []))
    if (altered.length > 0) {
      await alterTopicConfigs(
        kafka,
        Map.groupBy(altered, ({ topic }) => topic),
      )
    }
    await untilAnswered(admin, wanted, answerWithinMs)
    return changes
  } finally {
    await admin.disconnect()
  }
}

async function untilAnswered(admin: Admin, wanted: readonly WantedTopic[], withinMs: number): Promise<void> {
  const until = performance.now() + withinMs
  for (const { topic, partitions } of wanted) {
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
      if (late)
        throw new PartitionCountMismatch(
          `${topic} has ${count ?? 'no'} partitions and ${partitions} are wanted: was it created by somebody else at the same time? See: bin/wardline topics plan`,
        )
      await delay(ASK_AGAIN_MS)
    }
  }
}
