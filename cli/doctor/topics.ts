import { describeTopicChange, type PresentTopic, type TopicChange } from '@wardline/stream'
import type { TopicComparison } from '../topics.ts'
import { type Finding, findingsOf } from './finding.ts'

const { ok, warn, fail } = findingsOf('topics')
const APPLY = 'bin/wardline topics apply'

/** Where the topics differ from what is wanted, and which of them lack replicas. Pure. */
export function judgeTopics({ wanted, present, changes }: TopicComparison): Finding[] {
  if (present.size === 0)
    return [fail('none of the topics exists, or we may see none', `${APPLY}, as an admin of the cluster`)]
  const differing = new Set(
    changes.map((change) => (change.change === 'create' ? change.wanted.topic : change.topic)),
  )
  const count = wanted[0]!.partitions
  const even = [...present.values()].every(({ partitions }) => partitions === count)
  return [
    ...changes.map(judgeChange),
    ...[...present.values()].flatMap(judgeReplicas),
    ok(
      `${wanted.length - differing.size} of ${wanted.length} topics are as they should be${even ? `; all have ${count} partitions` : ''}`,
    ),
  ]
}

function judgeChange(change: TopicChange): Finding {
  switch (change.change) {
    case 'create':
      return fail(`${change.wanted.topic} is missing`, APPLY)
    case 'cannot': {
      const level = change.what === 'partitions' ? fail : warn
      return level(`${change.topic} has ${change.what} ${change.from}, not ${change.to}`, change.remedy)
    }
    case 'alter':
    case 'grow':
      return fail(describeTopicChange(change).slice(2).replace('  ', ': '), APPLY)
  }
}

function judgeReplicas({ topic, inSync, replicationFactor, config }: PresentTopic): Finding[] {
  const least = Number(config['min.insync.replicas'] ?? 1)
  if (inSync < least) {
    return [
      fail(
        `${topic}: a partition has ${inSync} replicas in step, and ${least} are needed: it takes no write`,
        'bring the missing brokers back',
      ),
    ]
  }
  if (inSync < replicationFactor) {
    return [
      warn(
        `${topic}: a partition has ${inSync} of ${replicationFactor} replicas in step`,
        'a broker is out or behind: one more and writes stop',
      ),
    ]
  }
  return []
}
