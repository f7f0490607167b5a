import type { FeedEvent, Media } from '@wardline/events'
import { uuidV7 } from './identifiers.ts'
import { Random } from './random.ts'

/** An event that fits the schema and breaks the contract. */
export interface MalformedEvent {
  /** Which rule of the contract it breaks, such as `ten_media`. */
  readonly name: string
  readonly event: FeedEvent
}

/** 2024-01-01T00:00:00Z */
const DEFAULT_NOW = 1_704_067_200_000
const YEAR_1970 = 0
/** 2999-01-01T00:00:00Z */
const YEAR_2999 = 32_472_144_000_000

/**
 * Events that a producer could encode and that normalize must refuse, each with one fault. `now` (ms) is
 * the time of the otherwise valid events; pass the time of publishing.
 */
export function malformedEvents(seed: number, now: number = DEFAULT_NOW): MalformedEvent[] {
  const random = new Random(seed ^ 0x6261640a)
  const valid = (): FeedEvent => ({
    eventId: uuidV7(now, random),
    kind: 'POST',
    occurredAt: now,
    actorId: `u${29_000_000 + random.below(1_000_000)}`,
    actorAgeBand: 'ADULT',
    subjectId: null,
    contentId: null,
    parentId: null,
    conversationId: null,
    section: null,
    text: '今天天气不错',
    language: 'zh',
    media: [],
    links: [],
    mentions: [],
    searchQuery: null,
    device: 'PHONE',
    usage: null,
    promotion: null,
    subjectAgeBand: 'UNKNOWN',
  })
  const media = (count: number): Media[] =>
    Array.from({ length: count }, (_, i) => ({
      mediaId: `m${i}`,
      type: 'IMAGE',
      labels: [],
      hasQrCode: false,
      recognizedText: null,
    }))
  const usage = (sessionSeconds: number): Partial<FeedEvent> => ({
    kind: 'USAGE',
    text: '',
    usage: { sessionSeconds, endedAt: now },
  })
  const faults: readonly (readonly [string, Partial<FeedEvent>])[] = [
    ['ten_media', { media: media(10) }],
    ['occurred_in_1970', { occurredAt: YEAR_1970 }],
    ['occurred_in_2999', { occurredAt: YEAR_2999 }],
    ['empty_actor', { actorId: '' }],
    ['empty_event_id', { eventId: '' }],
    ['long_event_id', { eventId: 'e'.repeat(129) }],
    ['long_actor', { actorId: 'u'.repeat(129) }],
    ['unknown_kind', { kind: 'UNKNOWN' }],
    ['negative_session', usage(-60)],
    ['session_over_a_day', usage(86_401)],
    ['usage_without_watch_time', { kind: 'USAGE', text: '' }],
    ['long_text', { text: '长'.repeat(100_001) }],
    ['too_many_links', { links: Array.from({ length: 33 }, (_, i) => `https://go.example/${i}`) }],
    ['too_many_mentions', { mentions: Array.from({ length: 65 }, (_, i) => `u${i}`) }],
  ]
  return faults.map(([name, fault]) => ({ name, event: { ...valid(), ...fault } }))
}
