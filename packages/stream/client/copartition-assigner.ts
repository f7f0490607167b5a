import type { Assignment, GroupMember, PartitionAssigner } from 'kafkajs'
import { AssignerProtocol } from './kafka.ts'

const NAME = 'wardline-copartition'
const VERSION = 1

/**
 * Gives partition p of every subscribed topic to the same member, so that a stage's inputs and state meet
 * in one process: members in order of id take the partitions of the first topic in contiguous ranges,
 * and the other topics follow. Contiguous ranges move few partitions when one member joins or leaves.
 */
export const copartitionAssigner: PartitionAssigner = ({ cluster }) => ({
  name: NAME,
  version: VERSION,
  async assign({ members, topics }) {
    const counts = topics.map((topic) => cluster.findTopicPartitionMetadata(topic).length)
    const assignment = assignCopartitioned(
      members.map((m: GroupMember) => m.memberId),
      Math.max(...counts),
    )
    return [...assignment].map(([memberId, partitions]) => ({
      memberId,
      memberAssignment: AssignerProtocol.MemberAssignment.encode({
        version: VERSION,
        assignment: Object.fromEntries(
          topics.map((topic, i) => [topic, partitions.filter((p) => p < counts[i]!)]),
        ) as Assignment,
        userData: Buffer.alloc(0),
      }),
    }))
  },
  protocol({ topics }) {
    return {
      name: NAME,
      metadata: AssignerProtocol.MemberMetadata.encode({
        version: VERSION,
        topics,
        userData: Buffer.alloc(0),
      }),
    }
  },
})

/** Contiguous ranges of 0…partitions-1, as even as can be, by member id. Members without a partition get an empty list. */
export function assignCopartitioned(memberIds: readonly string[], partitions: number): Map<string, number[]> {
  const sorted = [...memberIds].sort()
  const assignment = new Map<string, number[]>()
  const share = Math.floor(partitions / sorted.length)
  const extra = partitions % sorted.length
  let next = 0
  for (const [i, memberId] of sorted.entries()) {
    const take = share + (i < extra ? 1 : 0)
    assignment.set(
      memberId,
      Array.from({ length: take }, (_, k) => next + k),
    )
    next += take
  }
  return assignment
}
