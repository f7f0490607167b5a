import { TOPICS } from '@wardline/stream'
import type { Kafka } from 'kafkajs'
import { type Finding, findingsOf } from './finding.ts'

const { ok, warn, fail } = findingsOf('clock')

/** A record's append time by the broker that leads its partition, between two looks at our own clock; all in ms since 1970 UTC. */
export interface Append {
  readonly partition: number
  readonly before: number
  readonly appendedAt: number
  readonly after: number
}

/**
 * Writes a record to every partition of policy.control, which has the broker's time, in a transaction that is aborted:
 * the answer has the time, and no reader ever sees the record. Null where the topic does not exist.
 */
export async function measureAppends(kafka: Kafka): Promise<Append[] | null> {
  const topic = TOPICS.control
  const admin = kafka.admin()
  await admin.connect()
  let partitions: number
  try {
    if (!(await admin.listTopics()).includes(topic)) return null
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    partitions = topics[0]!.partitions.length
  } finally {
    await admin.disconnect()
  }
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    transactionalId: `wardline-cli.doctor.${crypto.randomUUID()}`,
    allowAutoTopicCreation: false,
  })
  await producer.connect()
  try {
    const transaction = await producer.transaction()
    const appends: Append[] = []
    try {
      for (let partition = 0; partition < partitions; partition++) {
        const before = Date.now()
        const [answer] = await transaction.send({
          topic,
          acks: -1,
          messages: [{ partition, key: 'wardline-doctor', value: null }],
        })
        appends.push({
          partition,
          before,
          appendedAt: Number(answer?.logAppendTime ?? -1),
          after: Date.now(),
        })
      }
    } finally {
      await transaction.abort()
    }
    return appends
  } finally {
    await producer.disconnect()
  }
}

/** Beyond this, ages of events and the order of broker and service times mean little. */
const WARN_MS = 250
/** normalize refuses what lies more than ten minutes ahead; a fraction of that is a clock that nobody keeps. */
const FAIL_MS = 60_000

/** How far the clocks are apart at least: zero where the append lies between the two looks. Pure. */
export function judgeClocks(appends: readonly Append[] | null): Finding[] {
  if (appends === null) {
    return [
      warn('not measured: there is no policy.control yet', 'bin/wardline topics apply, then look again'),
    ]
  }
  const untold = appends.filter(({ appendedAt }) => appendedAt < 0)
  if (untold.length > 0) {
    return [
      warn(
        'the broker tells no append time for policy.control',
        'it needs message.timestamp.type=LogAppendTime: bin/wardline topics apply',
      ),
    ]
  }
  let worst: { ms: number; partition: number } = { ms: 0, partition: 0 }
  for (const { partition, before, appendedAt, after } of appends) {
    // Positive: the broker is ahead.
    const ms = appendedAt > after ? appendedAt - after : appendedAt < before ? appendedAt - before : 0
    if (Math.abs(ms) > Math.abs(worst.ms)) worst = { ms, partition }
  }
  const apart = Math.abs(worst.ms)
  const found = `the broker that leads policy.control/${worst.partition} is at least ${apart} ms ${worst.ms > 0 ? 'ahead of' : 'behind'} this machine`
  const remedy =
    'keep both with NTP or chrony (this measures the machine it runs on: run it beside the services)'
  if (apart > FAIL_MS) return [fail(found, remedy)]
  if (apart > WARN_MS) return [warn(found, remedy)]
  return [ok(`this machine and ${appends.length} partition leaders agree to within ${WARN_MS} ms`)]
}
