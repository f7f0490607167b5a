import { expect, it, vi } from 'vitest'
import './kafka.ts'
import { internalOf } from './kafkajs-internals.ts'

it('has a consumer join anew that has lost its member id', async () => {
  const ConsumerGroup = internalOf<
    new (
      options: object,
    ) => { memberId: string | null; coordinator: object; heartbeat(options: object): Promise<void> }
  >('kafkajs/src/consumer/consumerGroup')
  const emit = vi.fn()
  const group = new ConsumerGroup({
    instrumentationEmitter: { emit },
    logger: { namespace: () => ({}) },
    topicConfigurations: {},
  })
  const answer = vi.fn(async () => {})
  group.coordinator = { heartbeat: answer }
  // kafkajs's runner joins where it gets this; by itself it would send nothing.
  await expect(group.heartbeat({ interval: 0 })).rejects.toMatchObject({ type: 'UNKNOWN_MEMBER_ID' })
  expect(answer).not.toHaveBeenCalled()
  group.memberId = 'member'
  await group.heartbeat({ interval: 0 })
  expect(answer).toHaveBeenCalledOnce()
  expect(emit).toHaveBeenCalledOnce()
})
