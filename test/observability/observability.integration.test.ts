import { randomUUID } from 'node:crypto'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { balances } from '@wardline/cli/audit'
import { DecisionWatch } from '@wardline/cli/decision-watch'
import { publishPaced, publishProfiles } from '@wardline/cli/sample'
import type { EnforcementDecision, FeedEvent } from '@wardline/events'
import { type FedMessage, FeedPublisher, headerText, readTopic } from '@wardline/records'
import { giveVerdict } from '@wardline/review'
import { createSampleFeed, restamp } from '@wardline/sample-feed'
import { AGE_BUCKETS, deadLetterTopic, PartitionReader, STAGE_NAMES, TOPICS } from '@wardline/stream'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { DASHBOARDS } from '../../deploy/grafana/dashboards.ts'
import { TestChain } from '../chain/chain.ts'
import { hasPrometheus, type Series, TestPrometheus } from './prometheus.ts'
import { SpanCollector } from './span-collector.ts'

// A real Prometheus scrapes the four services by the shipped configuration and rules while a feed runs: are the figures
// true, and has every panel of every dashboard an answer?

const SCRAPE_SECONDS = 5
const FEED_SECONDS = 15
/** How often the delay of this process's own loop is looked at, and from when on it is too late to measure others, ms. */
const LOOP_MS = 5
const BUSY_MS = 15
const RATE = 150
const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00'
const SAMPLED = '00-5bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

let chain: TestChain
let collector: SpanCollector
let publisher: FeedPublisher
let prometheus: TestPrometheus
const sample = createSampleFeed({ seed: 21, startAt: Date.now() })
const [pattern] = [...sample.events(1)].map(({ event }) => event)
/** A harmless comment, its times set to now. */
const comment = (change: Partial<FeedEvent>): FeedEvent => ({
  ...restamp(
    { ...pattern!, kind: 'COMMENT', text: '今天的作业写完了吗？', media: [], links: [] },
    Date.now(),
  ),
  eventId: randomUUID(),
  ...change,
})
const feed = async (event: FeedEvent, headers?: Record<string, string>): Promise<void> => {
  const value = await publisher.encode(TOPICS.feedEvents, 'FeedEvent', event)
  const message: FedMessage = { key: event.actorId, value, ...(headers ? { headers } : {}) }
  await publisher.send(TOPICS.feedEvents, [message])
}
/** Until all that was counted so far has been scraped. */
async function scraped(): Promise<void> {
  const now = Date.now() / 1000
  const isThere = async () => {
    const scrapes = await prometheus.query('timestamp(up{job="wardline"})')
    return scrapes.filter(({ values }) => values[0]! > now).length === STAGE_NAMES.length
  }
  await vi.waitUntil(isThere, { timeout: 60_000, interval: 500 })
}

beforeAll(async () => {
  if (!hasPrometheus) return
  chain = await TestChain.start()
  collector = await SpanCollector.start()
  const env = { WARDLINE_OTLP_ENDPOINT: collector.endpoint, WARDLINE_TRACE_SHARE: '0' }
  await Promise.all(STAGE_NAMES.map((stage) => chain.launch(stage, env).ready()))
  prometheus = await TestPrometheus.start(
    STAGE_NAMES.map((service) => ({ service, url: chain.services.get(service)!.metricsUrl })),
  )
  publisher = new FeedPublisher(chain.connection)
  await publisher.connect()
  await publishProfiles(publisher, sample.profiles())
  await scraped()
})

afterAll(async () => {
  await publisher?.close()
  await prometheus?.stop()
  await chain?.stop()
  collector?.stop()
})

interface Comparison {
  readonly q: number
  /** Seconds. */
  readonly reported: number
  readonly outside: number
  /** Of the bucket that the outside value lies in. */
  readonly width: number
}

