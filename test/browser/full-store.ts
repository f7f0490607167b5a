import { DecisionStore, type Taken } from '@wardline/decision-store'
import type { AssessedEvent, EnforcementDecision } from '@wardline/events'
import { TOPICS } from '@wardline/stream'

const BATCH = 500

/**
 * A store with `count` decisions: those of a real run again and again, each time of other events and other accounts. Returns
 * it with the records a second that it took.
 */
export function fullStore(
  decisions: readonly EnforcementDecision[],
  assessments: readonly AssessedEvent[],
  count: number,
  file = ':memory:',
): { store: DecisionStore; recordsPerSecond: number } {
  const store = DecisionStore.open(file, 'full')
  const assessed = new Map(assessments.map((each) => [each.eventId, each]))
  const started = performance.now()
  let taken = 0
  let next = 0
  let records: Taken[] = []
  const flush = () => {
    store.take({ topic: TOPICS.decisions, partition: 0, next: (next += records.length), records, skipped: 0 })
    records = []
  }
  for (let i = 0; i < count; i++) {
    const decision = decisions[i % decisions.length]!
    const again = `-${Math.floor(i / decisions.length)}`
    const event = assessed.get(decision.eventId)
    const renamed = { eventId: decision.eventId + again, actorId: decision.actorId + again }
    if (event && decision.type === 'DECISION') {
      records.push({ kind: 'assessment', value: { ...event, ...renamed } })
      taken++
    }
    records.push({
      kind: 'decision',
      value: { ...decision, ...renamed, decisionId: decision.decisionId + again },
    })
    taken++
    if (records.length >= BATCH) flush()
  }
  flush()
  return { store, recordsPerSecond: taken / ((performance.now() - started) / 1_000) }
}
