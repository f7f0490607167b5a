import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { TestChain } from '../../../test/chain/chain.ts'
import { TOPICS } from '../topics.ts'
import { GroupMembership } from './group-membership.ts'
import { type GroupMember, txnOffsetCommit } from './group-offset-requests.ts'
import { ConfigResourceTypes } from './kafka.ts'
import { createCluster, GROUP_COORDINATOR, TRANSACTION_COORDINATOR } from './kafkajs-internals.ts'
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
const look = async (producer: TransactionalProducer) =>
  (await producer.committedOffsets([TOPICS.feedEvents], 0))[0]!
/** A transaction that has ended is told everywhere a little later. */
const committed = (producer: TransactionalProducer) => expect.poll(() => look(producer))

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
  await committed(first).toMatchObject({ offset: -1, committedBy: '', stable: true })
  await first.commit(content('one'), upTo(5), member)
  for (const other of [
    { ...member, generationId: member.generationId - 1 },
    { ...member, memberId: 'somebody' },
  ]) {
    await expect(second.commit(content('two'), upTo(9), other)).rejects.toThrow(NotAMember)
    await second.fence()
  }
  await committed(second).toMatchObject({ offset: 5, committedBy: 'enforce.first', stable: true })
  await second.begin()
  await second.commit(content('three'), upTo(6), member)
  await committed(first).toMatchObject({ offset: 6, committedBy: 'enforce.second' })
  await expect.poll(texts).toEqual(['one', 'three'])
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
  await committed(next).toMatchObject({ stable: false })
  expect([...(await next.lastCommitters([TOPICS.feedEvents], 0))]).toEqual(['enforce.second'])
  await next.fenceOther('enforce.gone')
  await committed(next).toMatchObject({ offset: 6, stable: true })
  await expect(transaction.commit()).rejects.toThrow()
  await gone.disconnect()
  expect(await texts()).not.toContain('never')
})

it('has the group drop what it takes for pending for ever, of another and of itself', async () => {
  const { kafka } = chain.connection
  const admin = kafka.admin()
  await admin.connect()
  // Offsets that join no transaction are refused otherwise. A broker that has lost a transaction's end keeps them in the same way.
  await admin.alterConfigs({
    validateOnly: false,
    resources: [
      {
        type: ConfigResourceTypes.BROKER,
        name: String((await admin.describeCluster()).controller),
        configEntries: [{ name: 'transaction.partition.verification.enable', value: 'false' }],
      },
    ],
  })
  await admin.disconnect()
  const own = await fenced('enforce.own')
  const cluster = createCluster(kafka)
  await cluster.connect()
  const next = await fenced('enforce.another')
  for (const [transactionalId, end] of [
    ['enforce.stale', () => next.fenceOther('enforce.stale')],
    ['enforce.own', () => own.fence()],
  ] as const) {
    const transactions = await cluster.findGroupCoordinator({
      groupId: transactionalId,
      coordinatorType: TRANSACTION_COORDINATOR,
    })
    const identity = {
      ...(await transactions.initProducerId({ transactionalId, transactionTimeout: 10_000 })),
      transactionalId,
    }
    const group = await cluster.findGroupCoordinator({ groupId: GROUP, coordinatorType: GROUP_COORDINATOR })
    await group.connectionPool.send(
      txnOffsetCommit({
        transactionalId,
        producerId: Number(identity.producerId),
        producerEpoch: identity.producerEpoch,
        groupId: GROUP,
        member,
        offsets: upTo(50),
      }),
    )
    await committed(next).toMatchObject({ stable: false })
    await end()
    await committed(next).toMatchObject({ offset: 6, stable: true })
  }
  await cluster.disconnect()
})
