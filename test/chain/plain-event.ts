import type { FeedEvent } from '@wardline/events'

/** A harmless comment of an adult on somebody's page, under an id of its own; what a test is about is changed. */
export const plainEvent = (change: Partial<FeedEvent> = {}): FeedEvent => ({
  eventId: crypto.randomUUID(),
  kind: 'COMMENT',
  occurredAt: Date.now(),
  actorId: 'actor-1',
  actorAgeBand: 'ADULT',
  subjectId: 'subject-1',
  contentId: null,
  parentId: null,
  conversationId: null,
  section: null,
  text: '今天的作业写完了吗？',
  language: null,
  media: [],
  links: [],
  mentions: [],
  searchQuery: null,
  device: 'PHONE',
  usage: null,
  promotion: null,
  subjectAgeBand: 'UNKNOWN',
  ...change,
})
