import { setImmediate as tick } from 'node:timers/promises'
import { RegistryUnavailable } from '@wardline/events'
import { afterEach, describe, expect, it } from 'vitest'
import type { FetchedBatch } from './client/fetched-batch.ts'
import type { PartitionOffset } from './client/partition-reader.ts'
import { type TransactionalProducer, TransactionFailed } from './client/transactional-producer.ts'
import { createLogger } from './logger.ts'
import { StageMetrics } from './metrics.ts'
import type { PartitionTask } from './partition-task.ts'
import type { Transaction } from './transaction.ts'
import { type Delivery, TransactionLoop } from './transaction-loop.ts'

// Tasks and the producer are played: what is tested is what goes into which transaction, and what happens when one fails.

type Task = PartitionTask<'AssessedEvent', Record<string, never>>

interface Played {
  readonly ending: AbortController
  readonly loop: TransactionLoop<'AssessedEvent', Record<string, never>>
  /** Offsets of each transaction that committed, as `partition:offset`. */
  readonly transactions: string[][]
  readonly rests: number[]
  readonly obstacles: (string | undefined)[]
  readonly failures: unknown[]
  /** What commits wait for, and fail with. */
  commit: () => Promise<void>
}

let endings: AbortController[] = []
afterEach(() => {
  for (const ending of endings) ending.abort()
  endings = []
})

function play(): Played {
  const ending = new AbortController()
  endings.push(ending)
  const played: Omit<Played, 'loop'> = {
    ending,
    transactions: [],
    rests: [],
    obstacles: [],
    failures: [],
    commit: async () => {},
  }
  const loop = new TransactionLoop<'AssessedEvent', Record<string, never>>({
    producer: {
      begin: async () => {},
      async commit(_content: unknown, offsets: readonly PartitionOffset[]) {
        await whole.commit()
        whole.transactions.push(offsets.map(({ partition, offset }) => `${partition}:${offset}`))
      },
    } as unknown as TransactionalProducer,
    metrics: new StageMetrics('comment-risk'),
    clock: () => 0,
    logger: createLogger({ service: 'test', level: 'silent' }),
    intervalMs: 1_000,
    sleep: async (ms) => {
      whole.rests.push(ms)
      await tick()
    },
    member: () => ({ memberId: 'member', generationId: 1 }),
    committed: undefined,
    failed: (error) => whole.failures.push(error),
    obstacle: (reason) => whole.obstacles.push(reason),
  })
  const whole: Played = Object.assign(played, { loop })
  void loop.run(ending.signal)
  return whole
}

/** A task that takes so many records into a transaction, and waits for nothing. */
function taskOf(partition: number, most = 100): Task {
  let next = 0
  return {
    partition,
    prepare: async () => {},
    take(_topic: string, messages: { offset: string }[], from: number, transaction: Transaction<unknown>) {
      let at = from
      for (; at < messages.length && transaction.records < most; at++) {
        next = Number(messages[at]!.offset) + 1
        transaction.endRecord(0)
      }
      return at
    },
    seal: () => [{ topic: 't', partition, offset: next }],
    committed: () => {},
  } as unknown as Task
}

function deliveryOf(
  task: Task,
  offsets: readonly number[],
  notes: string[] = [],
  isBehind = false,
): Delivery<'AssessedEvent', Record<string, never>> {
  const messages = offsets.map((offset) => ({ offset: String(offset) }))
  const { partition } = task
  return {
    task,
    batch: { topic: 't', partition, messages } as unknown as FetchedBatch,
    isBehind,
    at: 0,
    taken: () => notes.push(`${partition} taken`),
    committed: () => notes.push(`${partition} committed`),
    rested: () => notes.push(`${partition} rested`),
  }
}

async function settled(): Promise<void> {
  for (let i = 0; i < 10; i++) await tick()
}

