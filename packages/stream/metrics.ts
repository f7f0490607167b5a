import { CATEGORY_SYMBOLS, type Category } from '@wardline/events'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { CategoryHistogram, type CategoryTimes } from './category-histogram.ts'
import { DEAD_LETTER_REASONS, type DeadLetterReason } from './results.ts'
import type { StageName } from './stage.ts'

/**
 * Upper bounds in seconds for the age of an event. The true quantile and one read from the buckets lie in the same bucket,
 * so from 50 ms to 2 s they differ by less than a fifth, from 320 to 600 ms by at most an eighth (a test holds it); the
 * share of events within the objective of 500 ms is exact, 0.5 being a bound.
 */
export const AGE_BUCKETS = [
  0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.072, 0.086, 0.1, 0.12, 0.144, 0.172, 0.2, 0.24, 0.28, 0.32, 0.36, 0.4,
  0.45, 0.5, 0.55, 0.6, 0.7, 0.84, 1, 1.2, 1.44, 1.72, 2, 3, 5, 10, 30, 60, 300,
]
/** Objective of the age at enforce: nearly all events are answered within it, seconds. */
export const AGE_OBJECTIVE = 0.5
/** Upper bounds in seconds for the work on one event in one stage: microseconds to a slow 100 ms. */
export const WORK_BUCKETS = [
  0.000005, 0.00001, 0.00002, 0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1,
]

export const TRANSACTION_RESULTS = ['committed', 'failed', 'fenced'] as const
export type TransactionResult = (typeof TRANSACTION_RESULTS)[number]

/** What became of a record of policy.control: handed over; not decodable; refused by the stage. */
export const CONTROL_OUTCOMES = ['taken', 'undecodable', 'refused'] as const
export type ControlOutcome = (typeof CONTROL_OUTCOMES)[number]

interface Child {
  inc(by?: number): void
}
interface Observer {
  observe(value: number): void
}

/** Most label values of one kind that policy or operators choose (rule ids, sections): the rest share `other`. */
export const MOST_NAMES = 300

/** Names as label values, the first MOST_NAMES of them; a hostile or careless policy makes no more series than that. */
export class LabelNames {
  readonly #known = new Set<string>()