/** Quantiles of one run: by the histogram of enforce, and by a consumer of enforcement.decisions. */
async function compareLatency(): Promise<Comparison[]> {
  const ages: number[] = []
  const watch = new DecisionWatch(chain.connection, ({ type, feedAppendedAt }, receivedAt) => {
    if (type === 'DECISION') ages.push((receivedAt - feedAppendedAt) / 1_000)
  })
  await watch.start()
  const decidedBefore = (await chain.settled()).decisions
  await scraped()
  const from = Date.now() / 1000
  const events = createSampleFeed({ seed: Math.floor(from), startAt: Date.now() })
  await publishPaced(publisher, events, { count: FEED_SECONDS * RATE, rate: RATE })
  const report = await chain.settled()
  expect(balances(report), JSON.stringify(report)).toBe(true)
  await vi.waitUntil(() => ages.length === report.decisions - decidedBefore, { timeout: 20_000 })
  await watch.stop()
  await scraped()
  const to = Date.now() / 1000

  // What was counted between two moments at which nothing was under way: no rate, no extrapolation.
  const between = (part: string) => {
    const at = (time: number) =>
      `sum by (le) (wardline_event_age_seconds_${part}{stage="enforce"} @ ${time.toFixed(3)})`
    return `${at(to)} - ${at(from)}`
  }
  expect((await prometheus.query(between('count')))[0]?.values).toEqual([ages.length])
  const sorted = ages.sort((a, b) => a - b)
  return Promise.all(
    [0.5, 0.95, 0.99].map(async (q) => {
      const [answer] = await prometheus.query(`histogram_quantile(${q}, ${between('bucket')})`)
      const outside = sorted[Math.ceil(q * sorted.length) - 1]!
      const bucket = AGE_BUCKETS.findIndex((bound) => outside <= bound)
      const width = (AGE_BUCKETS[bucket] ?? Infinity) - (AGE_BUCKETS[bucket - 1] ?? 0)
      return { q, reported: answer!.values[0]!, outside, width }
    }),
  )
}