describe('TransactionLoop', () => {
  it('puts what has come of all partitions into one transaction, and says when more may come', async () => {
    const { loop, transactions } = play()
    const notes: string[] = []
    loop.add(deliveryOf(taskOf(0), [0, 1, 2], notes))
    loop.add(deliveryOf(taskOf(1), [7], notes))
    await settled()
    expect(transactions).toEqual([['0:3', '1:8']])
    expect(notes).toEqual(['0 taken', '1 taken', '0 committed', '1 committed', '0 rested', '1 rested'])
  })

  it('carries over what does not fit, in order', async () => {
    const played = play()
    const notes: string[] = []
    const both = [taskOf(0, 3), taskOf(1, 3)] as const
    played.loop.add(deliveryOf(both[0], [0, 1, 2, 3], notes))
    played.loop.add(deliveryOf(both[1], [0], notes))
    await settled()
    expect(played.transactions).toEqual([['0:3'], ['0:4', '1:1']])
    // The first transaction was full: no rest behind it.
    expect(played.rests.filter((ms) => ms > 3)).toHaveLength(1)
  })

  it('rests after a transaction, but not where the broker has more', async () => {
    const played = play()
    played.loop.add(deliveryOf(taskOf(0), [0]))
    await settled()
    expect(played.rests).toHaveLength(1)
    let open = () => {}
    played.commit = () => new Promise((resolve) => (open = resolve))
    played.loop.add(deliveryOf(taskOf(0), [1]))
    await settled()
    played.loop.add(deliveryOf(taskOf(0), [2], [], true))
    played.commit = async () => {}
    open()
    await settled()
    expect(played.transactions).toEqual([['0:1'], ['0:2'], ['0:3']])
    expect(played.rests.filter((ms) => ms > 3)).toHaveLength(2)
  })

  it('commits nothing of control records alone, and goes on behind them', async () => {
    const played = play()
    const notes: string[] = []
    played.loop.add(deliveryOf(taskOf(0), [], notes))
    await settled()
    expect(played.transactions).toEqual([])
    expect(played.rests).toEqual([])
    expect(notes).toEqual(['0 taken', '0 committed', '0 rested'])
  })

  it('drops what waits when it is cleared, and lets the transaction at hand end first', async () => {
    const played = play()
    const notes: string[] = []
    let open = () => {}
    played.commit = () => new Promise((resolve) => (open = resolve))
    played.loop.add(deliveryOf(taskOf(0), [0], notes))
    await settled()
    played.loop.add(deliveryOf(taskOf(1), [0], notes))
    let isClear = false
    void played.loop.clear().then(() => (isClear = true))
    await settled()
    expect(isClear).toBe(false)
    open()
    await settled()
    expect(isClear).toBe(true)
    expect(played.transactions).toEqual([['0:1']])
    expect(notes).not.toContain('1 taken')
  })

  it('drops everything when a transaction fails, tells once, and is ready for more', async () => {
    const played = play()
    const notes: string[] = []
    played.commit = async () => {
      throw new TransactionFailed('as the test wants it')
    }
    played.loop.add(deliveryOf(taskOf(0), [0], notes))
    played.loop.add(deliveryOf(taskOf(1), [0], notes))
    await settled()
    expect(played.failures).toHaveLength(1)
    expect(notes).not.toContain('0 committed')
    played.commit = async () => {}
    played.loop.add(deliveryOf(taskOf(0), [0], notes))
    await settled()
    expect(played.transactions).toEqual([['0:1']])
  })

  it('waits for the registry with what has come, and says so', async () => {
    const played = play()
    let isDown = true
    const task = Object.assign(taskOf(0), {
      prepare: async () => {
        if (isDown) throw new RegistryUnavailable('the registry is down')
      },
    })
    played.loop.add(deliveryOf(task, [0]))
    for (let i = 0; i < 3; i++) await settled()
    expect(played.transactions).toEqual([])
    expect(played.obstacles).toContain('the registry is down')
    isDown = false
    await settled()
    expect(played.transactions).toEqual([['0:1']])
    expect(played.obstacles.at(-1)).toBeUndefined()
    expect(played.failures).toEqual([])
  })

  it('takes what cannot be prepared for a failed transaction, and goes on', async () => {
    const played = play()
    const broken = Object.assign(taskOf(0), {
      prepare: async () => {
        throw new TypeError('as the test wants it')
      },
    })
    played.loop.add(deliveryOf(broken, [0]))
    await settled()
    expect(played.failures).toEqual([new TypeError('as the test wants it')])
    played.loop.add(deliveryOf(taskOf(0), [0]))
    await settled()
    expect(played.transactions).toEqual([['0:1']])
  })

  it('leaves for the next transaction what comes while one is being prepared', async () => {
    const played = play()
    const late = taskOf(1)
    const task = Object.assign(taskOf(0), {
      prepare: async () => {},
    })
    played.loop.add(
      deliveryOf(
        task,
        Array.from({ length: 20 }, (_, i) => i),
      ),
    )
    // begin() gives way once; what comes then has not been prepared.
    await tick()
    played.loop.add(deliveryOf(late, [0]))
    await settled()
    expect(played.transactions.flat().sort()).toEqual(['0:20', '1:1'])
  })
})