  of(name: string): string {
    if (this.#known.has(name)) return name
    if (this.#known.size >= MOST_NAMES || name.length > MOST_NAME_LENGTH) return 'other'
    this.#known.add(name)
    return name
  }
}
const MOST_NAME_LENGTH = 100

/** The metrics of one stage process, with every labelled child made beforehand: the hot path looks nothing up by label. */
export class StageMetrics {
  readonly registry = new Registry()
  readonly age: Readonly<Record<Category, CategoryTimes>>
  readonly work: Readonly<Record<Category, CategoryTimes>>
  readonly forwarded: Child
  readonly deadLettered: Child
  readonly duplicates: Child
  readonly deadLetters: Readonly<Record<DeadLetterReason, Child>>
  readonly transactions: Readonly<Record<TransactionResult, Child>>
  readonly expiredRecords: Child
  readonly offsetsLost: Child
  readonly control: Readonly<Record<ControlOutcome, Child>>
  readonly #restores: Observer
  /** When the restore of a partition began, by performance.now. */
  readonly #restoring = new Map<number, number>()
  readonly #policyInfo: Gauge<'version'>
  readonly #policyRefused: Counter<'stage' | 'reason'>
  #policyVersion: string | undefined
  readonly #controlChecked: Gauge<'stage'>
  readonly #lag: Gauge<'stage' | 'partition'>
  readonly #stateEntries: Gauge<'stage' | 'store'>
  readonly #stateEvictions: Gauge<'stage' | 'store'>
  readonly #ready: Gauge<'stage'>
  readonly #stage: StageName

  constructor(stage: StageName) {
    this.#stage = stage
    const registers = [this.registry]
    collectDefaultMetrics({ register: this.registry })
    // Normalize comes before any category is known; after it, every event has one.
    const expected = CATEGORY_SYMBOLS.filter(
      (category) => (category === 'unclassified') === (stage === 'normalize'),
    )
    const times = (name: string, help: string, bounds: readonly number[]) => {
      const histogram = new CategoryHistogram({
        name,
        help,
        stage,
        bounds,
        categories: CATEGORY_SYMBOLS,
        expected,
      })
      this.registry.registerMetric(histogram.asMetric())
      return Object.fromEntries(
        CATEGORY_SYMBOLS.map((category) => [category, histogram.of(category)]),
      ) as Record<Category, CategoryTimes>
    }
    this.age = times(
      'wardline_event_age_seconds',
      "From the append to feed.events to the commit of this stage's output.",
      AGE_BUCKETS,
    )
    this.work = times('wardline_stage_seconds', 'Work per event in this stage.', WORK_BUCKETS)

    const events = new Counter({
      name: 'wardline_events_total',
      help: 'Events by what became of them in this stage.',
      labelNames: ['stage', 'outcome'],
      registers,
    })
    this.forwarded = fromZero(events.labels({ stage, outcome: 'forwarded' }))
    this.deadLettered = fromZero(events.labels({ stage, outcome: 'dead_lettered' }))
    this.duplicates = fromZero(events.labels({ stage, outcome: 'duplicate' }))

    const deadLetters = new Counter({
      name: 'wardline_dead_letters_total',
      help: 'Records of any input that went to the dead letter topic.',
      labelNames: ['stage', 'reason'],
      registers,
    })
    this.deadLetters = Object.fromEntries(
      DEAD_LETTER_REASONS.map((reason) => [reason, fromZero(deadLetters.labels({ stage, reason }))]),
    ) as Record<DeadLetterReason, Child>

    const transactions = new Counter({
      name: 'wardline_transactions_total',
      help: 'Transactions by how they ended.',
      labelNames: ['stage', 'result'],
      registers,
    })
    this.transactions = Object.fromEntries(
      TRANSACTION_RESULTS.map((result) => [result, fromZero(transactions.labels({ stage, result }))]),
    ) as Record<TransactionResult, Child>

    const restores = new Histogram({
      name: 'wardline_restore_seconds',
      help: 'Time to rebuild the state of one partition from its compacted topic.',
      labelNames: ['stage'],
      buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300],
      registers,
    })
    restores.zero({ stage })
    this.#restores = restores.labels({ stage })
    const restoring = this.#restoring
    new Gauge({
      name: 'wardline_restoring_seconds',
      help: 'How long the longest restore that is under way has taken so far; 0 where none is.',
      labelNames: ['stage'],
      registers,
      collect() {
        let longest = 0
        for (const began of restoring.values()) longest = Math.max(longest, performance.now() - began)
        this.set({ stage }, longest / 1000)
      },
    })
    this.expiredRecords = fromZero(
      new Counter({
        name: 'wardline_records_expired_total',
        help: 'Records that retention deleted before this stage read them: lost. Anything but zero is an incident.',
        labelNames: ['stage'],
        registers,
      }).labels({ stage }),
    )
    this.offsetsLost = fromZero(
      new Counter({
        name: 'wardline_offsets_lost_total',
        help: "Partitions taken whose group had lost its committed offsets; the stage's own record stood in for them.",
        labelNames: ['stage'],
        registers,
      }).labels({ stage }),
    )
    const control = new Counter({
      name: 'wardline_control_records_total',
      help: 'Records of policy.control by what became of them; what is undecodable or refused changes nothing.',
      labelNames: ['stage', 'outcome'],
      registers,
    })
    this.control = Object.fromEntries(
      CONTROL_OUTCOMES.map((outcome) => [outcome, fromZero(control.labels({ stage, outcome }))]),
    ) as Record<ControlOutcome, Child>
    this.#policyInfo = new Gauge({
      name: 'wardline_policy_info',
      help: '1 for the version of the rules in use; nothing in a stage that uses none.',
      labelNames: ['version'],
      registers,
    })
    this.#policyRefused = new Counter({
      name: 'wardline_policy_refused_total',
      help: 'Published policies that this stage could not use; the one before goes on.',
      labelNames: ['stage', 'reason'],
      registers,
    })
    this.#controlChecked = new Gauge({
      name: 'wardline_control_checked_timestamp_seconds',
      help: 'When policy.control was last read to its end: the age of what this stage knows of it.',
      labelNames: ['stage'],
      registers,
    })
    this.#lag = new Gauge({
      name: 'wardline_consumer_lag',
      help: 'Offsets between the position and the end of the partition that committed readers see.',
      labelNames: ['stage', 'partition'],
      registers,
    })
    this.#stateEntries = new Gauge({
      name: 'wardline_state_entries',
      help: 'Entries in a state store, over the partitions of this process.',
      labelNames: ['stage', 'store'],
      registers,
    })
    this.#stateEvictions = new Gauge({
      name: 'wardline_state_evictions',
      help: 'Entries that full state stores dropped, over the partitions of this process.',
      labelNames: ['stage', 'store'],
      registers,
    })
    this.#ready = new Gauge({
      name: 'wardline_stage_ready',
      help: '1 while the stage is in its group, with all its partitions open.',
      labelNames: ['stage'],
      registers,
    })
    this.setReady(false)
  }

  setReady(ready: boolean): void {
    this.#ready.set({ stage: this.#stage }, ready ? 1 : 0)
  }

  /** From here, over failed attempts, to `restoreEnds`. */
  restoreBegins(partition: number): void {
    if (!this.#restoring.has(partition)) this.#restoring.set(partition, performance.now())
  }

  /** Returns the seconds that it took. */
  restoreEnds(partition: number): number {
    const seconds = (performance.now() - (this.#restoring.get(partition) ?? performance.now())) / 1000
    this.#restoring.delete(partition)
    this.#restores.observe(seconds)
    return seconds
  }

  /** `at`: ms since 1970 UTC. */
  setControlChecked(at: number): void {
    this.#controlChecked.set({ stage: this.#stage }, at / 1000)
  }

  setPolicyVersion(version: string): void {
    if (this.#policyVersion !== undefined) this.#policyInfo.remove({ version: this.#policyVersion })
    this.#policyVersion = version
    this.#policyInfo.set({ version }, 1)
  }

  policyRefused(reason: string): void {
    this.#policyRefused.inc({ stage: this.#stage, reason })
  }

  setLag(partition: number, offsets: number): void {
    this.#lag.set({ stage: this.#stage, partition: String(partition) }, offsets)
  }

  setStore(store: string, entries: number, evictions: number): void {
    const labels = { stage: this.#stage, store }
    this.#stateEntries.set(labels, entries)
    this.#stateEvictions.set(labels, evictions)
  }

  /** Another process reports the partition from now on. */
  forgetPartition(partition: number): void {
    this.#lag.remove({ stage: this.#stage, partition: String(partition) })
    this.#restoring.delete(partition)
  }
}

/** There from the start: a rate does not see the first value of a series that begins with it. */
function fromZero(counter: Child): Child {
  counter.inc(0)
  return counter
}
