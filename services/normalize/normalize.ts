import {
  type EventKind,
  type FeedEvent,
  feedEventProblem,
  type NormalizedEvent,
  type TextForm,
} from '@wardline/events'
import { deadLetter, forward, type StageResult } from '@wardline/stream'

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
  const problem = feedEventProblem(event, origin)
  if (problem) return deadLetter(problem.reason, problem.error)
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
