import { type Category, DecodeFailure, type NormalizedEvent, RecordDecoder } from '@wardline/events'
import type { Model } from '@wardline/model'
import { type Classification, createClassifier, type PolicyBundle } from '@wardline/policy'
import type { Connection } from '@wardline/records'
import { PartitionReader, TOPICS } from '@wardline/stream'

/** An event to run over, and where it stands: `topic/partition/offset` or `line 7`. */
export interface BacktestEvent {
  readonly place: string
  readonly event: NormalizedEvent
}

/** An event that is answered otherwise. The text is there only where it was asked for. */
export interface BacktestExample {
  readonly place: string
  readonly before: Category
  readonly after: Category
  readonly text?: string
}

/** One rule, or one conversation signal (`signal ask_age`), over all events. */
export interface RuleBacktest {
  readonly rule: string
  /** Mode before and after; null where the policy has no such rule, or it is draft or expired. */
  readonly modes: readonly [string | null, string | null]
  readonly hitsBefore: number
  readonly hitsAfter: number
  /** Events that only the policy after hits, and only the one before. */
  readonly gained: number
  readonly lost: number
  readonly examples: readonly BacktestExample[]
}

export interface BacktestReport {
  /** Versions. */
  readonly before: string
  readonly after: string
  readonly events: number
  /** Events with another category. */
  readonly categoryChanged: number
  /** Events of which a category passes now and none did, and the other way round. */
  readonly nowPassing: number
  readonly noLongerPassing: number
  readonly categories: readonly { readonly from: Category; readonly to: Category; readonly events: number }[]
  /** Only rules whose hits or modes differ. */
  readonly rules: readonly RuleBacktest[]
  readonly examples: readonly BacktestExample[]
}

/** Examples kept of each rule and of all events. */
const EXAMPLES = 5
const MOST_EXAMPLES = 20

interface RuleCount {
  before: number
  after: number
  gained: number
  lost: number
  readonly examples: BacktestExample[]
}

/** Runs both policies over the events and says what differs. */
export async function backtest(
  events: AsyncIterable<BacktestEvent>,
  before: PolicyBundle,
  after: PolicyBundle,
  options: { readonly showText: boolean; readonly model: Model | null },
): Promise<BacktestReport> {
  const classifiers = [
    createClassifier(before.policy, options.model),
    createClassifier(after.policy, options.model),
  ] as const
  const counts = new Map<string, RuleCount>()
  const moved = new Map<string, { from: Category; to: Category; events: number }>()
  const examples: BacktestExample[] = []
  let total = 0
  let categoryChanged = 0
  let nowPassing = 0
  let noLongerPassing = 0
  for await (const { place, event } of events) {
    total++
    const was = classifiers[0].classify(event)
    const is = classifiers[1].classify(event)
    const example: BacktestExample = {
      place,
      before: was.category,
      after: is.category,
      ...(options.showText ? { text: event.text } : {}),
    }
    const hitBefore = hitsOf(was)
    const hitAfter = hitsOf(is)
    for (const rule of new Set([...hitBefore, ...hitAfter])) {
      let count = counts.get(rule)
      if (!count) counts.set(rule, (count = { before: 0, after: 0, gained: 0, lost: 0, examples: [] }))
      const [b, a] = [hitBefore.has(rule), hitAfter.has(rule)]
      if (b) count.before++
      if (a) count.after++
      if (a && !b) count.gained++
      if (b && !a) count.lost++
      if (a !== b && count.examples.length < EXAMPLES) count.examples.push(example)
    }
    if (was.category === is.category) continue
    categoryChanged++
    if (was.category === 'benign') nowPassing++
    else if (is.category === 'benign') noLongerPassing++
    const key = `${was.category} ${is.category}`
    const move = moved.get(key) ?? { from: was.category, to: is.category, events: 0 }
    moved.set(key, move)
    move.events++
    if (examples.length < MOST_EXAMPLES) examples.push(example)
  }
  return {
    before: before.version,
    after: after.version,
    events: total,
    categoryChanged,
    nowPassing,
    noLongerPassing,
    categories: [...moved.values()].sort((a, b) => b.events - a.events),
    rules: ruleReports(counts, before, after),
    examples,
  }
}

/** Rules that fired, shadow ones too, and signals. */
function hitsOf({ ruleHits, signals }: Classification): Set<string> {
  const hits = new Set<string>()
  for (const { ruleId } of ruleHits) hits.add(ruleId)
  for (const signal of signals) hits.add(`signal ${signal}`)
  return hits
}

function ruleReports(
  counts: ReadonlyMap<string, RuleCount>,
  before: PolicyBundle,
  after: PolicyBundle,
): RuleBacktest[] {
  const modesBefore = activeModes(before)
  const modesAfter = activeModes(after)
  const none: RuleCount = { before: 0, after: 0, gained: 0, lost: 0, examples: [] }
  const reports: RuleBacktest[] = []
  for (const rule of new Set([...modesBefore.keys(), ...modesAfter.keys(), ...counts.keys()])) {
    const modes = [modesBefore.get(rule) ?? null, modesAfter.get(rule) ?? null] as const
    const { before: hitsBefore, after: hitsAfter, gained, lost, examples } = counts.get(rule) ?? none
    if (modes[0] === modes[1] && gained === 0 && lost === 0) continue
    reports.push({ rule, modes, hitsBefore, hitsAfter, gained, lost, examples })
  }
  return reports.sort((a, b) => b.gained + b.lost - (a.gained + a.lost) || (a.rule < b.rule ? -1 : 1))
}

function activeModes({ policy }: PolicyBundle): Map<string, string> {
  const modes = new Map<string, string>()
  for (const { id, mode, signal } of policy.rules)
    if (signal === undefined && (mode === 'live' || mode === 'shadow')) modes.set(id, mode)
  return modes
}

/** The newest events of events.normalized, about equally many of each partition; all where `most` is infinite. */
export async function* topicEvents(connection: Connection, most: number): AsyncGenerator<BacktestEvent> {
  const topic = TOPICS.normalized
  const reader = new PartitionReader(connection.kafka)
  const decoder = new RecordDecoder('NormalizedEvent', connection.registry)
  try {
    const partitions = await reader.partitions(topic)
    for (const [i, partition] of partitions.entries()) {
      const share = Math.floor(most / partitions.length) + (i < most % partitions.length ? 1 : 0)
      const { start, end } = await reader.bounds(topic, partition)
      // Markers of transactions take offsets too, at most one a record.
      const from = Math.max(start, end - 2 * share)
      const kept: BacktestEvent[] = []
      for await (const messages of reader.read(topic, partition, from, end)) {
        await decoder.prepare(messages)
        for (const { value, offset } of messages) {
          const event = value && decoder.decode(value)
          if (!event || event instanceof DecodeFailure) continue
          const item = { place: `${topic}/${partition}/${offset}`, event }
          if (share === Number.POSITIVE_INFINITY) yield item
          else kept.push(item)
        }
        if (kept.length > share) kept.splice(0, kept.length - share)
      }
      yield* kept
    }
  } finally {
    await reader.close()
  }
}
