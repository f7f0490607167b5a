import { setTimeout as delay } from 'node:timers/promises'
import { type Connection, readTopic } from '@wardline/records'
import { groupId, PartitionReader, STAGE_NAMES, type StageName, stateTopic, TOPICS } from '@wardline/stream'
import type { Admin } from 'kafkajs'

/** Where an account is erased: a tombstone of this topic, to the stage that reads it. */
const ERASED_BY: readonly { readonly topic: string; readonly stage: StageName }[] = [
  { topic: TOPICS.profiles, stage: 'comment-risk' },
  { topic: TOPICS.reports, stage: 'enforce' },
]
const TAKEN_WITHIN_MS = 60_000

/** A stage has not read the tombstone in time: it is down or far behind. The tombstone waits for it. */
export class ErasurePending extends Error {
  override readonly name = 'ErasurePending'
  /** Tells the command line to print the message alone. */
  readonly remedy = true
}

/**
 * Erases an account from the profiles and from the state of the stages: a tombstone on every partition, because pairs lie
 * with the protected account and decisions with the actor. Waits until the stages have taken it. Throws
 * ErasurePending where they do not; what the topics still hold goes with their retention.
 */
export async function eraseAccount(
  connection: Connection,
  account: string,
  withinMs = TAKEN_WITHIN_MS,
): Promise<void> {
  const reader = new PartitionReader(connection.kafka)
  const producer = connection.kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
  const admin = connection.kafka.admin()
  const until = performance.now() + withinMs
  await Promise.all([producer.connect(), admin.connect()])
  try {
    for (const { topic, stage } of ERASED_BY) {
      const partitions = await reader.partitions(topic)
      const sent = await producer.send({
        topic,
        acks: -1,
        messages: partitions.map((partition) => ({ partition, key: account, value: null })),
      })
      const beyond = new Map(sent.map(({ partition, baseOffset }) => [partition, Number(baseOffset) + 1]))
      while (!(await hasRead(admin, stage, topic, beyond))) {
        if (performance.now() > until) {
          throw new ErasurePending(
            `${stage} has not taken the erasure within ${withinMs / 1000} s: see that it runs (its /readyz says why not); the erasure waits in ${topic} and need not be sent again`,
          )
        }
        await delay(200)
      }
    }
  } finally {
    await producer.disconnect()
    await admin.disconnect()
    await reader.close()
  }
}

/** Keys of the stages' compacted state whose last value still names the account, as `topic key`. */
export async function tracesOf(connection: Connection, account: string): Promise<string[]> {
  const reader = new PartitionReader(connection.kafka)
  const traces = new Set<string>()
  try {
    for (const stage of STAGE_NAMES) {
      const topic = stateTopic(stage)
      for await (const { partition, message } of readTopic(reader, topic)) {
        const key = message.key?.toString('utf8') ?? ''
        const names = key.includes(account) || message.value?.includes(account)
        const trace = `${topic}/${partition} ${key}`
        if (message.value !== null && names) traces.add(trace)
        else traces.delete(trace)
      }
    }
  } finally {
    await reader.close()
  }
  return [...traces]
}

async function hasRead(
  admin: Admin,
  stage: StageName,
  topic: string,
  beyond: ReadonlyMap<number, number>,
): Promise<boolean> {
  const [offsets] = await admin.fetchOffsets({ groupId: groupId(stage), topics: [topic] })
  const read = new Map(offsets?.partitions.map(({ partition, offset }) => [partition, Number(offset)]))
  for (const [partition, offset] of beyond) if ((read.get(partition) ?? -1) < offset) return false
  return true
}
