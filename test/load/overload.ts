/**
 * `make overload`: three times what the chain carries, for five minutes, then the load that it had before. Shows that memory
 * is bounded, that latency comes back, that nothing is dropped, that producers are not slowed, and that /readyz, the lag and
 * the shipped alerts (where Prometheus is installed) say what is. Writes `.wardline/reports/overload.json`; exit code 0 only when all of that holds.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { balances } from '@wardline/cli/audit'
import { reportHead, writeReport } from '@wardline/cli/report'
import type { FedMessage } from '@wardline/records'
import { TOPICS } from '@wardline/stream'
import { hasPrometheus, TestPrometheus } from '../observability/prometheus.ts'
import { LoadChain, quantile } from './load-chain.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '300' },
    factor: { type: 'string', default: '3' },
    seed: { type: 'string', default: '1' },
    partitions: { type: 'string', default: '4' },
  },
})
const seconds = Number(values.seconds)
const factor = Number(values.factor)
const TICK_MS = 20
const POOL = 20_000
const MAX_REQUEST = 5_000
const SAMPLE_MS = 5_000
/** The sample feed repeats some events on purpose; those get no decision. */
const DECIDED_SHARE = 0.97
const MARGIN = 1.2
const BASE_SHARE = 0.3
const BASE_SECONDS = 30
/** A producer's request may take longer beside a busy broker; it must not wait for the chain. */
const MAX_SEND_RATIO = 10
/**
 * Of one service with four partitions at full load: full stores (0.3 GiB live in normalize, 0.4 in enforce), as much again
 * that waits to be collected, a young generation of 192 MiB, and what is in flight.
 */
const MEMORY_BOUND_MIB = 1_280

interface Sample {
  readonly second: number
  readonly phase: 'base' | 'overload' | 'after'
  readonly published: number
  readonly decided: number
  readonly lag: number
  readonly p50Ms: number | null
  readonly p99Ms: number | null
  readonly sendP99Ms: number | null
  readonly memoryMiB: Record<string, number>
  readonly ready: Record<string, boolean>
  /** Names of the alerts that fire; null where there is no Prometheus. */
  readonly alerts: readonly string[] | null
}

const startedAt = new Date()
const log = (line: string) => console.log(line)
const chain = await LoadChain.start({ seed: Number(values.seed), partitions: Number(values.partitions), log })
const samples: Sample[] = []
/** Begins with the measured load: the warm-up is late on purpose, and a budget that burnt then would fire all the time. */
let prometheus: TestPrometheus | null = null
let published = 0
let capacity = 0
let pool: FedMessage[] = []
let sends: number[] = []

/** Publishes at a rate, by the clock, until it is over; samples on the way. `rate` is asked again at each sample. */
async function load(phase: Sample['phase'], rate: () => number, forSeconds: number): Promise<void> {
  const started = performance.now()
  let from = started
  let sent = 0
  let perSecond = rate()
  while (performance.now() - started < forSeconds * 1_000) {
    const due = Math.min(Math.floor(((performance.now() - from) / 1_000) * perSecond) - sent, MAX_REQUEST)
    if (due > 0) {
      const before = performance.now()
      await chain.publisher.send(TOPICS.feedEvents, chain.cheapEvents(due, pool))
      sends.push(performance.now() - before)
      sent += due
      published += due
    }
    if (performance.now() - from >= SAMPLE_MS) {
      await sample(phase)
      perSecond = rate()
      from = performance.now()
      sent = 0
    }
    await delay(TICK_MS)
  }
}

async function sample(phase: Sample['phase']): Promise<void> {
  const latencies = chain.takeLatencies()
  const sorted = sends.sort((a, b) => a - b)
  sends = []
  const taken: Sample = {
    second: Math.round((Date.now() - startedAt.getTime()) / 1000),
    phase,
    published,
    decided: chain.decided,
    lag: await chain.lag(),
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    sendP99Ms: sorted.length === 0 ? null : Math.round(quantile(sorted, 0.99)!),
    memoryMiB: chain.memory(),
    ready: await chain.ready(),
    alerts: prometheus && (await firing(prometheus)),
  }
  samples.push(taken)
  const memory = Object.values(taken.memoryMiB).join('/')
  log(
    `${String(taken.second).padStart(4)} s ${phase.padEnd(8)} published ${taken.published} decided ${taken.decided} lag ${taken.lag} ` +
      `p50 ${taken.p50Ms} ms p99 ${taken.p99Ms} ms send p99 ${taken.sendP99Ms} ms memory ${memory} MiB`,
  )
}

async function firing(of: TestPrometheus): Promise<string[]> {
  const alerts = await of.query('ALERTS{alertstate="firing"}')
  return [...new Set(alerts.map(({ labels }) => labels.alertname!))].sort()
}

/** What overload is; any other alert would send whoever is paged to the wrong place. */
const OF_OVERLOAD = new Set([
  'WardlineLatencyBudgetBurnsFast',
  'WardlineLatencyBudgetBurnsSlowly',
  'WardlineLagGrowing',
])
/**
 * True of the same 20,000 events again and again, overload or not: more removals an hour than breakers let through, and, in
 * minutes, more adverse decisions than enforce remembers of the months in which they can be taken back.
 */
const OF_THE_POOL = new Set(['WardlineCircuitBreakerOpen', 'WardlineStateFull'])

