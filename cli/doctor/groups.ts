import { groupId, STAGE_NAMES, type StageName } from '@wardline/stream'
import type { Kafka } from 'kafkajs'
import { type Finding, findingsOf } from './finding.ts'

const { ok, warn, fail } = findingsOf('groups')

/** Where a stage's group stands. */
export interface GroupFacts {
  readonly stage: StageName
  /** Kafka's word: Stable, Empty, PreparingRebalance, CompletingRebalance, Dead. */
  readonly state: string
  readonly members: number
  readonly partitions: readonly {
    readonly topic: string
    readonly partition: number
    /** Next offset to read; -1 where none was committed. */
    readonly committed: number
    readonly low: number
    readonly high: number
  }[]
}

export async function readGroups(kafka: Kafka): Promise<GroupFacts[]> {
  const admin = kafka.admin()
  await admin.connect()
  try {
    const { groups } = await admin.describeGroups(STAGE_NAMES.map(groupId))
    const facts: GroupFacts[] = []
    for (const [i, stage] of STAGE_NAMES.entries()) {
      const partitions: GroupFacts['partitions'][number][] = []
      for (const { topic, partitions: offsets } of await admin.fetchOffsets({ groupId: groupId(stage) })) {
        const ends = new Map((await admin.fetchTopicOffsets(topic)).map((end) => [end.partition, end]))
        for (const { partition, offset } of offsets) {
          const end = ends.get(partition)
          if (!end) continue
          partitions.push({
            topic,
            partition,
            committed: Number(offset),
            low: Number(end.low),
            high: Number(end.high),
          })
        }
      }
      facts.push({ stage, state: groups[i]!.state, members: groups[i]!.members.length, partitions })
    }
    return facts
  } finally {
    await admin.disconnect()
  }
}

/** What is wrong with the groups. Pure. */
export function judgeGroups(groups: readonly GroupFacts[]): Finding[] {
  return groups.map((group) => judgeGroup(group))
}

function judgeGroup({ stage, state, members, partitions }: GroupFacts): Finding {
  const group = groupId(stage)
  const committed = partitions.filter((partition) => partition.committed >= 0)
  const expired = committed.find((partition) => partition.committed < partition.low)
  if (expired) {
    return fail(
      `${group}: ${expired.topic}/${expired.partition} is committed at ${expired.committed}, but begins at ${expired.low}: records were deleted unread`,
      'start more of the stage or raise retention.ms of the topic (topics apply --settings); the stage counts what it skips in wardline_records_expired_total',
    )
  }
  const beyond = committed.find((partition) => partition.committed > partition.high)
  if (beyond) {
    return fail(
      `${group}: ${beyond.topic}/${beyond.partition} is committed at ${beyond.committed}, but ends at ${beyond.high}: the topic was made anew`,
      `stop the stage, delete its group and ${stage}.state together, and start it again`,
    )
  }
  if (committed.length === 0 && members === 0) return ok(`${group} has never run`)
  const behind = committed.reduce((sum, { high, committed: at }) => sum + high - at, 0)
  const place = `${behind} offsets behind the ends (transaction markers count)`
  if (members === 0) return warn(`${group} has no member; ${place}`, `start ${stage}, if it should run`)
  if (state !== 'Stable')
    return warn(`${group} is ${state} with ${members} members; ${place}`, 'look again in a few seconds')
  return ok(`${group} has ${members} member${members === 1 ? '' : 's'}; ${place}`)
}
