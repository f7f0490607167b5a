import { describe, expect, it } from 'vitest'
import { createRecordInput } from './record-input.ts'

const input = createRecordInput('FeedEvent')
const event = { eventId: 'e', kind: 'post', occurredAt: '2026-09-21T04:00:00Z', actorId: 'a' }

describe('a record of plain objects', () => {
  it('takes symbols in any case, times as texts, and fills in defaults', () => {
    expect(input(event)).toMatchObject({
      ok: true,
      value: { kind: 'POST', occurredAt: Date.UTC(2026, 8, 21, 4), text: '' },
    })
  })

  it.each([
    ['a symbol that is none', { kind: 'SHOUT' }, /^kind: must be one of /],
    ['a number for a symbol', { kind: 1 }, /^kind: must be one of /],
    // Found by the fuzz run: an object that cannot be made a text.
    ['an object for a symbol', { kind: { toString: false } }, /^kind: must be one of /],
    ['a list for a text', { eventId: ['e'] }, /^eventId: wrong type/],
    ['what is no time', { occurredAt: 'yesterday' }, /^occurredAt: not a time/],
    ['a field that is not in the schema', { colour: 'red' }, /has no field colour/],
  ])('refuses %s, and names the field', (_, change, reason) => {
    const refused = input({ ...event, ...change })
    expect(refused.ok ? null : refused.reason).toMatch(reason)
  })
})
