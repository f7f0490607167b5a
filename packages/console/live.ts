import type { EnforcementDecision } from '@wardline/events'
import { type Logger, STAGE_NAMES, type StageName } from '@wardline/stream'
import { type Buckets, between, parseMetrics, quantileOf, type Sample, summed } from './metrics-text.ts'

/** How often the services' metrics are read, and a point of the charts is made every so many readings. */
const SCRAPE_MS = 1_000
const POINT_EVERY = 5
const POINTS = 60
/** Readings kept: quantiles are of the last 60 seconds. */
const WINDOW = 60
const SECONDS = 300
const SCRAPE_WITHIN_MS = 2_000

export interface StageFigures {
  readonly stage: StageName
  readonly state: 'ready' | 'notReady' | 'silent' | 'unknown'
  readonly eventsPerSecond: number | null
  readonly lag: number | null
  /** ms */
  readonly p99: number | null
  readonly versions: readonly string[]
}

export interface CategoryFigures {
  readonly category: string
  /** Events of the last 60 seconds. */
  readonly events: number
  /** ms; null where there were none. */
  readonly p50: number | null
  readonly p95: number | null
  readonly p99: number | null
  /** p99 over five minutes, a point every five seconds, oldest first; null where there were no events. */
  readonly trend: readonly (number | null)[]
}

export interface LiveFigures {
  readonly eventsPerSecond: number
  /** First decisions of each of the last 120 whole seconds, oldest first. */
  readonly throughput: readonly number[]
  /** Of the last five minutes. */
  readonly verdicts: readonly { readonly verdict: string; readonly decisions: number }[]
  readonly stages: readonly StageFigures[]
  /** The first is all of them together. */
  readonly categories: readonly CategoryFigures[]
  readonly lag: number | null
  readonly hasMetrics: boolean
}

const NOTHING: Buckets = { bounds: [], counts: [] }

/** One reading of all instances of one stage. */
interface Reading {
  readonly at: number
  readonly silent: boolean
  readonly samples: readonly Sample[]
  readonly ages: ReadonlyMap<string, Buckets>
}

/** What the live page shows: counted from the decisions as they come, and read from the services' metrics. */
export class Live {
  readonly #urls: ReadonlyMap<StageName, readonly string[]>
  readonly #token: string | null
  readonly #logger: Logger
  readonly #clock: () => number
  readonly #seconds = new Map<number, { decisions: number; readonly verdicts: Map<string, number> }>()
  readonly #readings = new Map<StageName, Reading[]>()
  readonly #trends = new Map<string, (number | null)[]>()
  #scrapes = 0
  #timer: NodeJS.Timeout | undefined
  #scraping = false

  constructor(options: {
    readonly metricsUrls: ReadonlyMap<StageName, readonly string[]>
    readonly metricsToken: string | null
    readonly logger: Logger
    readonly clock: () => number
  }) {
    this.#urls = options.metricsUrls
    this.#token = options.metricsToken
    this.#logger = options.logger
    this.#clock = options.clock
  }

