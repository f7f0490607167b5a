import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SeenWindow } from './seen-window.ts'

const make = (capacity = 1_000, windowMs = 60_000) => new SeenWindow({ name: 'seen', capacity, windowMs })

function commit(window: SeenWindow, ids: string[], at: number) {
  for (const id of ids) {
    window.beginRecord()
    window.add(id)
  }
  const changes = window.changes(at)
  window.merge()
  return changes
}

describe('SeenWindow', () => {
  it('knows an id within the batch and after the commit, not after an abort', () => {
    const window = make()
    window.add('a')
    expect(window.has('a')).toBe(true)
    window.discard()
    expect(window.has('a')).toBe(false)
    commit(window, ['a'], 0)
    expect(window.has('a')).toBe(true)
  })

  it('forgets the id of a record that failed', () => {
    const window = make()
    window.beginRecord()
    window.add('a')
    window.beginRecord()
    window.add('b')
    window.undoRecord()
    expect([window.has('a'), window.has('b')]).toEqual([true, false])
  })

  it('writes one record a batch and none for a batch of repeats', () => {
    const window = make()
    expect(commit(window, ['a', 'b', 'c'], 0)).toHaveLength(1)
    expect(commit(window, ['a', 'b'], 1)).toHaveLength(0)
  })

  it('lets ids go by time and by count, oldest first', () => {
    const window = make(3, 100)
    commit(window, ['a', 'b'], 0)
    commit(window, ['c'], 50)
    commit(window, ['d'], 60)
    expect(['a', 'b', 'c', 'd'].map((id) => window.has(id))).toEqual([false, false, true, true])
    expect(window.evictions).toBe(2)
    commit(window, ['e'], 155)
    expect(['c', 'd', 'e'].map((id) => window.has(id))).toEqual([false, true, true])
    expect(window.evictions).toBe(2)
  })

  it('an aborted batch leaves what it would have let go', () => {
    const window = make(1_000, 100)
    commit(window, ['a'], 0)
    window.add('b')
    window.changes(500)
    window.discard()
    expect(window.has('a')).toBe(true)
    expect(commit(window, ['b'], 500)).toHaveLength(2)
    expect(window.has('a')).toBe(false)
  })

  it('is rebuilt from its records as it was', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 8 }), { maxLength: 30 }),
        (batches) => {
          const window = make(20, 10)
          const log: { key: string; value: Buffer | null }[] = []
          for (const [at, batch] of batches.entries()) {
            const fresh = batch.map(String).filter((id) => !window.has(id))
            log.push(...commit(window, fresh, at))
          }
          const compacted = new Map(log.map(({ key, value }) => [key, value]))
          const full = make(20, 10)
          for (const { key, value } of log) full.restore(key, value)
          const short = make(20, 10)
          for (const [key, value] of compacted) if (value !== null) short.restore(key, value)
          for (let id = 0; id <= 60; id++) {
            expect(full.has(String(id))).toBe(window.has(String(id)))
            expect(short.has(String(id))).toBe(window.has(String(id)))
          }
          expect(full.entries).toBe(window.entries)
        },
      ),
    )
  })
})
