import { describe, expect, it } from 'vitest'
import { restAfter } from './transaction-pace.ts'

const pace = { intervalMs: 20, fullAt: 2_000 }

describe('a partition', () => {
  it('keeps the interval while transactions are short', () => {
    expect(restAfter(4, 10, pace)).toBe(16)
    expect(restAfter(4, 1_500, pace)).toBe(16)
  })

  it('rests half as long as a transaction took that held little', () => {
    expect(restAfter(15, 10, pace)).toBe(7.5)
    expect(restAfter(60, 200, pace)).toBe(30)
  })

  it('never rests long, and not at all behind a full one', () => {
    expect(restAfter(900, 200, pace)).toBe(80)
    expect(restAfter(60, 1_000, pace)).toBe(0)
    expect(restAfter(900, 2_000, pace)).toBe(0)
  })
})
