import { duplicate, type Stage, TOPICS } from '@wardline/stream'
import { normalize, type TextFolding } from './normalize.ts'
import { SeenWindow } from './seen-window.ts'

export { normalize, SECTION_OF_KIND, type TextFolding } from './normalize.ts'
export { SeenWindow } from './seen-window.ts'

/** Producers retry for two minutes by default; a quarter of an hour leaves room for their own outages. */
export const DUPLICATE_WINDOW_MS = 15 * 60_000
/** Ids kept a partition: 333 events/s for the whole window; beyond that the window is shorter. */
export const DUPLICATE_CAPACITY = 300_000

export type NormalizeState = { seen: SeenWindow }

/** feed.events → events.normalized: validation, duplicates, protected account, section, comparison text. */
export function createNormalizeStage(deps: {
  folding: TextFolding
}): Stage<'NormalizedEvent', NormalizeState> {
  return {
    name: 'normalize',
    inputs: [
      {
        topic: TOPICS.feedEvents,
        record: 'FeedEvent',
        role: 'events',
        handle(event, { state, partition, offset, appendedAt, bytes }) {
          if (state.seen.has(event.eventId)) return duplicate
          const result = normalize(event, { partition, offset, appendedAt, bytes }, deps.folding)
          if (result.kind === 'forward') state.seen.add(event.eventId)
          return result
        },
      },
    ],
    output: {
      topic: TOPICS.normalized,
      record: 'NormalizedEvent',
      key: (event) => event.protectedId,
      category: () => 'unclassified',
    },
    createState: () => ({
      seen: new SeenWindow({ name: 'seen', windowMs: DUPLICATE_WINDOW_MS, capacity: DUPLICATE_CAPACITY }),
    }),
  }
}
