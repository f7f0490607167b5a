import { createClassifyStage } from '@wardline/classify'
import { reportHead, table, writeReport } from '@wardline/cli/report'
import { createCommentRiskStage } from '@wardline/comment-risk'
import { createEnforceStage } from '@wardline/enforce'
import type { RecordName } from '@wardline/events'
import { loadModel } from '@wardline/model'
import { createNormalizeStage } from '@wardline/normalize'
import { createClassifier, loadBundle, policyFolder, readPolicyFiles } from '@wardline/policy'
import { createSampleFeed } from '@wardline/sample-feed'
import type { RecordContext, Stage, StateStore } from '@wardline/stream'
import { makeForms, wellFormed } from '@wardline/text'

// What an event costs in each stage's logic alone, and what an entry of its state takes on the compacted topic: the sample
// feed through the handlers that the services run, no Kafka, no codec. State is encoded and merged every BATCH events, as
// a transaction does, and counts as its own column. Ends by itself in about half a minute.

const EVENTS = Number(process.argv[process.argv.indexOf('--events') + 1] || 0) || 40_000
const BATCH = 200
/** Taken first, so that what is measured is compiled code. */
const WARM_UP = 10_000

type AnyStage = Stage<RecordName, Record<string, StateStore>>
interface StoreRow {
  readonly store: string
  readonly entries: number
  /** Of values and keys as they are written, on average over all writes. */
  readonly bytesPerEntry: number
  readonly writesPerEvent: number
}
interface StageRow {
  readonly stage: string
  readonly microseconds: number
  readonly stateMicroseconds: number
  readonly eventsPerSecond: number
  readonly stores: StoreRow[]
}

const startedAt = new Date()
const loaded = loadBundle(readPolicyFiles(policyFolder(process.env)))
if (!loaded.ok) throw new Error(`the policy is not valid: ${loaded.problems[0]?.message}`)
const { bundle } = loaded
const stages: readonly AnyStage[] = [
  createNormalizeStage({ folding: { makeForms, wellFormed } }),
  createClassifyStage({
    classifier: createClassifier(bundle.policy, loadModel(policyFolder(process.env), process.env)),
  }),
  createCommentRiskStage({ risk: bundle.risk }),
  createEnforceStage({ enforcement: bundle.enforcement }),
] as unknown as AnyStage[]

const feed = createSampleFeed({ seed: 3, startAt: Date.UTC(2026, 8, 21) })
let inputs: { value: unknown; key: string; appendedAt: number }[] = Array.from(
  feed.events(EVENTS + WARM_UP),
  ({ event }) => ({ value: event, key: event.actorId, appendedAt: event.occurredAt }),
)
const rows: StageRow[] = []
for (const stage of stages) {
  const state = stage.createState()
  const [events, ...tables] = stage.inputs
  const context = (
    key: string,
    offset: number,
    appendedAt: number,
  ): RecordContext<Record<string, StateStore>> => ({
    key,
    state,
    partition: 0,
    offset,
    appendedAt,
    bytes: 400,
    now: appendedAt,
  })
  for (const table of tables) {
    if (table.record !== 'AccountProfile') continue
    for (const profile of feed.profiles()) table.handle(profile as never, context(profile.accountId, 0, 0))
  }
  const written = new Map<string, { bytes: number; writes: number; measured: number }>()
  const outputs: typeof inputs = []
  let spent = 0
  let spentOnState = 0
  for (let from = 0; from < inputs.length; from += BATCH) {
    const batch = inputs.slice(from, from + BATCH)
    const isMeasured = from >= WARM_UP
    const began = performance.now()
    const results = batch.map(({ value, key, appendedAt }, i) => {
      for (const store of Object.values(state)) store.beginRecord()
      return events!.handle(value as never, context(key, from + i, appendedAt))
    })
    const decided = performance.now()
    for (const store of Object.values(state)) {
      const changes = store.changes(batch.at(-1)!.appendedAt)
      store.merge()
      const total = written.get(store.name) ?? { bytes: 0, writes: 0, measured: 0 }
      for (const { key, value } of changes) {
        if (value === null) continue
        total.bytes += value.length + store.name.length + 1 + Buffer.byteLength(key)
        total.writes++
        if (isMeasured) total.measured++
      }
      written.set(store.name, total)
    }
    if (isMeasured) {
      spent += decided - began
      spentOnState += performance.now() - decided
    }
    for (const [i, result] of results.entries()) {
      if (result.kind !== 'forward') continue
      const { appendedAt } = batch[i]!
      for (const output of result.outputs)
        outputs.push({ value: output, key: stage.output.key(output as never), appendedAt })
    }
  }
  const measured = inputs.length - WARM_UP
  rows.push({
    stage: stage.name,
    microseconds: (1000 * spent) / measured,
    stateMicroseconds: (1000 * spentOnState) / measured,
    eventsPerSecond: Math.round((1000 * measured) / (spent + spentOnState)),
    stores: Object.values(state).map((store) => {
      const {
        bytes,
        writes,
        measured: counted,
      } = written.get(store.name) ?? { bytes: 0, writes: 0, measured: 0 }
      return {
        store: store.name,
        entries: store.entries,
        bytesPerEntry: writes === 0 ? 0 : Math.round(bytes / writes),
        writesPerEvent: counted / measured,
      }
    }),
  })
  // Decisions of enforce go nowhere; what leaves the others is what the next one reads.
  inputs = outputs
}

const head = ['stage', 'logic µs', 'state µs', 'events/s', 'store', 'entries', 'bytes/entry', 'writes/event']
const cells = rows.flatMap(({ stage, microseconds, stateMicroseconds, eventsPerSecond, stores }) => {
  const own = [stage, microseconds.toFixed(1), stateMicroseconds.toFixed(1), String(eventsPerSecond)]
  if (stores.length === 0) return [[...own, '–', '', '', '']]
  return stores.map(({ store, entries, bytesPerEntry, writesPerEvent }, i) => [
    ...(i === 0 ? own : ['', '', '', '']),
    store,
    String(entries),
    String(bytesPerEntry),
    writesPerEvent.toFixed(2),
  ])
})
console.log(table(head, cells, 'left'))
console.log(
  `\n${EVENTS} events of the sample feed after ${WARM_UP} to warm up; one core, logic alone: no Kafka, no Avro. bytes/entry: key and value as written.`,
)
console.log(writeReport('bench-stages', { ...reportHead(startedAt), events: EVENTS, stages: rows }))
