import { makeForms } from '@wardline/text'
import type { ClassifierInput } from './classifier.ts'
import type { RuleExample } from './rules.ts'

/** An event for a rule's example: what it does not say is as plain as can be. */
export function exampleEvent(example: RuleExample, occurredAt: number): ClassifierInput {
  const given = typeof example === 'string' ? { text: example } : example
  const {
    text,
    kind = 'COMMENT',
    links = [],
    qrCode = false,
    mediaLabels = {},
    recognizedText,
    searchQuery,
    device = 'PHONE',
    actorAgeBand = 'UNKNOWN',
    sessionSeconds,
  } = given as Exclude<RuleExample, string>
  const labels = Object.entries(mediaLabels).map(([label, score]) => ({ label, score }))
  const hasMedia = qrCode || labels.length > 0 || recognizedText !== undefined
  return {
    kind,
    occurredAt,
    text,
    forms: makeForms(text),
    media: hasMedia
      ? [{ mediaId: 'm', type: 'IMAGE', labels, hasQrCode: qrCode, recognizedText: recognizedText ?? null }]
      : [],
    links,
    searchQuery: searchQuery ?? null,
    device,
    actorAgeBand,
    usage: sessionSeconds === undefined ? null : { sessionSeconds, endedAt: occurredAt },
  }
}
