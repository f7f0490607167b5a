import { describe, expect, it } from 'vitest'
import { restAfter } from './transaction-pace.ts'

describe('the loop', () => {
  it('keeps the interval while transactions are short', () => {
    expect(restAfter(4, 20)).toBe(16)
  })

  it('rests half as long as a transaction took', () => {
    expect(restAfter(15, 20)).toBe(7.5)
    expect(restAfter(60, 20)).toBe(30)
  })

  it('never rests long', () => {
    expect(restAfter(900, 20)).toBe(80)
  })
})
