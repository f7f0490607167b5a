import type { RecordName } from '@wardline/events'
import { STAGE_NAMES, type StageName } from './stage.ts'

export const TOPICS = {
  feedEvents: 'feed.events',
  normalized: 'events.normalized',
  classified: 'events.classified',
  assessed: 'events.assessed',
  decisions: 'enforcement.decisions',
  profiles: 'accounts.profiles',
  reports: 'reports.user',
  verdicts: 'review.verdicts',
  reversals: 'enforcement.reversals',
  control: 'policy.control',
} as const

export const deadLetterTopic = (stage: StageName) => `${stage}.dlq`
export const stateTopic = (stage: StageName) => `${stage}.state`
/** Consumer group of a stage; offsets are committed to it inside the transactions. */
export const groupId = (stage: StageName) => `wardline.${stage}`
/** One transactional producer a process; the prefix is what a stage may write under. */
export const transactionalId = (stage: StageName, process: string) => `${stage}.${process}`

export interface TopicSpec {
  readonly topic: string
  /** Record of the values, registered under `<topic>-value`; null where values are the stage's own bytes. */
  readonly record: RecordName | null
  readonly config: Readonly<Record<string, string>>
}

const DAY = 86_400_000
const MIB = 1_048_576
/** Large enough that the broker takes what normalize will refuse with a reason, instead of the producer seeing an error that puzzles. */
const FEED_MAX_BYTES = String(2 * MIB)
/** Above the feed's: a dead letter is the record and its headers. */
const INNER_MAX_BYTES = String(4 * MIB)
const retention = (days: number) => String(days * DAY)

/** Every topic of the chain with its settings. Partition counts are one number for all, so that keys stay co-partitioned. */
export const TOPIC_SPECS: readonly TopicSpec[] = [
  {
    topic: TOPICS.feedEvents,
    record: 'FeedEvent',
    // The age of an event starts at the append, so the time must be the broker's, not the producer's.
    config: {
      'message.timestamp.type': 'LogAppendTime',
      'max.message.bytes': FEED_MAX_BYTES,
      'retention.ms': retention(7),
    },
  },
  {
    topic: TOPICS.normalized,
    record: 'NormalizedEvent',
    config: { 'max.message.bytes': INNER_MAX_BYTES, 'retention.ms': retention(2) },
  },
  {
    topic: TOPICS.classified,
    record: 'ClassifiedEvent',
    config: { 'max.message.bytes': INNER_MAX_BYTES, 'retention.ms': retention(2) },
  },
  {
    topic: TOPICS.assessed,
    record: 'AssessedEvent',
    config: { 'max.message.bytes': INNER_MAX_BYTES, 'retention.ms': retention(2) },
  },
  {
    topic: TOPICS.decisions,
    record: 'EnforcementDecision',
    config: { 'max.message.bytes': INNER_MAX_BYTES, 'retention.ms': retention(30) },
  },
  { topic: TOPICS.profiles, record: 'AccountProfile', config: { 'cleanup.policy': 'compact' } },
  { topic: TOPICS.reports, record: 'UserReport', config: { 'retention.ms': retention(30) } },
  { topic: TOPICS.verdicts, record: 'ReviewVerdict', config: { 'retention.ms': retention(180) } },
  {
    topic: TOPICS.reversals,
    record: 'EnforcementDecision',
    // As long as the feed itself: what a stage that was down has still to hear of.
    config: { 'max.message.bytes': INNER_MAX_BYTES, 'retention.ms': retention(7) },
  },
  {
    topic: TOPICS.control,
    record: 'PolicyControl',
    // The broker's time orders two records of a key that two writers put into two partitions.
    config: {
      'cleanup.policy': 'compact',
      'message.timestamp.type': 'LogAppendTime',
      'max.message.bytes': String(32 * MIB),
    },
  },
  ...STAGE_NAMES.flatMap((stage): TopicSpec[] => [
    {
      topic: deadLetterTopic(stage),
      record: null,
      config: { 'max.message.bytes': INNER_MAX_BYTES, 'retention.ms': retention(30) },
    },
    {
      topic: stateTopic(stage),
      record: null,
      config: { 'cleanup.policy': 'compact', 'max.message.bytes': INNER_MAX_BYTES },
    },
  ]),
]
