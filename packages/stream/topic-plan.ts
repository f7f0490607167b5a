import { TOPIC_SPECS } from './topics.ts'

/** A topic as it should be. */
export interface WantedTopic {
  readonly topic: string
  readonly partitions: number
  readonly replicationFactor: number
  readonly config: Readonly<Record<string, string>>
}

/** A topic as the broker has it. */
export interface PresentTopic {
  readonly topic: string
  readonly partitions: number
  /** Least number of replicas of any of its partitions. */
  readonly replicationFactor: number
  /** Values in force, defaults included. */
  readonly config: Readonly<Record<string, string>>
  /** Whether any partition has ever taken a record that is still there. */
  readonly hasRecords: boolean
}

/** One thing to do, or that has to be done by hand because doing it would move or lose records. */
export type TopicChange =
  | { readonly change: 'create'; readonly wanted: WantedTopic }
  | {
      readonly change: 'alter'
      readonly topic: string
      readonly setting: string
      readonly from: string
      readonly to: string
    }
  | { readonly change: 'grow'; readonly topic: string; readonly from: number; readonly to: number }
  | {
      readonly change: 'cannot'
      readonly topic: string
      readonly what: 'partitions' | 'replication'
      readonly from: number
      readonly to: number
      readonly remedy: string
    }

/** Settings that a team chooses for itself, by topic; everything else is the contract's. */
export type TopicSettings = Readonly<Record<string, Readonly<Record<string, string>>>>

/**
 * Every topic of the chain, equal in partitions so that keys stay co-partitioned. With three replicas or more a write
 * needs two of them; a replica that fell behind never leads, for what it lacks would be lost and then done twice.
 */
export function wantedTopics(options: {
  readonly partitions: number
  readonly replicationFactor: number
  readonly settings?: TopicSettings
}): WantedTopic[] {
  const { partitions, replicationFactor, settings = {} } = options
  return TOPIC_SPECS.map(({ topic, config }) => ({
    topic,
    partitions,
    replicationFactor,
    config: {
      'cleanup.policy': 'delete',
      'min.insync.replicas': replicationFactor >= 3 ? '2' : '1',
      'unclean.leader.election.enable': 'false',
      ...config,
      ...settings[topic],
    },
  }))
}

/** What differs between the two, in the order of the wanted topics. Topics that nobody wants are not looked at. */
export function planTopics(
  wanted: readonly WantedTopic[],
  present: ReadonlyMap<string, PresentTopic>,
): TopicChange[] {
  const changes: TopicChange[] = []
  for (const want of wanted) {
    const has = present.get(want.topic)
    if (!has) {
      changes.push({ change: 'create', wanted: want })
      continue
    }
    const { topic } = want
    if (has.partitions !== want.partitions) changes.push(partitionChange(want, has))
    if (has.replicationFactor < want.replicationFactor) {
      changes.push({
        change: 'cannot',
        topic,
        what: 'replication',
        from: has.replicationFactor,
        to: want.replicationFactor,
        remedy: "move its replicas with Kafka's kafka-reassign-partitions.sh",
      })
    }
    for (const [setting, to] of Object.entries(want.config)) {
      const from = has.config[setting] ?? ''
      if (!sameValue(from, to)) changes.push({ change: 'alter', topic, setting, from, to })
    }
  }
  return changes
}

function partitionChange({ topic, partitions: to }: WantedTopic, has: PresentTopic): TopicChange {
  const from = has.partitions
  if (from < to && !has.hasRecords) return { change: 'grow', topic, from, to }
  return {
    change: 'cannot',
    topic,
    what: 'partitions',
    from,
    to,
    remedy:
      from > to
        ? `Kafka takes no partition away: use --partitions ${from} for all, or delete the topic by hand where its records may go`
        : `it holds records, whose keys would move away from their state: use --partitions ${from} for all, or delete the topic by hand where its records may go`,
  }
}

/** Kafka gives lists (cleanup.policy) in any order. */
const sameValue = (a: string, b: string) =>
  a === b || (a.includes(',') && a.split(',').sort().join() === b.split(',').sort().join())

/** One line for people. */
export function describeTopicChange(change: TopicChange): string {
  switch (change.change) {
    case 'create': {
      const { topic, partitions, replicationFactor, config } = change.wanted
      const settings = Object.entries(config).map(([name, value]) => `${name}=${value}`)
      return `+ ${topic}  partitions=${partitions} replication=${replicationFactor} ${settings.join(' ')}`
    }
    case 'alter':
      return `~ ${change.topic}  ${change.setting}: ${change.from || '(unset)'} → ${change.to}`
    case 'grow':
      return `~ ${change.topic}  partitions: ${change.from} → ${change.to}`
    case 'cannot':
      return `! ${change.topic}  ${change.what}: ${change.from}, wanted ${change.to}: ${change.remedy}`
  }
}
