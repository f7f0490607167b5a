import type { PolicyControl } from '@wardline/events'
import type { Classifier } from '@wardline/policy'
import { forward, type Stage, TOPICS } from '@wardline/stream'
import { classify } from './classify.ts'

export { classify, mergeSpans, type OfflineResult, offlineResult } from './classify.ts'

/** events.normalized → events.classified: scores, rules, signals; the last stage that sees raw text. */
export function createClassifyStage(deps: {
  /** Until a policy is published. */
  readonly classifier: Classifier
  /** The classifier that a control record asks for, undefined where it is about something else; throws where it cannot be used. */
  readonly takePolicy?: (record: PolicyControl | null, key: string) => Classifier | undefined
}): Stage<'ClassifiedEvent', Record<never, never>> {
  let { classifier } = deps
  return {
    name: 'classify',
    inputs: [
      {
        topic: TOPICS.normalized,
        record: 'NormalizedEvent',
        role: 'events',
        handle: (event) => forward(classify(event, classifier)),
      },
    ],
    output: {
      topic: TOPICS.classified,
      record: 'ClassifiedEvent',
      key: (event) => event.protectedId,
      category: (event) => event.category,
    },
    takeControl: (record, key) => {
      classifier = deps.takePolicy?.(record, key) ?? classifier
    },
    createState: () => ({}),
  }
}
