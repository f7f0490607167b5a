import type { RecordName } from '@wardline/events'
import type { FetchedBatch } from './client/fetched-batch.ts'
import type { FetchedMessage } from './client/kafkajs-internals.ts'
import type { PartitionTask } from './partition-task.ts'
import type { StateStore } from './state.ts'
import { TransactionLoop, type TransactionLoopOptions } from './transaction-loop.ts'

type LoopOptions<Output extends RecordName> = Omit<
  TransactionLoopOptions<Output>,
  'intervalMs' | 'sleep' | 'member' | 'failed' | 'obstacle'
>

/** Runs messages of one topic through a task, in as many transactions as they take; rejects with what one fails with. */
export function transact<Output extends RecordName, State extends Record<string, StateStore>>(
  options: LoopOptions<Output>,
  task: PartitionTask<Output, State>,
  topic: string,
  messages: readonly FetchedMessage[],
): Promise<void> {
  const ending = new AbortController()
  return new Promise((resolve, reject) => {
    const end = (settle: () => void) => {
      ending.abort()
      settle()
    }
    const loop = new TransactionLoop<Output, State>({
      ...options,
      intervalMs: 0,
      sleep: async () => {},
      member: () => ({ memberId: 'member', generationId: 1 }),
      failed: (error) => end(() => reject(error)),
      obstacle: () => {},
    })
    loop.add({
      task,
      batch: { topic, partition: task.partition, messages } as FetchedBatch,
      isBehind: false,
      at: 0,
      taken: () => {},
      committed: () => end(resolve),
      rested: () => {},
    })
    void loop.run(ending.signal)
  })
}
