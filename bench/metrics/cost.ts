import { createClassifyStage } from '@wardline/classify'
import { reportHead, table, writeReport } from '@wardline/cli/report'
import { createCommentRiskStage } from '@wardline/comment-risk'
import { createEnforceStage } from '@wardline/enforce'
import {
  CATEGORY_SYMBOLS,
  type EnforcementDecision,
  RecordDecoder,
  RecordEncoder,
  type RecordName,
  readSchema,
} from '@wardline/events'
import { loadModel } from '@wardline/model'
import { createNormalizeStage } from '@wardline/normalize'
import { createClassifier, loadBundle, policyFolder, readPolicyFiles } from '@wardline/policy'
import { createSampleFeed } from '@wardline/sample-feed'
import {
  AGE_BUCKETS,
  createLogger,
  DEAD_LETTER_REASONS,
  type FetchedMessage,
  type PartitionReader,
  type Stage,
  StageMetrics,
  type StateStore,
  TOPICS,
  TRANSACTION_RESULTS,
  type TransactionalProducer,
  type TransactionContent,
  WORK_BUCKETS,
} from '@wardline/stream'
import { makeForms, wellFormed } from '@wardline/text'
import { Histogram, Registry } from 'prom-client'
import { decodeRecordBatches } from '../../packages/stream/client/record-batches.ts'
import { openMetrics } from '../../packages/stream/open-metrics.ts'
import { PartitionTask } from '../../packages/stream/partition-task.ts'
import { transact } from '../../packages/stream/testing.ts'
import { TraceContext } from '../../packages/stream/trace-context.ts'
import { createBreakerAlert } from '../../services/enforce/breaker-alert.ts'
import { createDecisionCounter } from '../../services/enforce/decision-counter.ts'
import { LoadChain } from '../../test/load/load-chain.ts'

// What metrics cost a stage: the same records through the stage's own batch loop (decode, logic, encode, state, one
// transaction a batch; only the broker's answer is played), with metrics and without, batch by batch in turn, so that what
// else the machine does falls on both; and prom-client's own histograms in place of ours. Then what an event takes of the
// processor in each service at full load, connection to the broker included: what the cost is a share of. Exit 1 where the
// objective is missed. Ends by itself in two minutes.

/** Of a stage's throughput, all metrics together. */
const OBJECTIVE = 0.03
const EVENTS = Number(process.argv[process.argv.indexOf('--events') + 1] || 0) || 12_000
const PASSES = 6
const LOAD_EVENTS = 20_000
const BATCH = 100
const SCRAPE_EVERY_SECONDS = 5

type AnyStage = Stage<RecordName, Record<string, StateStore>>
type Hook = ((output: never) => void) | undefined
const WAYS = ['off', 'on', 'prom-client'] as const
type Way = (typeof WAYS)[number]
/** Who goes first finds the records in no cache and pays for it: each way is before each other equally often. */
const ORDERS: readonly (readonly Way[])[] = [
  ['off', 'on', 'prom-client'],
  ['prom-client', 'on', 'off'],
  ['on', 'prom-client', 'off'],
  ['off', 'prom-client', 'on'],
  ['prom-client', 'off', 'on'],
  ['on', 'off', 'prom-client'],
]

const startedAt = new Date()
const loaded = loadBundle(readPolicyFiles(policyFolder(process.env)))
if (!loaded.ok) throw new Error(`the policy is not valid: ${loaded.problems[0]?.message}`)
const { bundle } = loaded
const classifier = createClassifier(bundle.policy, loadModel(policyFolder(process.env), process.env))
const stages = [
  createNormalizeStage({ folding: { makeForms, wellFormed } }),
  createClassifyStage({ classifier }),
  createCommentRiskStage({ risk: bundle.risk }),
  createEnforceStage({ enforcement: bundle.enforcement }),
] as unknown as readonly AnyStage[]