async function measure(): Promise<void> {
  pool = await chain.nextEvents(POOL)
  log('warming up, and measuring what the chain carries beside a producer that sends more than that …')
  await load('base', () => 500, 10)
  for (const seconds of [15, 15]) {
    const from = { decided: chain.decided, at: performance.now() }
    await load('base', () => 20_000, seconds)
    capacity = (chain.decided - from.decided) / ((performance.now() - from.at) / 1000)
  }
  await chain.waitForDecisions(published * DECIDED_SHARE, 300_000)
  log(`the chain carries about ${Math.round(capacity)} events/s`)

  samples.length = 0
  if (hasPrometheus) prometheus = await TestPrometheus.start(chain.targets)
  await load('base', () => capacity * BASE_SHARE, BASE_SECONDS)
  const before = { published, decided: chain.decided }
  // Three times what it carries now, with the producer beside it, whatever it carried a minute ago.
  let seen = { decided: chain.decided, at: performance.now() }
  const threefold = () => {
    const now = { decided: chain.decided, at: performance.now() }
    const carried =
      now.at - seen.at < 1_000 ? capacity : ((now.decided - seen.decided) / (now.at - seen.at)) * 1_000
    seen = now
    // What sends that took long have left out is made up for by the next sample.
    const lacking = factor * MARGIN * (chain.decided - before.decided) - (published - before.published)
    return factor * MARGIN * carried + Math.max(0, lacking) / (SAMPLE_MS / 1_000)
  }
  await load('overload', threefold, seconds)
  const offered = (published - before.published) / (chain.decided - before.decided)
  const overloadEndedAt = performance.now()
  const backlog = published - chain.decided
  log(`${backlog} events behind; the load goes back to what it was`)
  // Until it has caught up, and one quiet sample more.
  let caughtUpSeconds: number | null = null
  for (let i = 0; i < 600 && caughtUpSeconds === null; i++) {
    await load('after', () => capacity * BASE_SHARE, 6)
    const base = samples.filter((s) => s.phase === 'base').at(-1)!
    const last = samples.at(-1)!
    if (last.phase === 'after' && last.p99Ms !== null && last.p99Ms < Math.max(1_000, 3 * base.p99Ms!))
      caughtUpSeconds = (performance.now() - overloadEndedAt) / 1000
  }
  const books = await chain.settled(60_000)

  const of = (phase: Sample['phase']) => samples.filter((s) => s.phase === phase)
  const maxMemory = Math.max(...samples.flatMap((s) => Object.values(s.memoryMiB)))
  const sendP99 = (phase: Sample['phase']) =>
    quantile(
      of(phase)
        .map((s) => s.sendP99Ms ?? 0)
        .sort((a, b) => a - b),
      0.5,
    )!
  const overload = of('overload')
  const half = overload.slice(Math.floor(overload.length / 2))
  const holds = {
    nothingLostOrDoubled: balances(books),
    memoryBounded: maxMemory <= MEMORY_BOUND_MIB,
    latencyCameBack: caughtUpSeconds !== null,
    alwaysReady: samples.every((s) => Object.values(s.ready).every(Boolean)),
    // The budget's alert fires before the overload is half over; none does before it, and no other at any time.
    ...(prometheus && {
      alertsTold:
        of('base').every((s) => s.alerts!.every((name) => OF_THE_POOL.has(name))) &&
        half.every((s) => s.alerts!.includes('WardlineLatencyBudgetBurnsFast')) &&
        samples.every((s) => s.alerts!.every((name) => OF_OVERLOAD.has(name) || OF_THE_POOL.has(name))),
    }),
    lagTold: half.every((s) => s.lag > 0.5 * (s.published - s.decided - 2 * capacity)),
    producersNotSlowed: sendP99('overload') <= Math.max(500, MAX_SEND_RATIO * sendP99('base')),
    offeredInFull: offered >= factor,
  }
  const result = {
    capacityPerSecond: Math.round(capacity),
    offeredOverCarried: Number(offered.toFixed(2)),
    overloadSeconds: seconds,
    backlogAtEnd: backlog,
    secondsToCatchUp: caughtUpSeconds === null ? null : Math.round(caughtUpSeconds),
    p99MsBefore: of('base').at(-1)!.p99Ms,
    p99MsAtWorst: Math.max(...samples.map((s) => s.p99Ms ?? 0)),
    p99MsAfter: samples.at(-1)!.p99Ms,
    maxMemoryMiB: maxMemory,
    sendP99MsBefore: sendP99('base'),
    sendP99MsDuring: sendP99('overload'),
    alerts: prometheus && [...new Set(samples.flatMap((s) => s.alerts!))],
    audit: {
      eventsIn: books.eventsIn,
      decisions: books.decisions,
      deadLetters: books.deadLetters,
      duplicates: books.duplicates,
      missing: books.missing.length,
      doubled: books.doubled.length,
    },
    holds,
  }
  console.log(JSON.stringify(result, null, 2))
  console.log(`report ${writeReport('overload', { ...reportHead(startedAt), ...result, samples })}`)
  const allHold = Object.values(holds).every(Boolean)
  console.log(allHold ? 'holds' : 'DOES NOT HOLD')
  process.exitCode = allHold ? 0 : 1
}

try {
  await chain.orInterrupted(measure())
} finally {
  await (prometheus as TestPrometheus | null)?.stop()
  await chain.stop()
}