describe.skipIf(!hasPrometheus)('what the services measure', () => {
  it('is the latency that an outside consumer measures, to less than one bucket', async (context) => {
    let last: Comparison[] = []
    let delayMs = 0
    for (let attempt = 0; attempt < 3; attempt++) {
      const loop = monitorEventLoopDelay({ resolution: LOOP_MS })
      loop.enable()
      last = await compareLatency()
      loop.disable()
      delayMs = loop.percentile(95) / 1e6 - LOOP_MS
      if (last.every(({ reported, outside, width }) => Math.abs(reported - outside) < width)) break
    }
    for (const { q, reported, outside, width } of last) {
      const ms = (seconds: number) => `${(1000 * seconds).toFixed(0)} ms`
      const line = `p${100 * q}: reported ${ms(reported)}, outside ${ms(outside)}, a bucket of ${ms(width)}`
      console.log(line)
      if (Math.abs(reported - outside) < width) continue
      // The outside consumer is this process: where it wakes up late, what it measures is itself.
      if (delayMs > BUSY_MS)
        context.skip(`this machine is too busy to measure: timers are ${delayMs.toFixed(0)} ms late; ${line}`)
      expect.unreachable(line)
    }
  })

  it('has the trace of a record from the feed to its decision or dead letter, and as exemplars', async () => {
    const given = comment({ actorId: 'traced-by-producer' })
    await feed(given, { traceparent: TRACE, tracestate: 'vendor=1' })
    const begun = comment({ actorId: 'traced-by-nobody' })
    await feed(begun)
    await publisher.send(TOPICS.feedEvents, [
      { key: 'traced-garbage', value: Buffer.from('no Avro'), headers: { traceparent: TRACE } },
    ])
    expect(balances(await chain.settled())).toBe(true)

    const reader = new PartitionReader(chain.connection.kafka)
    const tracesOf = async (topic: string) => {
      const found = new Map<string, string | undefined>()
      for await (const { message } of readTopic(reader, topic))
        found.set(message.key!.toString(), headerText(message, 'traceparent'))
      return found
    }
    const [assessed, decisions] = [await tracesOf(TOPICS.assessed), await tracesOf(TOPICS.decisions)]
    expect(decisions.get('traced-by-producer')).toBe(TRACE)
    expect(decisions.get('traced-by-nobody')).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/)
    // Begun once: the stages pass on one trace.
    expect(assessed.get('traced-by-nobody')).toBe(decisions.get('traced-by-nobody'))
    expect((await tracesOf(deadLetterTopic('normalize'))).get('traced-garbage')).toBe(TRACE)

    const decided = new Set<string>()
    for await (const { message } of readTopic(reader, TOPICS.decisions))
      decided.add(headerText(message, 'traceparent')!.slice(3, 35))
    await reader.close()
    await scraped()
    const exemplars = await prometheus.get<{ exemplars: { labels: { trace_id: string } }[] }[]>(
      'query_exemplars',
      {
        query: 'wardline_event_age_seconds_bucket{stage="enforce"}',
        start: Date.now() / 1000 - 300,
        end: Date.now() / 1000,
      },
    )
    const ids = exemplars.flatMap((series) => series.exemplars.map(({ labels }) => labels.trace_id))
    expect(ids.length).toBeGreaterThan(0)
    for (const id of ids) expect(decided).toContain(id)
  })

  it('is a span of each stage where the trace is sampled, each the child of the one before', async () => {
    await feed(comment({ actorId: 'sampled' }), { traceparent: SAMPLED })
    expect(balances(await chain.settled())).toBe(true)
    await vi.waitUntil(() => collector.spans.length >= STAGE_NAMES.length, { timeout: 20_000 })
    // Only the one trace: of those that begin here, none is recorded.
    expect(collector.spans).toHaveLength(STAGE_NAMES.length)
    let parent = SAMPLED.split('-')[2]
    for (const stage of STAGE_NAMES) {
      const span = collector.spans.find(({ service }) => service === `wardline-${stage}`)
      expect(span, stage).toMatchObject({ traceId: SAMPLED.split('-')[1], parentSpanId: parent })
      parent = span!.spanId
    }
    const reader = new PartitionReader(chain.connection.kafka)
    for await (const { message } of readTopic(reader, TOPICS.decisions))
      if (message.key!.toString() === 'sampled')
        expect(headerText(message, 'traceparent')).toBe(`${SAMPLED.slice(0, 36)}${parent}-01`)
    await reader.close()
  })

  it('names nobody, and is no more than the documentation says', async () => {
    for (let i = 0; i < 50; i++)
      await feed(comment({ actorId: `hostile-account-${i}`, section: `hostile-section-${i}"}\n` }))
    expect(balances(await chain.settled())).toBe(true)
    for (const [stage, { metricsUrl }] of chain.services) {
      const lines = (await (await fetch(metricsUrl)).text()).split('\n').filter((line) => /^[a-z]/.test(line))
      expect(lines.length, stage).toBeLessThan(1_500)
      expect(lines.join('\n'), stage).not.toMatch(/hostile|traced|作业/)
    }
  })
})

