import { describe, expect, it } from 'vitest'
import { withoutAborted } from './aborted-transactions.ts'

const data = (offset: number, producerId: string, key: Buffer | null = null, inTransaction = true) => ({
  offset: String(offset),
  key,
  isControlRecord: false,
  batchContext: { producerId, inTransaction },
})
const marker = (offset: number, producerId: string, type: 'abort' | 'commit') => ({
  offset: String(offset),
  key: Buffer.from([0, 0, 0, type === 'abort' ? 0 : 1]),
  isControlRecord: true,
  batchContext: { producerId, inTransaction: true },
})
const seen = (
  messages: ReturnType<typeof data>[],
  abortedTransactions: { producerId: string; firstOffset: string }[],
) =>
  withoutAborted({ messages, abortedTransactions })
    .filter((m) => !m.isControlRecord)
    .map((m) => Number(m.offset))

describe('withoutAborted', () => {
  it('drops the messages of an aborted transaction and keeps the same producer afterwards', () => {
    const log = [
      data(0, 'a'),
      data(1, 'b'),
      marker(2, 'a', 'abort'),
      data(3, 'a'),
      marker(4, 'a', 'commit'),
      marker(5, 'b', 'commit'),
    ]
    expect(seen(log, [{ producerId: 'a', firstOffset: '0' }])).toEqual([1, 3])
  })

  it('takes the list in any order: the broker gives it in order of the markers', () => {
    const log = [
      data(5, 'b'),
      data(10, 'a'),
      data(11, 'b'),
      marker(12, 'a', 'abort'),
      marker(13, 'b', 'abort'),
      data(14, 'c'),
    ]
    expect(
      seen(log, [
        { producerId: 'a', firstOffset: '10' },
        { producerId: 'b', firstOffset: '5' },
      ]),
    ).toEqual([14])
  })

  it('knows every transaction that was open before the first fetched message', () => {
    const log = [data(20, 'b'), data(21, 'a'), marker(22, 'b', 'abort'), marker(23, 'a', 'abort')]
    expect(
      seen(log, [
        { producerId: 'a', firstOffset: '10' },
        { producerId: 'b', firstOffset: '12' },
      ]),
    ).toEqual([])
  })

  it('is not misled by a message whose key looks like an abort marker', () => {
    const log = [data(0, 'a', Buffer.from([0, 0, 0, 0])), data(1, 'a'), marker(2, 'a', 'abort')]
    expect(seen(log, [{ producerId: 'a', firstOffset: '0' }])).toEqual([])
  })

  it('keeps what the same producer id wrote outside of transactions', () => {
    expect(
      seen([data(0, 'a', null, false), marker(1, 'a', 'abort')], [{ producerId: 'a', firstOffset: '0' }]),
    ).toEqual([0])
  })
})