interface StageRow {
  readonly stage: string
  /** Of an event in the loop, without metrics. */
  readonly microseconds: number
  readonly metricsMicroseconds: number
  /** Of it, over the batches. */
  readonly standardError: number
  readonly promClientMicroseconds: number
  readonly series: number
  readonly scrapeMs: number
  readonly scrapeShare: number
}

const nothing = () => {}
const counter = { inc: nothing }
const observer = { observe: nothing }
const each = <T>(names: readonly string[], value: T) => Object.fromEntries(names.map((name) => [name, value]))

/** A stage that counts nothing. */
const silent = {
  age: each(CATEGORY_SYMBOLS, observer),
  work: each(CATEGORY_SYMBOLS, observer),
  forwarded: counter,
  deadLettered: counter,
  duplicates: counter,
  deadLetters: each(DEAD_LETTER_REASONS, counter),
  transactions: each(TRANSACTION_RESULTS, counter),
  setLag: nothing,
  restoreBegins: nothing,
  restoreEnds: () => 0,
} as unknown as StageMetrics

/** The same metrics, with prom-client's histograms instead of ours. */
function promClientMetrics(stage: AnyStage): StageMetrics {
  const metrics = new StageMetrics(stage.name)
  const registers = [new Registry()]
  const times = (name: string, buckets: number[]) => {
    const histogram = new Histogram({
      name,
      help: name,
      labelNames: ['stage', 'category'],
      buckets,
      registers,
    })
    return Object.fromEntries(
      CATEGORY_SYMBOLS.map((category) => [category, histogram.labels({ stage: stage.name, category })]),
    )
  }
  return Object.assign(metrics, {
    age: times('age', AGE_BUCKETS),
    work: times('work', WORK_BUCKETS),
  }) as unknown as StageMetrics
}

function hookOf(stage: AnyStage, metrics: StageMetrics): Hook {
  if (stage.name !== 'enforce') return undefined
  const count = createDecisionCounter(metrics.registry)
  const alert = createBreakerAlert(metrics.registry, { warn: nothing, info: nothing }, Date.now)
  return (decision: EnforcementDecision) => {
    count(decision)
    alert(decision)
  }
}

/** The stage's own loop over one partition; `taken` gets what it commits. */
async function taskOf(
  stage: AnyStage,
  metrics: StageMetrics,
  hook: Hook,
  taken: (content: TransactionContent) => void,
) {
  const producer = {
    transactionalId: 'of-a-bench',
    begin: async () => {},
    committedOffsets: async (topics: string[], partition: number) =>
      topics.map((topic) => ({ topic, partition, offset: 0, committedBy: '', stable: true })),
    commit: async (content: TransactionContent) => taken(content),
  } as unknown as TransactionalProducer
  const reader = {
    bounds: async () => ({ start: 0, end: 0 }),
    async *read() {},
  } as unknown as PartitionReader
  const decoders = stage.inputs.map(
    ({ topic, record }) =>
      [topic, new RecordDecoder<RecordName>(record, { schemaById: async () => readSchema(record) })] as const,
  )
  const logger = createLogger({ service: 'bench', level: 'silent' })
  const task = new PartitionTask(0, {
    stage,
    encoder: new RecordEncoder(stage.output.record, 1),
    decoders: new Map(decoders),
    reader,
    metrics,
    logger,
    sleep: async () => {},
    maxTransactionRecords: BATCH,
    repartitionPartitions: 0,
    outputPartitions: 1,
    keepOutputs: hook !== undefined,
    traces: new TraceContext(),
    spans: undefined,
  })
  await task.open(producer, () => false)
  const committed = hook as ((output: unknown) => void) | undefined
  return (topic: string, messages: readonly FetchedMessage[]) =>
    transact({ producer, metrics, clock: Date.now, logger, committed }, task, topic, messages)
}

