import type { FeedEvent } from '@wardline/events'

/** Record key under which a producer writes the event. A retry has the same. */
export function recordKey(event: FeedEvent): string {
  return event.actorId
}

/** A copy of the event that happens at `now` (ms); watch time keeps its distance to the event. */
export function restamp(event: FeedEvent, now: number): FeedEvent {
  const { usage } = event
  return {
    ...event,
    occurredAt: now,
    usage: usage && { sessionSeconds: usage.sessionSeconds, endedAt: usage.endedAt + now - event.occurredAt },
  }
}

/** The event as one line of JSON without the line's end: the fields of FeedEvent, times as numbers of ms. */
export function toJsonLine(event: FeedEvent): string {
  return JSON.stringify(event)
}