describe.skipIf(!hasPrometheus)('with what a chain meets in its life', () => {
  beforeAll(async () => {
    // A shadow rule: two hours without a pause.
    for (let i = 0; i < 20; i++)
      await feed(
        comment({
          kind: 'USAGE',
          text: '',
          actorId: `watcher-${i}`,
          subjectId: null,
          usage: { sessionSeconds: 7_300, endedAt: Date.now() },
        }),
      )
    await publisher.send(
      TOPICS.feedEvents,
      Array.from({ length: 20 }, (_, i) => ({ key: `garbage-${i}`, value: Buffer.from(`no Avro ${i}`) })),
    )
    expect(balances(await chain.settled())).toBe(true)
    // A human takes a decision back.
    const seen: EnforcementDecision[] = []
    const watch = new DecisionWatch(chain.connection, (decision) => void seen.push(decision))
    await watch.start({ fromBeginning: true })
    const isActed = ({ statement, ruleIds, type }: EnforcementDecision) =>
      statement !== null && ruleIds.length > 0 && type === 'DECISION'
    await vi.waitUntil(() => seen.some(isActed), { timeout: 20_000 })
    await watch.stop()
    const wrong = seen.find(isActed)!
    const { answer } = await giveVerdict(chain.connection, wrong.decisionId, 'OVERTURNED', {
      reviewerId: 'inspector',
      reason: null,
    })
    expect(answer?.type).toBe('REVERSAL')
    // Something that is under way while the panels look.
    await publishPaced(publisher, createSampleFeed({ seed: 22, startAt: Date.now() }), {
      count: 1_000,
      rate: RATE,
    })
    await scraped()
    // The rules are evaluated as often as is scraped.
    await delay(SCRAPE_SECONDS * 1_000)
  })

  it('all four are scraped, all rules are evaluated, and nothing that is well fires', async () => {
    const { activeTargets } = await prometheus.get<{
      activeTargets: { health: string; lastError: string; labels: { service: string } }[]
    }>('targets')
    expect(activeTargets.map(({ labels }) => labels.service).sort()).toEqual([...STAGE_NAMES].sort())
    for (const target of activeTargets) expect(target).toMatchObject({ health: 'up', lastError: '' })

    const { groups } = await prometheus.get<{
      groups: { rules: { name: string; health: string; lastError?: string; state?: string }[] }[]
    }>('rules')
    const rules = groups.flatMap((group) => group.rules)
    expect(rules.length).toBeGreaterThan(30)
    for (const rule of rules) expect(rule, rule.lastError).toMatchObject({ health: 'ok' })
    const mayFire = new Set(['WardlineLatencyBudgetBurnsFast', 'WardlineLatencyBudgetBurnsSlowly'])
    const firing = rules.filter(({ state, name }) => state === 'firing' && !mayFire.has(name))
    // Latency is the machine's: a busy one misses the objective, and the alert is right.
    expect(firing.map(({ name }) => name)).toEqual([])
  })

  /** What is empty by nature on the dashboard of a stage. */
  const EMPTY: Readonly<Record<string, readonly string[]>> = {
    normalize: ['Since policy.control was read'],
    classify: ['Entries', 'Dropped because full', 'Restore of a partition, mean since the start'],
    'comment-risk': [],
    enforce: [],
  }

  it.each(Object.keys(DASHBOARDS))('each panel of %s has an answer', async (name) => {
    const panels = DASHBOARDS[name]!.panels!.filter((panel) => panel.type !== 'row')
    expect(panels.length).toBeGreaterThan(5)
    const to = Date.now() / 1000
    for (const stage of name === 'stage' ? STAGE_NAMES : [undefined]) {
      for (const panel of panels) {
        const { title = '', targets = [] } = panel as { title?: string; targets?: unknown[] }
        expect(targets.length, title).toBeGreaterThan(0)
        for (const { expr, instant } of targets as { expr: string; instant?: boolean }[]) {
          const query = asked(expr, stage)
          const series = instant
            ? await prometheus.query(query, to)
            : await prometheus.queryRange(query, to - 60, to, SCRAPE_SECONDS)
          const where = `${title}${stage ? ` (${stage})` : ''}: ${query}`
          const isEmpty = EMPTY[stage ?? '']?.includes(title) ?? false
          expect(hasValue(series), where).toBe(!isEmpty)
        }
      }
    }
  })
})

/** The query as Grafana sends it. */
function asked(expr: string, stage: string | undefined): string {
  const query = expr
    .replaceAll('$__rate_interval', `${4 * SCRAPE_SECONDS}s`)
    .replaceAll('$__range', '10m')
    .replaceAll('$category', '.*')
    .replaceAll('$stage', stage ?? '$stage')
  if (query.includes('$')) throw new Error(`a variable that the test does not know: ${query}`)
  return query
}

const hasValue = (series: readonly Series[]): boolean => series.some(({ values }) => values.length > 0)
