import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { jsonCodec, KeyedStore } from './state.ts'

const make = (capacity = 100, expiresAt?: (v: number) => number) =>
  new KeyedStore<number>({
    name: 's',
    codec: jsonCodec<number>(),
    capacity,
    ...(expiresAt ? { expiresAt } : {}),
  })

describe('KeyedStore', () => {
  it('shows a batch its own changes and loses them at an abort', () => {
    const store = make()
    store.put('a', 1)
    store.changes(0)
    store.merge()
    store.put('a', 2)
    store.delete('b')
    expect(store.get('a')).toBe(2)
    store.discard()
    expect(store.get('a')).toBe(1)
    expect(store.changes(0)).toEqual([])
  })

  it('takes back the changes of one record only', () => {
    const store = make()
    store.beginRecord()
    store.put('a', 1)
    store.beginRecord()
    store.put('a', 2)
    store.put('b', 2)
    store.delete('a')
    store.undoRecord()
    expect([store.get('a'), store.get('b')]).toEqual([1, undefined])
  })

  it('writes a tombstone for what was there and nothing for what never was', () => {
    const store = make()
    store.put('a', 1)
    store.changes(0)
    store.merge()
    store.delete('a')
    store.put('new', 1)
    store.delete('new')
    expect(store.changes(0)).toEqual([{ key: 'a', value: null }])
  })

  it('drops the least recently written when full, and says so', () => {
    const store = make(2)
    for (const [key, value] of [
      ['a', 1],
      ['b', 2],
      ['a', 3],
      ['c', 4],
    ] as const) {
      store.put(key, value)
      store.changes(0)
      store.merge()
    }
    expect([store.get('a'), store.get('b'), store.get('c')]).toEqual([3, undefined, 4])
    expect(store.evictions).toBe(1)
  })

  it('forgets by event time', () => {
    const store = make(100, (at) => at + 10)
    store.put('old', 0)
    store.put('new', 95)
    store.changes(0)
    store.merge()
    expect(store.changes(100)).toEqual([{ key: 'old', value: null }])
    store.merge()
    expect([store.get('old'), store.get('new')]).toEqual([undefined, 95])
  })

  it('looks for what may be forgotten all the way round, past whatever stays', () => {
    const store = make(1_000, (value) => value)
    for (let i = 0; i < 200; i++) store.put(`stays-${i}`, 1e9)
    for (let i = 0; i < 10; i++) store.put(`goes-${i}`, 100)
    store.changes(0)
    store.merge()
    for (let batch = 0; batch < 5; batch++) {
      store.changes(101)
      store.merge()
    }
    expect(store.entries).toBe(200)
  })

  it('drops by the last write of a batch, not the first, and anew after an abort', () => {
    const store = make(2)
    store.put('a', 1)
    store.put('b', 2)
    store.put('a', 3)
    store.changes(0)
    store.merge()
    store.put('c', 4)
    expect(store.changes(0).find(({ value }) => value === null)?.key).toBe('b')
    store.discard()
    store.put('d', 5)
    expect(store.changes(0).find(({ value }) => value === null)?.key).toBe('b')
    store.merge()
    expect([store.get('a'), store.get('b'), store.get('d')]).toEqual([3, undefined, 5])
  })

  it('comes down to a smaller capacity in steps, with a batch of bounded size', () => {
    const store = make(1_000)
    for (let i = 0; i < 5_000; i++) store.restore(`k${i}`, Buffer.from('1'))
    const sizes = Array.from({ length: 6 }, () => {
      const { length } = store.changes(0)
      store.merge()
      return length
    })
    expect(sizes).toEqual([1_000, 1_000, 1_000, 1_000, 0, 0])
    expect(store.get('k4000')).toBe(1)
    expect(store.get('k3999')).toBeUndefined()
  })

  it('drops the least recently written, however writes and aborts fall', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.array(fc.nat(30), { maxLength: 8 }), fc.boolean()), { maxLength: 40 }),
        (batches) => {
          const store = make(12)
          let order: string[] = []
          for (const [keys, commits] of batches) {
            for (const key of keys) store.put(`${key}`, key)
            store.changes(0)
            if (!commits) {
              store.discard()
              continue
            }
            store.merge()
            const written = [...new Set(keys.map(String).reverse())].reverse()
            order = [...order.filter((key) => !written.includes(key)), ...written].slice(-12)
          }
          for (let key = 0; key <= 30; key++)
            expect(store.get(`${key}`) !== undefined).toBe(order.includes(`${key}`))
        },
      ),
    )
  })

  it('is rebuilt from its changes, compacted or not, after any mix of commits and aborts', () => {
    const step = fc.record({
      key: fc.constantFrom('a', 'b', 'c', 'd'),
      value: fc.option(fc.integer(), { nil: undefined }),
      end: fc.constantFrom('commit', 'abort', 'go on'),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const store = make(3)
        const log: { key: string; value: Buffer | null }[] = []
        for (const { key, value, end } of steps) {
          if (value === undefined) store.delete(key)
          else store.put(key, value)
          if (end === 'commit') {
            log.push(...store.changes(0))
            store.merge()
          } else if (end === 'abort') store.discard()
        }
        store.discard()
        const rebuilt = make(3)
        for (const { key, value } of log) rebuilt.restore(key, value)
        for (const key of ['a', 'b', 'c', 'd']) expect(rebuilt.get(key)).toBe(store.get(key))
        expect(rebuilt.entries).toBe(store.entries)
        // One batch may write more keys than the store may hold; the next one brings it back.
        store.changes(0)
        store.merge()
        expect(store.entries).toBeLessThanOrEqual(3)
      }),
    )
  })

  it('shows every entry as it stands, changes of the batch included', () => {
    const store = new KeyedStore({ name: 's', codec: jsonCodec<number>(), capacity: 10 })
    for (const [key, value] of [
      ['a', 1],
      ['b', 2],
      ['c', 3],
    ] as const)
      store.put(key, value)
    store.merge()
    store.put('a', 4)
    store.delete('b')
    store.put('d', 5)
    expect(new Map(store.current())).toEqual(
      new Map([
        ['a', 4],
        ['c', 3],
        ['d', 5],
      ]),
    )
  })
})