const feed = createSampleFeed({ seed: 3, startAt: Date.now() })
const feedEncoder = new RecordEncoder('FeedEvent', 1)
const message = (value: Buffer, i: number, rest: Partial<FetchedMessage> = {}): FetchedMessage => ({
  key: Buffer.from('k'),
  value,
  offset: String(i),
  timestamp: String(Date.now()),
  ...rest,
})
let messages = Array.from(feed.events(EVENTS), ({ event }, i) => message(feedEncoder.encode(event), i))
const profileEncoder = new RecordEncoder('AccountProfile', 1)
const profiles = feed
  .profiles()
  .map((profile, i) => message(profileEncoder.encode(profile), i, { key: Buffer.from(profile.accountId) }))

const rows: StageRow[] = []
for (const stage of stages) {
  const outputs: FetchedMessage[] = []
  const of: Record<Way, StageMetrics> = {
    off: silent,
    on: new StageMetrics(stage.name),
    'prom-client': promClientMetrics(stage),
  }
  const hooks: Record<Way, Hook> = {
    off: undefined,
    on: hookOf(stage, of.on),
    'prom-client': hookOf(stage, of['prom-client']),
  }
  const best: Record<Way, number[]> = { off: [], on: [], 'prom-client': [] }
  for (let pass = 0; pass < PASSES; pass++) {
    const tasks = new Map<Way, Awaited<ReturnType<typeof taskOf>>>()
    let committed: TransactionContent | undefined
    for (const way of WAYS) {
      const task = await taskOf(stage, of[way], hooks[way], (content) => {
        committed = content
      })
      tasks.set(way, task)
      const table = stage.inputs.find(({ record }) => record === 'AccountProfile')
      if (table) await task(table.topic, profiles)
    }
    for (let from = 0, batch = 0; from < messages.length; from += BATCH, batch++) {
      const part = messages.slice(from, from + BATCH)
      for (const way of ORDERS[(batch + pass) % ORDERS.length]!) {
        const began = performance.now()
        await tasks.get(way)!(stage.inputs[0]!.topic, part)
        const time = (1000 * (performance.now() - began)) / part.length
        best[way][batch] = Math.min(best[way][batch] ?? time, time)
      }
      if (pass > 0) continue
      const written = committed?.topics.get(stage.output.topic)?.get(0)
      if (!written) continue
      const bytes = Buffer.from(written.finish({ producerId: 1, producerEpoch: 0 }, 0))
      for (const { key, value, headers } of decodeRecordBatches(bytes))
        outputs.push(
          message(value!, outputs.length, {
            headers: headers as NonNullable<FetchedMessage['headers']>,
            key: key as Buffer,
          }),
        )
    }
  }
  // A batch is the same work in each pass, so its best time is the one that nothing disturbed.
  const costs = (way: Way) => best[way].map((time, batch) => time - best.off[batch]!)
  rows.push({
    stage: stage.name,
    microseconds: mean(best.off),
    metricsMicroseconds: mean(costs('on')),
    standardError: standardError(costs('on')),
    promClientMicroseconds: mean(costs('prom-client')),
    ...(await scrapeOf(of.on)),
  })
  messages = outputs
}

