import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { TestChain } from '../../../test/chain/chain.ts'
import { TOPICS } from '../topics.ts'
import { GroupMembership } from './group-membership.ts'
import type { GroupMember } from './group-offset-requests.ts'
import { PartitionReader } from './partition-reader.ts'
import { NotAMember, TransactionalProducer, TransactionContent } from './transactional-producer.ts'

const GROUP = 'wardline.of-a-test'
let chain: TestChain
let member: GroupMember
const ending = new AbortController()
let membership: Promise<unknown>
const producers: TransactionalProducer[] = []

beforeAll(async () => {
  chain = await TestChain.start(1)
  const { kafka } = chain.connection
  member = await new Promise((resolve) => {
    const group = new GroupMembership({
      kafka,
      groupId: GROUP,
      topics: [TOPICS.feedEvents],
      sessionTimeoutMs: 6_000,
      rebalanceTimeoutMs: 3_000,
      heartbeatIntervalMs: 1_500,
      assigned: (_partitions, given) => resolve(given),
      rebalancing: () => {},
      confirmed: () => {},
      unanswered: () => {},
    })
    membership = group.hold(ending.signal, async () => {})
  })
})
afterAll(async () => {
  ending.abort()
  await membership
  for (const producer of producers) await producer.close()
  await chain?.stop()
})

async function fenced(transactionalId: string): Promise<TransactionalProducer> {
  const { kafka } = chain.connection
  const options = { kafka, transactionalId, groupId: GROUP, transactionTimeoutMs: 10_000, sleep: delay }
  const producer = new TransactionalProducer(options)
  producers.push(producer)
  await producer.fence()
  return producer
}

const content = (text: string) => {
  const written = new TransactionContent()
  written.add(TOPICS.reversals, 0, { key: 'k', value: Buffer.from(text), timestamp: String(Date.now()) })
  return written
}
const upTo = (offset: number) => [{ topic: TOPICS.feedEvents, partition: 0, offset }]
const committed = async (producer: TransactionalProducer) =>
  (await producer.committedOffsets([TOPICS.feedEvents], 0))[0]!

async function texts(): Promise<string[]> {
  const reader = new PartitionReader(chain.connection.kafka)
  const { start, end } = await reader.bounds(TOPICS.reversals, 0)
  const found: string[] = []
  for await (const messages of reader.read(TOPICS.reversals, 0, start, end))
    for (const { value } of messages) found.push(String(value))
  await reader.close()
  return found
}

it('commits as a member of the present generation, and nobody else does', async () => {
  const first = await fenced('enforce.first')
  const second = await fenced('enforce.second')
  expect(await committed(first)).toMatchObject({ offset: -1, committedBy: '', stable: true })
  await first.commit(content('one'), upTo(5), member)
  for (const other of [
    { ...member, generationId: member.generationId - 1 },
    { ...member, memberId: 'somebody' },
  ]) {
    await expect(second.commit(content('two'), upTo(9), other)).rejects.toThrow(NotAMember)
    await second.fence()
  }
  expect(await committed(second)).toMatchObject({ offset: 5, committedBy: 'enforce.first', stable: true })
  await second.begin()
  await second.commit(content('three'), upTo(6), member)
  expect(await committed(first)).toMatchObject({ offset: 6, committedBy: 'enforce.second' })
  expect(await texts()).toEqual(['one', 'three'])
})

it('sees that offsets are about to be committed, and ends the transaction of a producer that is gone', async () => {
  const gone = chain.connection.kafka.producer({
    transactionalId: 'enforce.gone',
    idempotent: true,
    maxInFlightRequests: 1,
  })
  await gone.connect()
  const transaction = await gone.transaction()
  await transaction.send({ topic: TOPICS.reversals, messages: [{ partition: 0, key: 'k', value: 'never' }] })
  await transaction.sendOffsets({
    consumerGroupId: GROUP,
    topics: [{ topic: TOPICS.feedEvents, partitions: [{ partition: 0, offset: '99' }] }],
  })
  const next = await fenced('enforce.next')
  expect(await committed(next)).toMatchObject({ stable: false })
  await next.fenceOther('enforce.gone')
  expect(await committed(next)).toMatchObject({ offset: 6, stable: true })
  await expect(transaction.commit()).rejects.toThrow()
  await gone.disconnect()
  expect(await texts()).not.toContain('never')
})
