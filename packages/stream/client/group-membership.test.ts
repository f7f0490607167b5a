import type { Kafka } from 'kafkajs'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { GroupMembership, MembershipUnconfirmed } from './group-membership.ts'

// kafkajs is played: what is tested is when its consumer is taken for lost.

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const SESSION_MS = 6_000

async function play() {
  const listeners = new Map<string, (event: { payload: object }) => void>()
  let disconnect = async () => {}
  const consumer = {
    events: {
      CRASH: 'crash',
      GROUP_JOIN: 'join',
      REBALANCING: 'rebalancing',
      HEARTBEAT: 'heartbeat',
      REQUEST_TIMEOUT: 'timeout',
    },
    on: (name: string, listener: (event: { payload: object }) => void) => listeners.set(name, listener),
    connect: async () => {},
    subscribe: async () => {},
    run: async () => {},
    pause: () => {},
    disconnect: () => disconnect(),
  }
  const assigned = vi.fn()
  const confirmed = vi.fn()
  const ending = new AbortController()
  const beforeLeaving = vi.fn(async () => {})
  const held = new GroupMembership({
    kafka: { consumer: () => consumer } as unknown as Kafka,
    groupId: 'group',
    topics: ['events', 'table'],
    sessionTimeoutMs: SESSION_MS,
    rebalanceTimeoutMs: 3_000,
    heartbeatIntervalMs: 1_500,
    assigned,
    rebalancing: () => {},
    confirmed,
    unanswered: () => {},
  }).hold(ending.signal, beforeLeaving)
  // kafkajs joins within run().
  await vi.advanceTimersByTimeAsync(0)
  const happens = (name: string, payload = {}) => listeners.get(name)!({ payload })
  const joins = () =>
    happens('join', { memberId: 'a', generationId: 3, memberAssignment: { events: [0, 2], table: [0, 2] } })
  return {
    held,
    ending,
    beforeLeaving,
    assigned,
    confirmed,
    happens,
    joins,
    hangs: () => (disconnect = () => new Promise(() => {})),
  }
}

it('tells what was assigned, and as whom to commit', async () => {
  const { held, ending, joins, assigned } = await play()
  joins()
  expect(assigned).toHaveBeenCalledWith([0, 2], { memberId: 'a', generationId: 3 })
  ending.abort()
  await expect(held).resolves.toBeUndefined()
})

it('holds on while heartbeats are answered, and gives the consumer up after two sessions without', async () => {
  const { held, joins, happens, confirmed, beforeLeaving } = await play()
  joins()
  for (let i = 0; i < 20; i++) {
    await vi.advanceTimersByTimeAsync(1_500)
    happens('heartbeat')
  }
  expect(confirmed).toHaveBeenCalledTimes(20)
  await vi.advanceTimersByTimeAsync(2 * SESSION_MS - 1_000)
  expect(beforeLeaving).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(2_000)
  await expect(held).resolves.toBeInstanceOf(MembershipUnconfirmed)
  expect(beforeLeaving).toHaveBeenCalledOnce()
})

it('waits without end before it has joined, and not without end for a consumer that does not stop', async () => {
  const { held, joins, happens, hangs, beforeLeaving } = await play()
  await vi.advanceTimersByTimeAsync(10 * SESSION_MS)
  expect(beforeLeaving).not.toHaveBeenCalled()
  joins()
  hangs()
  const error = new Error('the broker is gone')
  happens('crash', { error })
  await vi.advanceTimersByTimeAsync(5_000)
  await expect(held).resolves.toBe(error)
})
