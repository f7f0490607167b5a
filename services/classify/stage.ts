import type { Classifier } from '@wardline/policy'
import { forward, type Stage, TOPICS } from '@wardline/stream'
import { classify } from './classify.ts'

export { classify, mergeSpans, type OfflineResult, offlineResult } from './classify.ts'

/** events.normalized → events.classified: scores, rules, signals; the last stage that sees raw text. */
export function createClassifyStage(deps: {
  classifier: Classifier
}): Stage<'ClassifiedEvent', Record<never, never>> {
  return {
    name: 'classify',
    inputs: [
      {
        topic: TOPICS.normalized,
        record: 'NormalizedEvent',
        role: 'events',
        handle: (event) => forward(classify(event, deps.classifier)),
      },
    ],
    output: {
      topic: TOPICS.classified,
      record: 'ClassifiedEvent',
      key: (event) => event.protectedId,
      category: (event) => event.category,
    },
    createState: () => ({}),
  }
}
