import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { stackKind, startContainerStack } from '@wardline/compose'
import { startStack } from '@wardline/local'
import { type Connection, type FedMessage, FeedPublisher } from '@wardline/records'
import { createSampleFeed, malformedEvents, recordKey } from '@wardline/sample-feed'
import { TOPICS } from '@wardline/stream'
import Table from 'cli-table3'
import { type AuditReport, audit, balances } from './audit.ts'
import { connect } from './connection.ts'
import { DecisionWatch } from './decision-watch.ts'
import { LatencyRecorder, type LatencySummary } from './latency.ts'
import { type ReportHead, reportHead, writeReport } from './report.ts'
import { publishPaced, publishProfiles } from './sample.ts'

/** Folder of the demo's broker, logs and what it leaves to look at; emptied at each run. */
const DEMO_FOLDER = new URL('../.wardline/demo/', import.meta.url)

export interface DemoOptions {
  /** Events to publish, repeats included. */
  readonly events: number
  /** Events a second. */
  readonly rate: number
  readonly seed: number
  readonly partitions: number
  readonly print: (line: string) => void
  /** Replaces the current line in a terminal; silent elsewhere but for every tenth call. */
  readonly progress: (line: string) => void
}

export interface DemoReport extends ReportHead {
  readonly eventsIn: number
  readonly decisions: Record<string, number>
  readonly deadLetters: number
  readonly duplicates: number
  readonly missing: number
  readonly doubled: number
  /** Of the events after the warm-up. */
  readonly latencyMs: Record<string, LatencySummary>
  readonly warmUpEvents: number
  readonly eventsPerSecond: number
}

/** Quantiles that the contract promises at the demo's rate. */
const OBJECTIVE_P99_MS = 500
/** Not in the latency figures: six seconds in which five just-started processes compile what they run. */
const WARM_UP_EVENTS = 3_000
/** Profiles take a moment to reach comment-risk; events that come earlier would meet unknown accounts. */
const PROFILES_SETTLE_MS = 1_500
/** No decision for this long means that none will come. */
const STALL_MS = 20_000

/** The whole chain once, with a real broker and registry. Returns whether the books balance. */
export async function runDemo(options: DemoOptions): Promise<boolean> {
  const { print } = options
  const startedAt = new Date()
  rmSync(DEMO_FOLDER, { recursive: true, force: true })
  mkdirSync(DEMO_FOLDER, { recursive: true })

  const { partitions } = options
  const inContainers = stackKind(process.env) === 'containers'
  const stack = inContainers
    ? await startContainerStack({ project: 'wardline-demo', partitions, log: print })
    : await startStack({ folder: fileURLToPath(DEMO_FOLDER), partitions, log: print })
  try {
    const connection = connect({
      ...process.env,
      WARDLINE_BROKERS: stack.brokers.join(','),
      WARDLINE_REGISTRY_URL: stack.registryUrl,
    })
    const measured = await stack.orInterrupted(publishAndWatch(connection, options))
    print('reading the topics to balance the books …')
    const report = await audit(connection)
    await saveMetrics(stack.services)
    const demo: DemoReport = {
      ...reportHead(startedAt),
      eventsIn: report.eventsIn,
      decisions: measured.verdicts,
      deadLetters: report.deadLetters,
      duplicates: report.duplicates,
      missing: report.missing.length,
      doubled: report.doubled.length,
      latencyMs: measured.latencyMs,
      warmUpEvents: WARM_UP_EVENTS,
      eventsPerSecond: Math.round(measured.eventsPerSecond),
    }
    const file = writeReport('demo', demo)
    printSummary(print, demo, report, options.rate)
    print(`report     ${file}`)
    print('decisions  .wardline/demo/decisions.jsonl (what an enforcement system received)')
    print(
      `metrics    .wardline/demo/metrics/*.prom (each service as it was at the end)${inContainers ? '' : '; logs in .wardline/demo/logs'}`,
    )
    print('')
    print(
      inContainers
        ? 'To look around in a running chain: docker compose -f deploy/compose/compose.yaml up (prints the address of its console).'
        : 'To look around in a running chain: make up (prints the address of its console), bin/wardline feed; make down ends it.',
    )
    return balances(report)
  } finally {
    await stack.stop()
  }
}

