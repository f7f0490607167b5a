import { FEED_EVENT_LIMITS, type FeedEvent } from '@wardline/events'
import { describe, expect, it } from 'vitest'
import { normalize } from './normalize.ts'

const appendedAt = 1_790_000_000_000
const event: FeedEvent = {
  eventId: 'e-1',
  kind: 'COMMENT',
  occurredAt: appendedAt - 1_000,
  actorId: 'a-1',
  actorAgeBand: 'ADULT',
  subjectId: 'b-1',
  contentId: null,
  parentId: null,
  conversationId: null,
  section: null,
  text: '你好',
  language: null,
  media: [],
  links: [],
  mentions: [],
  searchQuery: null,
  device: 'PHONE',
  usage: null,
  promotion: null,
  subjectAgeBand: 'UNKNOWN',
}
const folding = {
  makeForms: (text: string) => [{ form: 'FOLDED' as const, text, map: [] }],
  wellFormed: (text: string) => text.toWellFormed(),
}
const run = (change: Partial<FeedEvent> = {}, bytes = 100) =>
  normalize({ ...event, ...change }, { partition: 3, offset: 42, appendedAt, bytes }, folding)
const output = (change: Partial<FeedEvent> = {}) => {
  const result = run(change)
  if (result.kind !== 'forward') throw new Error(`not forwarded: ${JSON.stringify(result)}`)
  return result.outputs[0]!
}
const reason = (change: Partial<FeedEvent>, bytes?: number) => {
  const result = run(change, bytes)
  return result.kind === 'deadLetter' ? result.reason : result.kind
}
const media = { mediaId: 'm', type: 'IMAGE' as const, labels: [], hasQrCode: false, recognizedText: null }

describe('normalize', () => {
  it('protects the subject, else the actor', () => {
    expect(output().protectedId).toBe('b-1')
    expect(output({ subjectId: null }).protectedId).toBe('a-1')
  })

  it('protects the minor of a conversation with an adult, whoever speaks', () => {
    const child = { actorAgeBand: 'AGE_8_TO_11', kind: 'PRIVATE_MESSAGE' } as const
    expect(output({ subjectAgeBand: 'AGE_8_TO_11' }).protectedId).toBe('b-1')
    expect(output({ ...child, subjectAgeBand: 'ADULT' }).protectedId).toBe('a-1')
    expect(output({ ...child, subjectAgeBand: 'UNKNOWN' }).protectedId).toBe('b-1')
    expect(output({ ...child, subjectAgeBand: 'AGE_16_TO_17' }).protectedId).toBe('b-1')
    expect(output({ ...child, subjectAgeBand: 'ADULT', kind: 'SEARCH_RESULT' }).protectedId).toBe('b-1')
  })

  it('names the section, the content and the place in feed.events', () => {
    expect(output()).toMatchObject({
      section: 'comments',
      contentId: 'e-1',
      feedPartition: 3,
      feedOffset: 42,
      feedAppendedAt: appendedAt,
    })
    expect(output({ section: 'game-zone', contentId: 'c-1' })).toMatchObject({
      section: 'game-zone',
      contentId: 'c-1',
    })
  })

  it('takes an empty text without forms, and replaces a lone surrogate', () => {
    expect(output({ text: '' }).forms).toEqual([])
    expect(output({ text: 'a\ud800b' }).text).toBe('a\ufffdb')
  })

  it('takes what is just within the limits', () => {
    expect(run({ text: '长'.repeat(FEED_EVENT_LIMITS.textLength) }).kind).toBe('forward')
    expect(run({ media: Array(9).fill(media) }).kind).toBe('forward')
    expect(run({ occurredAt: appendedAt - FEED_EVENT_LIMITS.pastMs }).kind).toBe('forward')
    expect(run({ occurredAt: appendedAt + FEED_EVENT_LIMITS.futureMs }).kind).toBe('forward')
  })

  it.each<[string, Partial<FeedEvent>]>([
    ['unknown_kind', { kind: 'UNKNOWN' }],
    ['bad_time', { occurredAt: 0 }],
    ['bad_time', { occurredAt: Date.UTC(2999, 0, 1) }],
    ['bad_time', { kind: 'USAGE', usage: { sessionSeconds: 60, endedAt: 0 } }],
    ['too_many_media', { media: Array(10).fill(media) }],
    ['too_large', { text: 'x'.repeat(FEED_EVENT_LIMITS.textLength + 1) }],
    ['too_large', { links: Array(33).fill('https://example.test') }],
    ['too_large', { links: [`https://example.test/${'x'.repeat(2_048)}`] }],
    ['too_large', { mentions: Array(65).fill('a') }],
    ['invalid', { eventId: '' }],
    ['invalid', { actorId: 'x'.repeat(129) }],
    ['invalid', { subjectId: '' }],
    ['invalid', { kind: 'USAGE' }],
    ['invalid', { kind: 'USAGE', usage: { sessionSeconds: -1, endedAt: appendedAt } }],
    ['invalid', { kind: 'PROMOTION' }],
    ['invalid', { media: [{ ...media, labels: [{ label: 'gore', score: Number.NaN }] }] }],
  ])('refuses with %s: %j', (expected, change) => {
    expect(reason(change)).toBe(expected)
  })

  it('refuses a record of a mebibyte', () => {
    expect(reason({}, 1_048_576)).toBe('too_large')
  })

  it('says nothing of the content in the error', () => {
    const result = run({ eventId: '', text: 'secret words' })
    expect(JSON.stringify(result)).not.toMatch(/secret|a-1|b-1/)
  })
})
