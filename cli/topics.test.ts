import { expect, it } from 'vitest'
import { InvalidTopicSettings, parseTopicSettings, topicLayout } from './topics.ts'

it("reads a team's own settings as the broker takes them", () => {
  expect(
    parseTopicSettings('feed.events: { retention.ms: 1209600000 }\nreports.user:\n  segment.ms: "1000"\n'),
  ).toEqual({
    'feed.events': { 'retention.ms': '1209600000' },
    'reports.user': { 'segment.ms': '1000' },
  })
  expect(parseTopicSettings('')).toEqual({})
})

it.each([
  ['feed.evnts: { retention.ms: 1 }', /feed\.evnts is no topic of the chain; those are feed\.events/],
  ['enforce.state: { cleanup.policy: delete }', /cleanup\.policy is part of the contract/],
  ['feed.events: { message.timestamp.type: CreateTime }', /part of the contract/],
  ['feed.events: 7', /wrong topic settings:\n {2}feed\.events/],
  ['feed.events: { retention.ms: [1] }', /feed\.events\.retention\.ms/],
  ['{', /no YAML/],
])('refuses %s', (text, why) => {
  expect(() => parseTopicSettings(text)).toThrow(InvalidTopicSettings)
  expect(() => parseTopicSettings(text)).toThrow(why)
})

it('keeps the partitions that are there, and asks for no more replicas than brokers', () => {
  const topic = { topic: 'feed.events', partitions: 12, replicationFactor: 3, config: {}, hasRecords: true }
  const present = new Map([['feed.events', topic]])
  expect(topicLayout(present, 5, {})).toEqual({ partitions: 12, replicationFactor: 3 })
  expect(topicLayout(new Map(), 1, {})).toEqual({ partitions: 4, replicationFactor: 1 })
  expect(topicLayout(present, 5, { partitions: 6, replication: 2 })).toEqual({
    partitions: 6,
    replicationFactor: 2,
  })
})
