import { expect, it } from 'vitest'
import { describeTopicChange, type PresentTopic, planTopics, wantedTopics } from './topic-plan.ts'
import { TOPIC_SPECS } from './topics.ts'

const wanted = wantedTopics({ partitions: 4, replicationFactor: 3 })
/** The broker's topics as they should be, with some changed or, null, gone. */
const present = (changes: Record<string, Partial<PresentTopic> | null> = {}) =>
  new Map(
    wanted
      .filter(({ topic }) => changes[topic] !== null)
      .map((want) => [want.topic, { ...want, hasRecords: true, ...changes[want.topic] }]),
  )
const plan = (changes: Record<string, Partial<PresentTopic> | null>) => planTopics(wanted, present(changes))

it('has nothing to do where all is as it should be', () => {
  expect(plan({})).toEqual([])
})

it('creates all on an empty broker, with equal partitions and a deletion or compaction policy each', () => {
  const changes = planTopics(wanted, new Map())
  expect(changes.map(({ change }) => change)).toEqual(TOPIC_SPECS.map(() => 'create'))
  expect(new Set(wanted.map(({ partitions }) => partitions))).toEqual(new Set([4]))
  expect(new Set(wanted.map(({ config }) => config['cleanup.policy']))).toEqual(
    new Set(['delete', 'compact']),
  )
  expect(describeTopicChange(changes[0]!)).toMatch(
    /^\+ feed\.events {2}partitions=4 replication=3 .*LogAppendTime/,
  )
})

it('asks for two replicas in step only where there are three', () => {
  const least = (replicationFactor: number) =>
    wantedTopics({ partitions: 1, replicationFactor })[0]!.config['min.insync.replicas']
  expect([least(1), least(2), least(3), least(5)]).toEqual(['1', '1', '2', '2'])
})

it('alters a setting that differs, and only that', () => {
  const config = { ...wanted[0]!.config, 'retention.ms': '60000', 'segment.bytes': '1' }
  const changes = plan({ 'feed.events': { config } })
  expect(changes.map(describeTopicChange)).toEqual(['~ feed.events  retention.ms: 60000 → 604800000'])
})

it('takes a list of settings in any order', () => {
  const both = wantedTopics({
    partitions: 4,
    replicationFactor: 3,
    settings: { 'feed.events': { 'cleanup.policy': 'compact,delete' } },
  })
  const has = present({
    'feed.events': { config: { ...wanted[0]!.config, 'cleanup.policy': 'delete,compact' } },
  })
  expect(planTopics(both, has)).toEqual([])
})

it('adds partitions to a topic that is empty, and to no other', () => {
  expect(plan({ 'events.assessed': { partitions: 3, hasRecords: false } })).toEqual([
    { change: 'grow', topic: 'events.assessed', from: 3, to: 4 },
  ])
  const [kept] = plan({ 'events.assessed': { partitions: 3 } })
  expect(describeTopicChange(kept!)).toMatch(
    /^! events\.assessed {2}partitions: 3, wanted 4: .*--partitions 3/,
  )
})

it('takes no partition away, not even from an empty topic', () => {
  const [change] = plan({ 'events.assessed': { partitions: 6, hasRecords: false } })
  expect(describeTopicChange(change!)).toMatch(
    /^! events\.assessed {2}partitions: 6, wanted 4: .*--partitions 6/,
  )
})

it('names too few replicas and lets more be', () => {
  const [change] = plan({ 'events.assessed': { replicationFactor: 1 } })
  expect(describeTopicChange(change!)).toMatch(/replication: 1, wanted 3: .*kafka-reassign-partitions/)
  expect(plan({ 'events.assessed': { replicationFactor: 4 } })).toEqual([])
})
