import type { EventKind, FeedEvent, NormalizedEvent, TextForm } from '@wardline/events'
import { deadLetter, forward, type StageResult } from '@wardline/stream'

/** Bounds of the contract; what lies beyond is dead-lettered with the reason, and named in the schema's documentation. */
export const LIMITS = {
  recordBytes: 524_288,
  textLength: 100_000,
  idLength: 128,
  media: 9,
  links: 32,
  linkLength: 2_048,
  mentions: 64,
  recognizedTextLength: 10_000,
  searchQueryLength: 1_000,
  usageSeconds: 86_400,
  /** occurredAt may be this far before and after the append, ms. */
  pastMs: 7 * 86_400_000,
  futureMs: 10 * 60_000,
} as const

/** Section of an event whose producer named none. */
export const SECTION_OF_KIND: Readonly<Record<Exclude<EventKind, 'UNKNOWN'>, string>> = {
  POST: 'posts',
  COMMENT: 'comments',
  PRIVATE_MESSAGE: 'private-messages',
  GROUP_MESSAGE: 'group-messages',
  PROFILE_EDIT: 'profiles',
  SEARCH_RESULT: 'search',
  PROMOTION: 'promotions',
  USAGE: 'usage',
}

/** Where the record stands in feed.events. */
export interface FeedOrigin {
  readonly partition: number
  readonly offset: number
  /** ms since 1970 UTC, the broker's clock. */
  readonly appendedAt: number
  readonly bytes: number
}

export interface TextFolding {
  readonly makeForms: (text: string) => TextForm[]
  /** Replaces lone surrogates, so that offsets mean the same to every reader. */
  readonly wellFormed: (text: string) => string
}

/** The event ready for the chain, or why it cannot be taken. Pure: times are compared with the append time, not with a clock. */
export function normalize(
  event: FeedEvent,
  origin: FeedOrigin,
  folding: TextFolding,
): StageResult<NormalizedEvent> {
  const refusal = refuse(event, origin)
  if (refusal) return refusal
  const text = folding.wellFormed(event.text)
  return forward({
    eventId: event.eventId,
    kind: event.kind,
    occurredAt: event.occurredAt,
    feedPartition: origin.partition,
    feedOffset: origin.offset,
    feedAppendedAt: origin.appendedAt,
    actorId: event.actorId,
    actorAgeBand: event.actorAgeBand,
    protectedId: protectedAccount(event),
    subjectId: event.subjectId,
    contentId: event.contentId ?? event.eventId,
    conversationId: event.conversationId,
    section: event.section ?? SECTION_OF_KIND[event.kind as Exclude<EventKind, 'UNKNOWN'>],
    device: event.device,
    text,
    forms: text === '' ? [] : folding.makeForms(text),
    media: event.media,
    links: event.links,
    mentions: event.mentions,
    searchQuery: event.searchQuery,
    usage: event.usage,
    promotion: event.promotion,
  })
}

const CONVERSATION_KINDS: ReadonlySet<EventKind> = new Set(['COMMENT', 'PRIVATE_MESSAGE', 'GROUP_MESSAGE'])

/**
 * The subject, else the actor. What a minor answers to an adult belongs to the minor too: one partition then sees
 * both sides of the conversation, such as that the adult goes on after a refusal.
 */
function protectedAccount({ kind, actorId, actorAgeBand, subjectId, subjectAgeBand }: FeedEvent): string {
  if (subjectId === null) return actorId
  const answersAdult = subjectAgeBand === 'ADULT' && actorAgeBand !== 'ADULT' && actorAgeBand !== 'UNKNOWN'
  return answersAdult && CONVERSATION_KINDS.has(kind) ? actorId : subjectId
}

function refuse(event: FeedEvent, origin: FeedOrigin): StageResult<never> | null {
  if (origin.bytes > LIMITS.recordBytes) {
    return deadLetter('too_large', `the record has ${origin.bytes} bytes; at most ${LIMITS.recordBytes}`)
  }
  if (event.kind === 'UNKNOWN')
    return deadLetter('unknown_kind', 'the kind of event is not known to this version')

  const { occurredAt } = event
  if (occurredAt < origin.appendedAt - LIMITS.pastMs) {
    return deadLetter('bad_time', `occurredAt ${occurredAt} is more than 7 days before the append`)
  }
  if (occurredAt > origin.appendedAt + LIMITS.futureMs) {
    return deadLetter('bad_time', `occurredAt ${occurredAt} is more than 10 minutes after the append`)
  }

  const ids: [string, string | null][] = [
    ['eventId', event.eventId],
    ['actorId', event.actorId],
    ['subjectId', event.subjectId],
    ['contentId', event.contentId],
    ['parentId', event.parentId],
    ['conversationId', event.conversationId],
    ['section', event.section],
  ]
  for (const [name, id] of ids) {
    if (id === null) continue
    if (id.length === 0) return deadLetter('invalid', `${name} is empty`)
    if (id.length > LIMITS.idLength)
      return deadLetter('invalid', `${name} has ${id.length} characters; at most ${LIMITS.idLength}`)
  }

  if (event.media.length > LIMITS.media) {
    return deadLetter('too_many_media', `${event.media.length} media; at most ${LIMITS.media}`)
  }
  const sizes: [string, number, number][] = [
    ['text', event.text.length, LIMITS.textLength],
    ['links', event.links.length, LIMITS.links],
    ['mentions', event.mentions.length, LIMITS.mentions],
    ['searchQuery', event.searchQuery?.length ?? 0, LIMITS.searchQueryLength],
  ]
  for (const link of event.links) sizes.push(['a link', link.length, LIMITS.linkLength])
  for (const media of event.media)
    sizes.push(['recognizedText', media.recognizedText?.length ?? 0, LIMITS.recognizedTextLength])
  for (const [name, size, most] of sizes) {
    if (size > most) return deadLetter('too_large', `${name} has ${size}; at most ${most}`)
  }

  for (const media of event.media) {
    for (const { score } of media.labels) {
      if (!(score >= 0 && score <= 1))
        return deadLetter('invalid', 'a media label has a score outside 0 to 1')
    }
  }
  if (event.kind === 'USAGE') {
    if (event.usage === null) return deadLetter('invalid', 'a USAGE event without usage')
    const { sessionSeconds, endedAt } = event.usage
    if (sessionSeconds < 0 || sessionSeconds > LIMITS.usageSeconds) {
      return deadLetter('invalid', `sessionSeconds is ${sessionSeconds}; 0 to ${LIMITS.usageSeconds}`)
    }
    if (endedAt < origin.appendedAt - LIMITS.pastMs || endedAt > origin.appendedAt + LIMITS.futureMs) {
      return deadLetter('bad_time', `usage.endedAt ${endedAt} is too far from the append`)
    }
  }
  if (event.kind === 'PROMOTION' && event.promotion === null) {
    return deadLetter('invalid', 'a PROMOTION event without promotion')
  }
  return null
}
