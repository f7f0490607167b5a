import type { Category, ClassifiedEvent, NormalizedEvent } from '@wardline/events'
import { type Classifier, contactHashesOf, fingerprintOf } from '@wardline/policy'

/** The event with its scores; raw text, links and media end here. Pure. */
export function classify(event: NormalizedEvent, classifier: Classifier): ClassifiedEvent {
  const { category, score, scores, ruleHits, signals } = classifier.classify(event)
  const folded = event.forms.find((form) => form.form === 'FOLDED')?.text ?? ''
  return {
    eventId: event.eventId,
    kind: event.kind,
    occurredAt: event.occurredAt,
    feedPartition: event.feedPartition,
    feedOffset: event.feedOffset,
    feedAppendedAt: event.feedAppendedAt,
    actorId: event.actorId,
    actorAgeBand: event.actorAgeBand,
    protectedId: event.protectedId,
    subjectId: event.subjectId,
    contentId: event.contentId,
    conversationId: event.conversationId,
    section: event.section,
    device: event.device,
    category,
    score,
    scores,
    ruleHits,
    signals,
    textLength: event.text.length,
    mediaTypes: event.media.map((media) => media.type),
    policyVersion: classifier.policyVersion,
    modelVersion: classifier.modelVersion,
    usage: event.usage,
    fingerprint: fingerprintOf(folded),
    contactHashes: contactHashesOf(folded),
    tones: classifier.tones(folded),
  }
}

/** What `wardline classify` prints for a line. */
export interface OfflineResult {
  readonly category: Category
  /** Score of every category that any live rule speaks for, 0 to 1. */
  readonly scores: Record<string, number>
  /** Ids of the live rules that fired. */
  readonly rules: string[]
  /** Ranges of the text that explain them, merged, in UTF-16 code units. */
  readonly spans: [number, number][]
}

export function offlineResult(event: ClassifiedEvent): OfflineResult {
  const live = event.ruleHits.filter((hit) => hit.mode === 'LIVE')
  return {
    category: event.category,
    scores: Object.fromEntries(event.scores.map(({ category, score }) => [category, score])),
    rules: live.map((hit) => hit.ruleId),
    spans: mergeSpans(
      live.flatMap((hit) => hit.spans.map(({ start, end }): [number, number] => [start, end])),
    ),
  }
}

/** Ranges in order, with those that touch or overlap made one. */
export function mergeSpans(spans: readonly [number, number][]): [number, number][] {
  const merged: [number, number][] = []
  for (const [start, end] of [...spans].sort((a, b) => a[0] - b[0] || a[1] - b[1])) {
    const last = merged.at(-1)
    if (last && start <= last[1]) last[1] = Math.max(last[1], end)
    else merged.push([start, end])
  }
  return merged
}
