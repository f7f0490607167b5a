import { setTimeout as delay } from 'node:timers/promises'
import { beforeEach, describe, expect, it } from 'vitest'
import { RecentIds } from './recent-ids.ts'
import { type QueuedRecord, type Sender, SendQueue } from './send-queue.ts'

/** What the broker has, in order; a batch with an entry of `failures` before it fails. */
let arrived: string[]
let batches: number[]
let failures: Error[]
let closed: boolean
/** While set, nothing is acknowledged. */
let held: Promise<void> | null

beforeEach(() => {
  arrived = []
  batches = []
  failures = []
  closed = false
  held = null
})

class Refused extends Error {}
const sender: Sender = {
  async send(records) {
    await held
    const failure = failures.shift()
    if (failure) throw failure
    batches.push(records.length)
    arrived.push(...records.map(({ key }) => key))
  },
  isPermanent: (error) => error instanceof Refused,
  async close() {
    closed = true
  },
}
const queue = (bounds: object = {}, clock?: () => number) =>
  new SendQueue(
    sender,
    { records: 1_000, bytes: 1_000_000, lingerMs: 1, deliveryTimeoutMs: 60_000, ...bounds },
    clock,
  )
const record = (key: string, bytes = 10): QueuedRecord => ({ topic: 't', key, value: Buffer.alloc(bytes) })
const keys = (count: number) => Array.from({ length: count }, (_, i) => `k${i}`)

describe('SendQueue', () => {
  it('sends all in order, several a request', async () => {
    const sends = queue()
    const all = keys(900).map((key) => sends.offer(record(key))!)
    expect(await Promise.all(all)).toEqual(all.map(() => ({ ok: true })))
    expect(arrived).toEqual(keys(900))
    expect(batches).toEqual([500, 400])
    expect(sends.size).toBe(0)
  })

  it('keeps a request below its size', async () => {
    const sends = queue({ bytes: 10_000_000 })
    for (const key of keys(5)) sends.offer(record(key, 400_000))
    await sends.flush()
    expect(batches).toEqual([2, 2, 1])
  })

  it('answers null at once where it is full, and says when there is room', async () => {
    const hold = Promise.withResolvers<void>()
    held = hold.promise
    const sends = queue({ records: 4 })
    for (const key of keys(4)) expect(sends.offer(record(key))).not.toBeNull()
    expect(sends.offer(record('one more'))).toBeNull()
    let roomy = false
    const room = sends.room().then(() => (roomy = true))
    await delay(10)
    expect(roomy).toBe(false)
    hold.resolve()
    await room
    expect(sends.offer(record('one more'))).not.toBeNull()
    await sends.flush()
    expect(arrived).toEqual([...keys(4), 'one more'])
  })

  it('is bounded by bytes too, but takes a large record on its own', async () => {
    const sends = queue({ bytes: 1_000 })
    expect(sends.offer(record('large', 5_000))).not.toBeNull()
    expect(sends.offer(record('small', 1))).toBeNull()
    await sends.flush()
    expect(await sends.offer(record('small', 1))!).toEqual({ ok: true })
  })

  it('tries a failed batch again before it goes on: nothing is overtaken', async () => {
    failures = [new Error('out'), new Error('still out')]
    const sends = queue()
    for (const key of keys(3)) sends.offer(record(key))
    await delay(20)
    const late = sends.offer(record('late'))!
    expect(await late).toEqual({ ok: true })
    expect(arrived).toEqual([...keys(3), 'late'])
  })

  it('gives up what waited too long, with the cause, and goes on', async () => {
    let now = 0
    failures = [new Error('out')]
    const sends = queue({ deliveryTimeoutMs: 100 }, () => now)
    const lost = sends.offer(record('lost'))!
    now = 100
    expect(await lost).toMatchObject({ ok: false, error: { message: 'out' } })
    expect(await sends.offer(record('next'))!).toEqual({ ok: true })
  })

  it('does not try again what cannot succeed', async () => {
    failures = [new Refused('no right to write')]
    const sends = queue()
    expect(await sends.offer(record('k'))!).toMatchObject({
      ok: false,
      error: { message: 'no right to write' },
    })
    expect(arrived).toEqual([])
  })

  it('sends what is queued when it is closed, and takes no more', async () => {
    const sends = queue()
    for (const key of keys(600)) sends.offer(record(key))
    await sends.close(1_000)
    expect(arrived).toEqual(keys(600))
    expect(closed).toBe(true)
    expect(() => sends.offer(record('late'))).toThrow(/closed/)
  })

  it('gives up at a close that may not wait, and says so', async () => {
    held = new Promise(() => {})
    const sends = queue()
    const all = keys(600).map((key) => sends.offer(record(key))!)
    await sends.close(20)
    expect(new Set((await Promise.all(all)).map(({ ok }) => ok))).toEqual(new Set([false]))
    expect(arrived).toEqual([])
  })
})

it('RecentIds forgets the oldest', () => {
  const ids = new RecentIds(2)
  for (const id of ['a', 'b', 'a', 'c']) ids.add(id)
  expect(['a', 'b', 'c'].map((id) => ids.has(id))).toEqual([false, true, true])
})