async function publishAndWatch(connection: Connection, options: DemoOptions) {
  const feed = createSampleFeed({ seed: options.seed, startAt: Date.now() })
  const publisher = new FeedPublisher(connection)
  await publisher.connect()
  const latency = new LatencyRecorder()
  const verdicts: Record<string, number> = {}
  const warmUp = new Set<string>()
  const decisionsFile = new URL('decisions.jsonl', DEMO_FOLDER)
  let lines: string[] = []
  const flushLines = () => {
    if (lines.length > 0) appendFileSync(decisionsFile, `${lines.join('\n')}\n`)
    lines = []
  }
  let decided = 0
  const watch = new DecisionWatch(connection, (decision, receivedAt) => {
    lines.push(JSON.stringify(decision))
    if (lines.length >= 500) flushLines()
    // Follow-ups and reversals answer events that were counted with their first decision.
    if (decision.type !== 'DECISION') return
    decided++
    verdicts[decision.verdict] = (verdicts[decision.verdict] ?? 0) + 1
    if (!warmUp.has(decision.eventId)) latency.add(decision.category, receivedAt - decision.feedAppendedAt)
  })
  await watch.start()
  try {
    const profiles = feed.profiles()
    options.print(
      `publishing ${profiles.length} account profiles, then ${options.events} events at ${options.rate}/s`,
    )
    await publishProfiles(publisher, profiles)
    await delay(PROFILES_SETTLE_MS)

    const ids = new Set<string>()
    const started = performance.now()
    let nextProgress = started
    await publishPaced(publisher, feed, {
      count: options.events,
      rate: options.rate,
      sending: (event, index) => {
        ids.add(event.eventId)
        if (index < WARM_UP_EVENTS) warmUp.add(event.eventId)
      },
      extra: brokenRecords(publisher, options),
      progress: (sent) => {
        if (performance.now() < nextProgress) return
        nextProgress += 1_000
        options.progress(`${sent} published, ${decided} decided`)
      },
    })
    const eventsPerSecond = options.events / ((performance.now() - started) / 1000)
    await untilAnswered(ids.size, () => decided, options.progress)
    return { verdicts, latencyMs: latency.summary(), eventsPerSecond }
  } finally {
    flushLines()
    await watch.stop()
    await publisher.close()
  }
}

/** What breaks the contract, spread over the run as it would come: events with wrong content, and bytes that are no Avro. */
function brokenRecords(
  publisher: FeedPublisher,
  options: DemoOptions,
): (sent: number) => Promise<FedMessage[]> {
  const malformed = malformedEvents(options.seed, Date.now())
  let next = 0
  return async (sent) => {
    const messages: FedMessage[] = []
    while (next < malformed.length && sent >= ((next + 1) * options.events) / malformed.length) {
      const { event } = malformed[next++]!
      messages.push({
        key: recordKey(event),
        value: await publisher.encode(TOPICS.feedEvents, 'FeedEvent', event),
      })
      messages.push({ key: `garbage-${next}`, value: Buffer.from(`no Avro at all, ${next}`) })
    }
    return messages
  }
}

/** Waits until every distinct event has its decision, or none has come for a while: the audit then says what is missing. */
async function untilAnswered(
  expected: number,
  decided: () => number,
  progress: (line: string) => void,
): Promise<void> {
  let last = decided()
  let movedAt = performance.now()
  while (decided() < expected) {
    await delay(50)
    if (decided() !== last) {
      last = decided()
      movedAt = performance.now()
      progress(`${last} of ${expected} decided`)
    } else if (performance.now() - movedAt > STALL_MS) return
  }
}

async function saveMetrics(
  services: readonly { readonly stage: string; readonly metricsUrl: string }[],
): Promise<void> {
  const folder = new URL('metrics/', DEMO_FOLDER)
  mkdirSync(folder, { recursive: true })
  for (const { stage, metricsUrl } of services) {
    const answer = await fetch(metricsUrl)
    writeFileSync(new URL(`${stage}.prom`, folder), await answer.text())
  }
}

function printSummary(
  print: (line: string) => void,
  demo: DemoReport,
  audited: AuditReport,
  rate: number,
): void {
  const plain = {
    chars: {
      top: '',
      'top-mid': '',
      'top-left': '',
      'top-right': '',
      bottom: '',
      'bottom-mid': '',
      'bottom-left': '',
      'bottom-right': '',
      left: '',
      'left-mid': '',
      mid: '',
      'mid-mid': '',
      right: '',
      'right-mid': '',
      middle: '  ',
    },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  }
  const show = (table: Table.Table) => print(`${table.toString()}\n`)
  print('')
  const books = new Table({
    head: ['events in', 'decisions', 'dead letters', 'duplicates', 'missing', 'doubled'],
    ...plain,
  })
  books.push([
    demo.eventsIn,
    audited.decisions,
    demo.deadLetters,
    demo.duplicates,
    demo.missing,
    demo.doubled,
  ])
  show(books)
  const verdicts = new Table({ head: ['verdict', 'decisions'], ...plain })
  for (const [verdict, count] of Object.entries(demo.decisions).sort(([, a], [, b]) => b - a))
    verdicts.push([verdict, count])
  show(verdicts)
  const latency = new Table({
    head: ['category', 'decisions', 'p50 ms', 'p95 ms', 'p99 ms'],
    ...plain,
    colAligns: ['left', 'right', 'right', 'right', 'right'],
  })
  for (const [category, s] of Object.entries(demo.latencyMs))
    latency.push([category, s.count, s.p50, s.p95, s.p99])
  show(latency)
  const p99 = demo.latencyMs.all?.p99 ?? 0
  print('latency: from the append to feed.events to the decision in an outside consumer’s hands,')
  print(
    `at ${rate} events/s, without the first ${WARM_UP_EVENTS} events: the services have just been started and still compile`,
  )
  print(
    `objective: p99 below ${OBJECTIVE_P99_MS} ms: ${p99 < OBJECTIVE_P99_MS ? 'met' : 'MISSED'} (${p99} ms)`,
  )
  print(
    balances(audited)
      ? `audit: ${demo.eventsIn} in = ${audited.decisions} decisions + ${demo.deadLetters} dead letters + ${demo.duplicates} duplicates; none missing, none doubled`
      : `audit: DOES NOT BALANCE; missing ${audited.missing.slice(0, 5).join(', ')}; doubled ${audited.doubled.slice(0, 5).join(', ')}`,
  )
  print('')
}
