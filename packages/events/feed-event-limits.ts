import type { FeedEvent } from './generated/types.ts'

/** Bounds of the contract; what lies beyond is dead-lettered with the reason, and named in the schema's documentation. */
export const FEED_EVENT_LIMITS = {
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

/** Why an event is no event of the contract. The reason is one of those of a dead letter; `error` holds no text of the event. */
export interface FeedEventProblem {
  readonly reason: 'too_large' | 'unknown_kind' | 'bad_time' | 'too_many_media' | 'invalid'
  readonly error: string
}

const problem = (reason: FeedEventProblem['reason'], error: string): FeedEventProblem => ({ reason, error })

/**
 * What keeps normalize from taking the event, beyond its schema; null where nothing does. `appendedAt` is when the
 * record is appended, ms since 1970 UTC, `bytes` its size.
 */
export function feedEventProblem(
  event: FeedEvent,
  record: { readonly appendedAt: number; readonly bytes: number },
): FeedEventProblem | null {
  if (record.bytes > FEED_EVENT_LIMITS.recordBytes) {
    return problem(
      'too_large',
      `the record has ${record.bytes} bytes; at most ${FEED_EVENT_LIMITS.recordBytes}`,
    )
  }
  if (event.kind === 'UNKNOWN')
    return problem('unknown_kind', 'the kind of event is not known to this version')

  const { occurredAt } = event
  if (occurredAt < record.appendedAt - FEED_EVENT_LIMITS.pastMs) {
    return problem('bad_time', `occurredAt ${occurredAt} is more than 7 days before the append`)
  }
  if (occurredAt > record.appendedAt + FEED_EVENT_LIMITS.futureMs) {
    return problem('bad_time', `occurredAt ${occurredAt} is more than 10 minutes after the append`)
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
    if (id.length === 0) return problem('invalid', `${name} is empty`)
    if (id.length > FEED_EVENT_LIMITS.idLength)
      return problem('invalid', `${name} has ${id.length} characters; at most ${FEED_EVENT_LIMITS.idLength}`)
  }

  if (event.media.length > FEED_EVENT_LIMITS.media) {
    return problem('too_many_media', `${event.media.length} media; at most ${FEED_EVENT_LIMITS.media}`)
  }
  const sizes: [string, number, number][] = [
    ['text', event.text.length, FEED_EVENT_LIMITS.textLength],
    ['links', event.links.length, FEED_EVENT_LIMITS.links],
    ['mentions', event.mentions.length, FEED_EVENT_LIMITS.mentions],
    ['searchQuery', event.searchQuery?.length ?? 0, FEED_EVENT_LIMITS.searchQueryLength],
  ]
  for (const link of event.links) sizes.push(['a link', link.length, FEED_EVENT_LIMITS.linkLength])
  for (const media of event.media)
    sizes.push(['recognizedText', media.recognizedText?.length ?? 0, FEED_EVENT_LIMITS.recognizedTextLength])
  for (const [name, size, most] of sizes) {
    if (size > most) return problem('too_large', `${name} has ${size}; at most ${most}`)
  }

  for (const media of event.media) {
    for (const { score } of media.labels) {
      if (!(score >= 0 && score <= 1)) return problem('invalid', 'a media label has a score outside 0 to 1')
    }
  }
  if (event.kind === 'USAGE') {
    if (event.usage === null) return problem('invalid', 'a USAGE event without usage')
    const { sessionSeconds, endedAt } = event.usage
    if (sessionSeconds < 0 || sessionSeconds > FEED_EVENT_LIMITS.usageSeconds) {
      return problem('invalid', `sessionSeconds is ${sessionSeconds}; 0 to ${FEED_EVENT_LIMITS.usageSeconds}`)
    }
    if (
      endedAt < record.appendedAt - FEED_EVENT_LIMITS.pastMs ||
      endedAt > record.appendedAt + FEED_EVENT_LIMITS.futureMs
    ) {
      return problem('bad_time', `usage.endedAt ${endedAt} is too far from the append`)
    }
  }
  if (event.kind === 'PROMOTION' && event.promotion === null) {
    return problem('invalid', 'a PROMOTION event without promotion')
  }
  return null
}