  start(): void {
    this.#timer = setInterval(() => void this.#scrape(), SCRAPE_MS)
    void this.#scrape()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Counts first decisions by when they were made, so that a backlog read late is no traffic of now. */
  count(decisions: readonly EnforcementDecision[]): void {
    const oldest = Math.floor(this.#clock() / 1_000) - SECONDS
    for (const second of this.#seconds.keys()) if (second <= oldest) this.#seconds.delete(second)
    for (const { type, verdict, decidedAt } of decisions) {
      const second = Math.floor(decidedAt / 1_000)
      if (type !== 'DECISION' || second <= oldest) continue
      let counts = this.#seconds.get(second)
      if (!counts) this.#seconds.set(second, (counts = { decisions: 0, verdicts: new Map() }))
      counts.decisions++
      counts.verdicts.set(verdict, (counts.verdicts.get(verdict) ?? 0) + 1)
    }
  }

  figures(): LiveFigures {
    const now = Math.floor(this.#clock() / 1_000)
    const throughput = Array.from({ length: 120 }, (_, i) => this.#seconds.get(now - 120 + i)?.decisions ?? 0)
    const verdicts = new Map<string, number>()
    for (const [second, counts] of this.#seconds) {
      if (second <= now - SECONDS) continue
      for (const [verdict, count] of counts.verdicts)
        verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + count)
    }
    const stages = STAGE_NAMES.map((stage) => this.#stageFigures(stage))
    const lags = stages.flatMap(({ lag }) => (lag === null ? [] : [lag]))
    return {
      eventsPerSecond: throughput.slice(-10).reduce((sum, each) => sum + each, 0) / 10,
      throughput,
      verdicts: [...verdicts]
        .map(([verdict, decisions]) => ({ verdict, decisions }))
        .sort((a, b) => b.decisions - a.decisions),
      stages,
      categories: this.#categoryFigures(),
      lag: lags.length === 0 ? null : lags.reduce((sum, each) => sum + each, 0),
      hasMetrics: this.#urls.size > 0,
    }
  }

  #stageFigures(stage: StageName): StageFigures {
    const readings = this.#readings.get(stage)
    const last = readings?.at(-1)
    const none = { stage, eventsPerSecond: null, lag: null, p99: null, versions: [] }
    if (!last) return { ...none, state: this.#urls.has(stage) ? 'silent' : 'unknown' }
    if (last.silent) return { ...none, state: 'silent' }
    const sum = (reading: Reading, name: string) =>
      reading.samples.reduce((total, each) => (each.name === name ? total + each.value : total), 0)
    const before = readings!.find((each) => !each.silent && each.at >= last.at - 10_000)!
    const seconds = (last.at - before.at) / 1_000
    const events = sum(last, 'wardline_events_total') - sum(before, 'wardline_events_total')
    const ready = last.samples.filter(({ name }) => name === 'wardline_stage_ready')
    const all = this.#window(stage, 'all')
    const p99 = all && quantileOf(all, 0.99)
    return {
      stage,
      state: ready.length > 0 && ready.every(({ value }) => value === 1) ? 'ready' : 'notReady',
      eventsPerSecond: seconds > 0 ? Math.max(0, events) / seconds : null,
      lag: sum(last, 'wardline_consumer_lag'),
      p99: p99 == null ? null : p99 * 1_000,
      versions: [
        ...new Set(
          last.samples.flatMap(({ name, labels }) =>
            name === 'wardline_policy_info' ? [labels.version!] : [],
          ),
        ),
      ],
    }
  }

  /** Ages of the events of the last minute at a stage; `all`: of every category. */
  #window(stage: StageName, category: string): Buckets | undefined {
    const readings = this.#readings.get(stage)?.filter(({ silent }) => !silent)
    // One reading says nothing of the last minute.
    const last = readings && readings.length > 1 ? readings.at(-1)!.ages.get(category) : undefined
    return last && between(readings![0]!.ages.get(category), last)
  }

  #categoryFigures(): CategoryFigures[] {
    const rows: CategoryFigures[] = []
    for (const category of this.#readings.get('enforce')?.at(-1)?.ages.keys() ?? []) {
      const window = this.#window('enforce', category) ?? NOTHING
      const ms = (q: number) => {
        const seconds = quantileOf(window, q)
        return seconds === null ? null : seconds * 1_000
      }
      const trend = this.#trends.get(category) ?? []
      rows.push({
        category,
        events: window.counts.at(-1) ?? 0,
        p50: ms(0.5),
        p95: ms(0.95),
        p99: ms(0.99),
        trend,
      })
    }
    return rows
      .filter(
        ({ category, events, trend }) =>
          category === 'all' || events > 0 || trend.some((each) => each !== null),
      )
      .sort((a, b) => (a.category === 'all' ? -1 : b.category === 'all' ? 1 : b.events - a.events))
  }

  async #scrape(): Promise<void> {
    if (this.#scraping) return
    this.#scraping = true
    try {
      await Promise.all([...this.#urls].map(([stage, urls]) => this.#scrapeStage(stage, urls)))
      if (++this.#scrapes % POINT_EVERY === 0) this.#addPoints()
    } finally {
      this.#scraping = false
    }
  }

  async #scrapeStage(stage: StageName, urls: readonly string[]): Promise<void> {
    const headers = this.#token === null ? {} : { authorization: `Bearer ${this.#token}` }
    let silent = false
    const samples: Sample[] = []
    await Promise.all(
      urls.map(async (url) => {
        try {
          const answer = await fetch(url, { headers, signal: AbortSignal.timeout(SCRAPE_WITHIN_MS) })
          if (!answer.ok) throw new Error(`HTTP ${answer.status}`)
          for (const sample of parseMetrics(await answer.text(), 'wardline_')) samples.push(sample)
        } catch (error) {
          silent = true
          this.#logger.debug({ stage, url, error: String(error) }, 'no metrics')
        }
      }),
    )
    const readings = this.#readings.get(stage) ?? []
    this.#readings.set(stage, readings)
    // Buckets are most of a page, and are kept summed up.
    const plain = samples.filter(({ name }) => !name.endsWith('_bucket'))
    readings.push({ at: this.#clock(), silent, samples: plain, ages: silent ? new Map() : agesOf(samples) })
    if (readings.length > WINDOW + 1) readings.shift()
  }

  #addPoints(): void {
    const known = new Set([
      ...this.#trends.keys(),
      ...(this.#readings.get('enforce')?.at(-1)?.ages.keys() ?? []),
    ])
    for (const category of known) {
      const window = this.#window('enforce', category)
      const p99 = window ? quantileOf(window, 0.99) : null
      const trend = this.#trends.get(category) ?? []
      this.#trends.set(category, trend)
      trend.push(p99 === null ? null : p99 * 1_000)
      if (trend.length > POINTS) trend.shift()
    }
  }
}

/** wardline_event_age_seconds by category, over instances; `all` is their sum. */
function agesOf(samples: readonly Sample[]): Map<string, Buckets> {
  const cells = new Map<string, Map<number, number>>()
  for (const { name, labels, value } of samples) {
    if (name !== 'wardline_event_age_seconds_bucket') continue
    const bound = labels.le === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels.le)
    const category = labels.category ?? ''
    let counts = cells.get(category)
    if (!counts) cells.set(category, (counts = new Map()))
    counts.set(bound, (counts.get(bound) ?? 0) + value)
  }
  const ages = new Map<string, Buckets>()
  for (const [category, counts] of cells) {
    const bounds = [...counts.keys()].sort((a, b) => a - b)
    ages.set(category, { bounds, counts: bounds.map((bound) => counts.get(bound)!) })
  }
  if (ages.size > 0) ages.set('all', summed([...ages.values()]))
  return ages
}
