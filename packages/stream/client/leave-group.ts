import type { Kafka } from 'kafkajs'
import { createCluster, GROUP_COORDINATOR } from './kafkajs-internals.ts'

/**
 * Takes a member out of its group. A consumer that lost the broker cannot say that it leaves, and its successor would
 * wait for it in the join until its session ends. A member that the group no longer knows is no error.
 */
export async function leaveGroup(kafka: Kafka, groupId: string, memberId: string): Promise<void> {
  const cluster = createCluster(kafka)
  try {
    await cluster.connect()
    const coordinator = await cluster.findGroupCoordinator({ groupId, coordinatorType: GROUP_COORDINATOR })
    await coordinator.leaveGroup({ groupId, memberId })
  } catch (error) {
    if ((error as { type?: string }).type !== 'UNKNOWN_MEMBER_ID') throw error
  } finally {
    await cluster.disconnect()
  }
}
