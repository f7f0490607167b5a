/**
 * Age of decisions at fixed rates: an open-loop producer sends by the clock, whatever the chain does, and each event counts
 * from when it was due, so that a stall is seen by every event that it held up (no coordinated omission). The end is
 * when a committed reader has the decision. Rates are shares of a capacity that is given or measured first.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { LatencyRecorder } from '@wardline/cli/latency'
import { reportHead, table, writeReport } from '@wardline/cli/report'
import { DecodeFailure, RecordDecoder } from '@wardline/events'
import { restamp } from '@wardline/sample-feed'
import { PartitionReader, TOPICS } from '@wardline/stream'
import { BenchStack } from '../chain/bench-stack.ts'
import { type Contestant, WardlineServices } from '../chain/contestant.ts'
import { quantileOf } from '../chain/statistics.ts'
import { KafkaStreamsPeer } from '../peers/streams/contestant.ts'
import { measure, warmUp } from '../throughput/measure.ts'

const { values: args } = parseArgs({
  options: {
    partitions: { type: 'string', default: '4' },
    only: { type: 'string', default: 'wardline,streams-memory' },
    shares: { type: 'string', default: '0.2,0.5,0.8' },
    /** Events a second that shares are of; by default what each contestant does in a run of its own before. */
    capacity: { type: 'string' },
    /** Seconds at each rate, after those that do not count. */
    seconds: { type: 'string', default: '12' },
    'settle-seconds': { type: 'string', default: '4' },
  },
})
const CAPACITY_EVENTS = 25_000
const CAPACITY_ROUNDS = 4
const WARM_UP_ROUNDS = 6
const TICK_MS = 5
/** After the last event was sent, so long for its decision to come. */
const DRAIN_MS = 20_000

interface Row {
  readonly contestant: string
  readonly share: number
  readonly eventsPerSecond: number
  readonly count: number
  /** Events without a decision at the end: the rate was beyond what it can do. */
  readonly unanswered: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly p999: number
  readonly byCategory: Record<string, { count: number; p50: number; p95: number; p99: number }>
}

const startedAt = new Date()
const seconds = Number(args.seconds)
const settle = Number(args['settle-seconds'])
const stack = await BenchStack.start({ partitions: Number(args.partitions) })
const rows: Row[] = []
try {
  const contestants: Contestant[] = args.only
    .split(',')
    .map((name) =>
      name === 'wardline' ? new WardlineServices(stack) : new KafkaStreamsPeer(stack, 'memory'),
    )
  for (const contestant of contestants) {
    await stack.reset()
    await contestant.start()
    try {
      stack.startFeed(21, BenchStack.feedStart())
      const answered = await warmUp(stack, contestant, await stack.encode(CAPACITY_EVENTS))
      let capacity = Number(args.capacity ?? 0)
      // The last of some: all of them compile their code in the first minutes, beside everything else.
      for (let round = 0; args.capacity === undefined && round < CAPACITY_ROUNDS; round++)
        capacity = (await measure(stack, contestant, await stack.encode(CAPACITY_EVENTS), answered))
          .eventsPerSecond
      const shares = args.shares.split(',').map(Number)
      const at = (share: number) => atRate(contestant, share, Math.round(capacity * share))
      // Without counting, until it gets no better by itself.
      for (let round = 0, before = Number.POSITIVE_INFINITY; round < WARM_UP_ROUNDS; round++) {
        const { p99 } = await at(Math.max(...shares))
        if (p99 > before * 0.8) break
        before = p99
      }
      for (const share of shares) rows.push(await at(share))
    } finally {
      await contestant.stop()
    }
  }
} finally {
  await stack.stop()
}

