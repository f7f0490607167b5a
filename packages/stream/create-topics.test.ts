import type { Kafka } from 'kafkajs'
import { beforeEach, expect, it } from 'vitest'
import { createTopics, PartitionCountMismatch } from './create-topics.ts'
import { TOPIC_SPECS } from './topics.ts'

/** Partition counts of the topics that exist in the broker. */
let topics: Map<string, number>
/** How often each topic still answers that it has no leader. */
let silentFor: number
/** What somebody else creates while we look. */
let createdByOthers: number | null
let disconnected: boolean

beforeEach(() => {
  topics = new Map()
  silentFor = 0
  createdByOthers = null
  disconnected = false
})

const partitionsOf = (count: number) => Array.from({ length: count }, (_, partition) => ({ partition }))

const kafka = {
  admin: () => ({
    connect: async () => {},
    disconnect: async () => {
      disconnected = true
    },
    listTopics: async () => [...topics.keys()],
    fetchTopicMetadata: async (query: { topics: string[] }) => ({
      topics: query.topics.map((name) => ({ name, partitions: partitionsOf(topics.get(name)!) })),
    }),
    createTopics: async (request: { topics: { topic: string; numPartitions: number }[] }) => {
      for (const { topic, numPartitions } of request.topics)
        topics.set(topic, createdByOthers ?? numPartitions)
      return createdByOthers === null
    },
    fetchTopicOffsets: async (topic: string) => {
      if (silentFor > 0) {
        silentFor--
        throw new Error('LEADER_NOT_AVAILABLE')
      }
      return partitionsOf(topics.get(topic)!)
    },
  }),
} as unknown as Kafka

const create = (partitions: number) =>
  createTopics({ kafka, partitions, replicationFactor: 1, answerWithinMs: 200 })

it('creates what is missing, once', async () => {
  const first = TOPIC_SPECS[0]!.topic
  topics.set(first, 4)
  expect(await create(4)).toEqual(TOPIC_SPECS.slice(1).map(({ topic }) => topic))
  expect(await create(4)).toEqual([])
  expect(new Set(topics.values())).toEqual(new Set([4]))
  expect(disconnected).toBe(true)
})

it('waits until every partition answers', async () => {
  silentFor = 2
  await create(2)
  expect(silentFor).toBe(0)
})

it('gives up with the cause when none answers in time', async () => {
  silentFor = Number.POSITIVE_INFINITY
  await expect(create(2)).rejects.toThrow('LEADER_NOT_AVAILABLE')
  expect(disconnected).toBe(true)
})

it('names a topic with another count and the remedy', async () => {
  topics.set('events.assessed', 3)
  await expect(create(4)).rejects.toThrow(PartitionCountMismatch)
  await expect(create(4)).rejects.toThrow(
    /events\.assessed has 3 partitions and 4 are wanted.*--partitions 3/,
  )
  expect(topics.size).toBe(1)
})

it('does not wait for ever where another process created them with another count meanwhile', async () => {
  createdByOthers = 6
  await expect(create(4)).rejects.toThrow(/has 6 partitions and 4 are wanted/)
})