function middle(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function standardError(values: readonly number[]): number {
  const centre = mean(values)
  return Math.sqrt(mean(values.map((value) => (value - centre) ** 2)) / values.length)
}

/** A page of metrics: time of one scrape, ms, as Prometheus asks for it, and its size. */
async function scrapeOf({ registry }: StageMetrics) {
  const times: number[] = []
  let lines = 0
  for (let i = 0; i < 30; i++) {
    const began = performance.now()
    const { text } = await openMetrics(registry)
    times.push(performance.now() - began)
    lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length
  }
  const scrapeMs = middle(times)
  return { series: lines, scrapeMs, scrapeShare: scrapeMs / 1000 / SCRAPE_EVERY_SECONDS }
}

/** Nanoseconds of a call, the middle one of several runs. */
function nanoseconds(call: () => void): number {
  const runs = Array.from({ length: 15 }, () => {
    const began = performance.now()
    for (let i = 0; i < 200_000; i++) call()
    return (1e6 * (performance.now() - began)) / 200_000
  })
  return middle(runs)
}
const traces = new TraceContext()
const given = { traceparent: Buffer.from('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01') }
const nowNanoseconds = nanoseconds(() => performance.now())
const beginNanoseconds = nanoseconds(() => traces.of(undefined))
const keepNanoseconds = nanoseconds(() => traces.of(given))

/** Processor time of each service, in microseconds an event, while the whole chain has more to do than it can. */
async function serviceMicroseconds(): Promise<ReadonlyMap<string, number>> {
  const chain = await LoadChain.start({ seed: 5, partitions: 3, log: nothing })
  try {
    const load = async (count: number) => {
      const before = chain.decided
      for (let sent = 0; sent < count; sent += 1_000)
        await chain.publisher.send(TOPICS.feedEvents, await chain.nextEvents(1_000))
      // Some are duplicates or dead letters.
      await chain.orInterrupted(chain.waitForDecisions(before + count * 0.9, 120_000))
    }
    await load(10_000)
    const before = await chain.processorUse()
    await load(LOAD_EVENTS)
    const after = await chain.processorUse()
    return new Map(
      [...after].map(([stage, { seconds, events }]) => {
        const then = before.get(stage)!
        return [stage, ((seconds - then.seconds) * 1e6) / (events - then.events)]
      }),
    )
  } finally {
    await chain.stop()
  }
}
const wholes = await serviceMicroseconds()

const percent = (share: number) => `${(100 * share).toFixed(2)} %`
/** The clock is read once an event in all ways; it is part of what metrics cost. */
const shareOf = (row: StageRow, microseconds: number) =>
  (row.metricsMicroseconds + nowNanoseconds / 1000) / microseconds + row.scrapeShare
const head = [
  'stage',
  'loop µs',
  'metrics µs',
  'by prom-client µs',
  'of the loop',
  'service µs',
  'of the service',
  'series',
  'scrape ms',
]
const cells = rows.map((row) => [
  row.stage,
  row.microseconds.toFixed(2),
  `${row.metricsMicroseconds.toFixed(2)} ± ${row.standardError.toFixed(2)}`,
  row.promClientMicroseconds.toFixed(2),
  percent(shareOf(row, row.microseconds)),
  wholes.get(row.stage)!.toFixed(1),
  percent(shareOf(row, wholes.get(row.stage)!)),
  String(row.series),
  row.scrapeMs.toFixed(1),
])
console.log(table(head, cells, 'left'))
const worst = Math.max(...rows.map((row) => shareOf(row, wholes.get(row.stage)!)))
console.log(
  `\n${EVENTS} events of the sample feed in batches of ${BATCH}, the best of ${PASSES} passes for each, then ${LOAD_EVENTS} through the chain; a scrape every ${SCRAPE_EVERY_SECONDS} s and a clock read an event are in the shares.`,
)
console.log(
  `reading the clock ${nowNanoseconds.toFixed(0)} ns an event; a trace: begun ${beginNanoseconds.toFixed(0)} ns, kept ${keepNanoseconds.toFixed(0)} ns.`,
)
console.log(
  `metrics, clock and scrape take at most ${percent(worst)} of a service; the objective is ${percent(OBJECTIVE)}.`,
)
console.log(
  writeReport('bench-metrics', {
    ...reportHead(startedAt),
    events: EVENTS,
    stages: rows.map((row) => ({ ...row, serviceMicroseconds: wholes.get(row.stage) })),
    nowNanoseconds,
    beginNanoseconds,
    keepNanoseconds,
    worstShare: worst,
    objective: OBJECTIVE,
  }),
)
process.exitCode = worst < OBJECTIVE ? 0 : 1
