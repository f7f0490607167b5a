import { describe, expect, it } from 'vitest'
import { createLineParser } from './record-lines.ts'

const parse = createLineParser('FeedEvent')
const line = (change: object = {}) =>
  JSON.stringify({
    eventId: 'e-1',
    kind: 'comment',
    occurredAt: '2026-05-01T12:00:00Z',
    actorId: 'a-1',
    text: '你好',
    ...change,
  })
const reason = (text: string) => {
  const parsed = parse(text)
  return parsed.ok ? 'ok' : parsed.reason
}

describe('createLineParser', () => {
  it('fills in defaults, takes ISO times and enum symbols in any case', () => {
    const parsed = parse(line({ media: [{ mediaId: 'm', type: 'image' }] }))
    expect(parsed).toMatchObject({
      ok: true,
      value: {
        kind: 'COMMENT',
        occurredAt: Date.UTC(2026, 4, 1, 12),
        links: [],
        usage: null,
        media: [{ mediaId: 'm', type: 'IMAGE', labels: [], hasQrCode: false, recognizedText: null }],
      },
    })
  })

  it.each([
    ['not JSON', '{"eventId":'],
    ['not a JSON object', '[1]'],
    ['occurredAt: is missing', JSON.stringify({ eventId: 'e', actorId: 'a' })],
    ['occurredAt: not a time', line({ occurredAt: 'yesterday' })],
    ['FeedEvent: has no field colour', line({ colour: 'red' })],
    ['actorId: wrong type or missing', line({ actorId: 7 })],
    ['usage.sessionSeconds: is missing', line({ usage: { endedAt: 0 } })],
    ['media[0].mediaId: is missing', line({ media: [{}] })],
  ])('says %s', (expected, text) => {
    expect(reason(text)).toBe(expected)
  })

  it('names the symbols where one is unknown and does not quote what was written', () => {
    expect(reason(line({ kind: 'secret words' }))).toMatch(/^kind: must be one of .*COMMENT/)
    expect(reason(line({ kind: 'secret words' }))).not.toContain('secret')
  })
})