async function atRate(contestant: Contestant, share: number, rate: number): Promise<Row> {
  const count = Math.round(rate * (seconds + settle))
  const feed = stack.startFeed(31 + rate, Date.now())
  // Encoded beforehand: making an event must not cost the producer its pace.
  const publisher = stack.publisher
  const ids: string[] = []
  const seen = new Set<string>()
  const messages: { key: string; value: Buffer }[] = []
  for (const { event } of feed.events(count)) {
    // A repeat has no answer of its own.
    if (seen.has(event.eventId)) continue
    seen.add(event.eventId)
    ids.push(event.eventId)
    const value = await publisher.encode(TOPICS.feedEvents, 'FeedEvent', restamp(event, Date.now()))
    messages.push({ key: event.actorId, value })
  }
  const dueAt = new Map<string, number>()
  const latencies: number[] = []
  const byCategory = new LatencyRecorder()
  const from = new Map<number, number>()
  const probe = new PartitionReader(stack.connection.kafka)
  for (const [partition, end] of await probe.ends(TOPICS.decisions)) from.set(partition, end)
  await probe.close()

  let stopped = false
  const began = performance.now() + 200
  const readers = [...from].map(([partition, start]) =>
    follow(partition, start, (eventId, category, at) => {
      const due = dueAt.get(eventId)
      if (due === undefined) return
      dueAt.delete(eventId)
      if (due < began + settle * 1000) return
      latencies.push(at - due)
      byCategory.add(category, at - due)
    }),
  )
  async function follow(
    partition: number,
    start: number,
    decided: (eventId: string, category: string, at: number) => void,
  ): Promise<void> {
    const reader = new PartitionReader(stack.connection.kafka)
    const decoder = new RecordDecoder('EnforcementDecision', stack.connection.registry)
    let next = start
    while (!stopped) {
      const { end } = await reader.bounds(TOPICS.decisions, partition)
      if (end <= next) {
        await delay(10)
        continue
      }
      for await (const fetched of reader.read(TOPICS.decisions, partition, next, end)) {
        const at = performance.now()
        await decoder.prepare(fetched)
        for (const { value } of fetched) {
          const decision = decoder.decode(value!)
          if (!(decision instanceof DecodeFailure) && decision.type === 'DECISION')
            decided(decision.eventId, decision.category, at)
        }
      }
      next = end
    }
    await reader.close()
  }

  const sending: Promise<unknown>[] = []
  for (let sent = 0; sent < messages.length; ) {
    const due = Math.min(messages.length, Math.floor(((performance.now() - began) / 1000) * rate))
    if (due > sent) {
      for (let i = sent; i < due; i++) dueAt.set(ids[i]!, began + (i / rate) * 1000)
      sending.push(publisher.send(TOPICS.feedEvents, messages.slice(sent, due)))
      sent = due
    }
    await delay(TICK_MS)
  }
  await Promise.all(sending)
  const until = performance.now() + DRAIN_MS
  while (dueAt.size > 0 && performance.now() < until) await delay(50)
  const unanswered = dueAt.size
  stopped = true
  await Promise.all(readers)
  latencies.sort((a, b) => a - b)
  const row: Row = {
    contestant: contestant.name,
    share,
    eventsPerSecond: rate,
    count: latencies.length,
    unanswered,
    p50: quantileOf(latencies, 0.5),
    p95: quantileOf(latencies, 0.95),
    p99: quantileOf(latencies, 0.99),
    p999: quantileOf(latencies, 0.999),
    byCategory: byCategory.summary(),
  }
  console.error(`${row.contestant} at ${rate}/s: p50 ${row.p50.toFixed(0)}, p99 ${row.p99.toFixed(0)} ms`)
  return row
}

console.log(
  table(
    ['contestant', 'share', 'events/s', 'count', 'unanswered', 'p50 ms', 'p95', 'p99', 'p99.9'],
    rows.map((row) => [
      row.contestant,
      `${(100 * row.share).toFixed(0)} %`,
      String(row.eventsPerSecond),
      String(row.count),
      String(row.unanswered),
      ...[row.p50, row.p95, row.p99, row.p999].map((ms) => ms.toFixed(0)),
    ]),
  ),
)
for (const { contestant, share, byCategory } of rows.filter((row) => row.share === 0.5)) {
  console.log(`\n${contestant} at ${100 * share} %, by category of the decision`)
  console.log(
    table(
      ['category', 'count', 'p50 ms', 'p95', 'p99'],
      Object.entries(byCategory).map(([category, { count, p50, p95, p99 }]) => [
        category,
        String(count),
        ...[p50, p95, p99].map((ms) => ms.toFixed(0)),
      ]),
    ),
  )
}
console.log(writeReport('bench-latency', { ...reportHead(startedAt), options: args, rows }))
