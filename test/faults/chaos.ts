import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createClassifyStage } from '@wardline/classify'
import { type AuditReport, audit, balances } from '@wardline/cli/audit'
import { connect } from '@wardline/cli/connection'
import { publishProfiles } from '@wardline/cli/sample'
import { createCommentRiskStage } from '@wardline/comment-risk'
import { publishPolicy } from '@wardline/control'
import { createEnforceStage } from '@wardline/enforce'
import type { EnforcementDecision, FeedEvent, PolicyControl } from '@wardline/events'
import { freePorts, type Service, type Stack, startService, startStack } from '@wardline/local'
import { loadModel } from '@wardline/model'
import { createNormalizeStage } from '@wardline/normalize'
import {
  controlRecord,
  createClassifier,
  loadBundle,
  type PolicyFiles,
  PolicyInUse,
  policyFolder,
  readPolicyFiles,
  ruleSetKey,
} from '@wardline/policy'
import { type Connection, type FedMessage, FeedPublisher } from '@wardline/records'
import { createSampleFeed, recordKey, restamp } from '@wardline/sample-feed'
import { PartitionReader, STAGE_NAMES, type StageName, TOPICS } from '@wardline/stream'
import { makeForms, wellFormed } from '@wardline/text'
import { DecisionReader } from '../chain/decision-reader.ts'
import { type LaneOf, type ReplayPolicy, type ReplayReport, replayStage } from './replay.ts'
import { SmallDisk } from './small-disk.ts'
import { TcpProxy } from './tcp-proxy.ts'

/** What is done to the chain. Those of a stage name it after a colon. */
export const FAULT_KINDS = [
  ...STAGE_NAMES.map((stage) => `kill:${stage}` as const),
  ...STAGE_NAMES.map((stage) => `freeze:${stage}` as const),
  ...STAGE_NAMES.map((stage) => `second:${stage}` as const),
  ...STAGE_NAMES.map((stage) => `restart:${stage}` as const),
  'broker:restart',
  'broker:kill',
  'broker:disk-full',
  'registry:restart',
  'network:reset',
  'network:silence',
  'network:slow',
  'network:narrow',
  'feed:poison',
  'feed:hot-account',
  'feed:time-steps',
  'policy:publish',
] as const
export type FaultKind = (typeof FAULT_KINDS)[number]

export interface ChaosOptions {
  /** The same seed injects the same faults in the same order. */
  readonly seed: number
  /** How many; every kind comes before one comes again. */
  readonly faults: number
  /** Kinds to draw from; absent: all. */
  readonly kinds?: readonly FaultKind[]
  /** Events a second. */
  readonly rate: number
  readonly partitions: number
  readonly log: (line: string) => void
}

export interface FaultResult {
  readonly kind: FaultKind
  /**
   * From the injection to the first decision on an event that was appended after it, ms; after an outage of the broker
   * from when it serves partitions again. Null where none came in time.
   */
  readonly recoveryMs: number | null
  /** Longest time without any decision from the injection until a decision after the fault's end, ms. */
  readonly silenceMs: number
}

export interface ChaosReport {
  readonly seed: number
  readonly faults: readonly FaultResult[]
  readonly audit: AuditReport
  readonly replays: readonly ReplayReport[]
  /** Decisions that an outside consumer saw twice. */
  readonly doubledDecisions: number
  readonly holds: boolean
}

/** WARDLINE_SESSION_TIMEOUT_MS where nobody sets it: the services run as they are shipped. */
const SESSION_MS = 6_000
/** Longer than the session: whoever wakes up has lost its partitions. */
const FREEZE_MS = SESSION_MS + 2_500
/** How long the feed waits for the answer to a request. */
const ANSWER_WITHIN_MS = 5_000
const RECOVER_WITHIN_MS = 60_000
/** Above what a long run writes. */
const DISK_MIB = 6_144
/** Where the logs of a run that did not hold are left. */
const LOGS = fileURLToPath(new URL('../../.wardline/chaos-logs/', import.meta.url))

const kindsOf = (options: ChaosOptions): readonly FaultKind[] => options.kinds ?? FAULT_KINDS

/** Runs the chain under load, injects the faults one after the other, and holds what came of it against the logic. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const run = await ChaosRun.start(options)
  let holds = false
  try {
    const report = await run.orInterrupted(run.inject().then((faults) => run.finish(faults)))
    holds = report.holds
    return report
  } finally {
    await run.stop(!holds)
  }
}

/** The kinds in an order that the seed gives, each once before any comes again. */
export function schedule(seed: number, count: number, kinds: readonly FaultKind[]): FaultKind[] {
  let state = seed >>> 0
  // mulberry32: a few lines, seeded, good enough to shuffle.
  const random = () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
  const order: FaultKind[] = []
  while (order.length < count) {
    const round = [...kinds]
    for (let i = round.length - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1))
      ;[round[i], round[j]] = [round[j]!, round[i]!]
    }
    order.push(...round)
  }
  return order.slice(0, count)
}

class ChaosRun {
  readonly #options: ChaosOptions
  readonly #folder: string
  readonly #stack: Stack
  readonly #proxy: TcpProxy
  readonly #disk: SmallDisk | null
  readonly #connection: Connection
  readonly #services = new Map<StageName, Service>()
  #nextPort: number[]
  /** Events that change how the feed looks for a while. */
  #publisher: FeedPublisher
  #shape: (event: FeedEvent) => FeedEvent = (event) => event
  #poison = false
  #stopped = false
  #load: Promise<void> = Promise.resolve()
  /** Append time of the events decided so far: the newest, ms. */
  #newestDecided = 0
  #silence = { since: 0, longest: 0 }
  readonly #seen = new Map<string, number>()
  /** Every policy that was published, for the replay: the topic is compacted. */
  readonly #published: PolicyFiles[] = []
  readonly #shipped = readPolicyFiles(policyFolder(process.env))
  readonly #versionsDecided = new Set<string>()
  #decisions: DecisionReader | undefined

  private constructor(
    options: ChaosOptions,
    folder: string,
    stack: Stack,
    proxy: TcpProxy,
    disk: SmallDisk | null,
  ) {
    this.#options = options
    this.#folder = folder
    this.#stack = stack
    this.#proxy = proxy
    this.#disk = disk
    this.#nextPort = [...stack.ports.metrics]
    this.#connection = connect({
      WARDLINE_BROKERS: stack.brokers.join(','),
      WARDLINE_REGISTRY_URL: stack.registryUrl,
    })
    this.#publisher = new FeedPublisher(this.#connection)
  }

  static async start(options: ChaosOptions): Promise<ChaosRun> {
    const folder = mkdtempSync(join(tmpdir(), 'wardline-chaos-'))
    const ports = await freePorts()
    const front = (await freePorts()).kafka
    const proxy = await TcpProxy.listen(front, ports.kafka)
    const disk = kindsOf(options).includes('broker:disk-full')
      ? SmallDisk.mount(`${folder}/kafka`, DISK_MIB)
      : null
    const stack = await startStack({
      folder,
      partitions: options.partitions,
      ports,
      advertisedKafkaPort: front,
      log: options.log,
      withoutServices: true,
    })
    const run = new ChaosRun(options, folder, stack, proxy, disk)
    await Promise.all(STAGE_NAMES.map((stage) => run.#launch(stage).ready()))
    await run.#startLoad()
    return run
  }

  /** The work's result, unless Ctrl-C or SIGTERM comes first: then it rejects. */
  orInterrupted<T>(work: Promise<T>): Promise<T> {
    return this.#stack.orInterrupted(work)
  }

  async inject(): Promise<FaultResult[]> {
    const { seed, faults, log } = this.#options
    const results: FaultResult[] = []
    let kinds = kindsOf(this.#options)
    if (kinds.includes('broker:disk-full') && this.#disk === null) {
      log('no right to mount a small disk: broker:disk-full is left out')
      kinds = kinds.filter((kind) => kind !== 'broker:disk-full')
    }
    for (const [i, kind] of schedule(seed, faults, kinds).entries()) {
      await delay(500)
      const outage = kind.startsWith('broker:')
      this.#silence = { since: Date.now(), longest: 0 }
      const first = outage ? null : this.#decidedAfter(Date.now())
      await this.#fault(kind)
      const recoveryMs = await (first ?? this.#decidedAfter(Date.now()))
      // The next fault begins only when this one is over in every respect.
      const over = await this.#decidedAfter(Date.now())
      const silenceMs = over === null ? RECOVER_WITHIN_MS : this.#silence.longest
      results.push({ kind, recoveryMs: over === null ? null : recoveryMs, silenceMs })
      log(
        `${String(i + 1).padStart(4)} ${kind.padEnd(22)} ${recoveryMs === null ? 'NO DECISION' : `${String(recoveryMs).padStart(6)} ms, silent for ${silenceMs} ms`}`,
      )
    }
    return results
  }

  async finish(faults: FaultResult[]): Promise<ChaosReport> {
    this.#stopped = true
    await this.#load
    this.#options.log('load ended; waiting for the chain to come to rest …')
    const report = await this.#settled()
    await delay(1_000)
    this.#options.log('replaying every stage over what it read …')
    const replays: ReplayReport[] = []
    for (const { stage, laneOf, policy } of replayable(this.#shipped, this.#published))
      replays.push(await replayStage(this.#connection, stage as never, laneOf, policy))
    const doubledDecisions = [...this.#seen.values()].filter((count) => count > 1).length
    const holds =
      balances(report) &&
      doubledDecisions === 0 &&
      faults.every((fault) => fault.recoveryMs !== null) &&
      replays.every((replay) => replay.differences.length === 0 && replay.stateDifferences.length === 0)
    return { seed: this.#options.seed, faults, audit: report, replays, doubledDecisions, holds }
  }

  async stop(keepLogs: boolean): Promise<void> {
    this.#stopped = true
    await this.#load.catch(() => {})
    await this.#decisions?.stop()
    await Promise.all([...this.#services.values()].map(({ child }) => child.stop()))
    await this.#stack.stop()
    await this.#proxy.close()
    // What the processes said is all that is left to find out why a run did not hold.
    if (keepLogs) cpSync(this.#stack.logFolder, LOGS, { recursive: true })
    this.#disk?.unmount()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #launch(stage: StageName, port = this.#nextPort[STAGE_NAMES.indexOf(stage)]!, keep = true): Service {
    const service = startService(stage, {
      brokers: this.#stack.brokers,
      registryUrl: this.#stack.registryUrl,
      logFolder: this.#stack.logFolder,
      metricsPort: port,
      detached: false,
    })
    if (keep) this.#services.set(stage, service)
    return service
  }

  async #startLoad(): Promise<void> {
    const { seed, rate } = this.#options
    const feed = createSampleFeed({ seed, startAt: Date.now(), accounts: 500 })
    await this.#publisher.connect()
    await publishProfiles(this.#publisher, feed.profiles())
    await delay(2_000)
    this.#decisions = new DecisionReader(this.#connection, (decision) => {
      this.#seen.set(decision.decisionId, (this.#seen.get(decision.decisionId) ?? 0) + 1)
      this.#versionsDecided.add(decision.policyVersion)
      const now = Date.now()
      this.#silence.longest = Math.max(this.#silence.longest, now - this.#silence.since)
      this.#silence.since = now
      this.#newestDecided = Math.max(this.#newestDecided, decision.feedAppendedAt)
    })
    this.#decisions.start(this.#options.partitions)
    this.#load = this.#publish(feed, rate).finally(() => this.#publisher.close())
  }

  async #publish(feed: ReturnType<typeof createSampleFeed>, rate: number): Promise<void> {
    const tick = 20
    let garbage = 0
    for (const items = feed.events(10_000_000)[Symbol.iterator](); !this.#stopped; ) {
      const started = performance.now()
      const batch: FedMessage[] = []
      for (let i = 0; i < (rate * tick) / 1000; i++) {
        const event = this.#shape(restamp(items.next().value!.event, Date.now()))
        batch.push({
          key: recordKey(event),
          value: await this.#publisher.encode(TOPICS.feedEvents, 'FeedEvent', event),
        })
        if (this.#poison) batch.push({ key: `poison-${garbage++}`, value: Buffer.from(`garbage ${garbage}`) })
      }
      await this.#sendAtLeastOnce(batch)
      await delay(Math.max(1, tick - (performance.now() - started)))
    }
  }

  /**
   * Sends until it is acknowledged, as a whole each time: at least once, as producers do. After some seconds without, by
   * a new producer: kafkajs's goes on asking on a connection that is dead, and one that is idempotent is refused for
   * ever by a broker whose log has lost its end.
   */
  async #sendAtLeastOnce(batch: readonly FedMessage[]): Promise<void> {
    let renewAt = performance.now() + ANSWER_WITHIN_MS
    for (;;) {
      const sent = this.#publisher.send(TOPICS.feedEvents, batch).then(
        () => 'sent',
        () => 'failed',
      )
      const outcome = await Promise.race([sent, delay(ANSWER_WITHIN_MS, 'unanswered')])
      if (outcome === 'sent') return
      // The broker may be gone for good, after a fault that failed.
      if (this.#stopped) throw new Error('the feed cannot be published any more')
      await delay(200)
      if (outcome === 'failed' && performance.now() < renewAt) continue
      renewAt = performance.now() + ANSWER_WITHIN_MS
      void this.#publisher.close().catch(() => {})
      this.#publisher = new FeedPublisher(this.#connection)
      // Where the broker is out, the sending says so.
      await this.#publisher.connect().catch(() => {})
    }
  }

  async #fault(kind: FaultKind): Promise<void> {
    const [what, which] = kind.split(':') as [string, string]
    const stage = which as StageName
    switch (what) {
      case 'kill': {
        const { child } = this.#services.get(stage)!
        child.signal('SIGKILL')
        await child.exited
        this.#launch(stage)
        return
      }
      case 'restart': {
        await this.#services.get(stage)!.child.stop()
        this.#launch(stage)
        return
      }
      case 'freeze': {
        // The zombie: another instance takes over while this one sleeps with its transactions open.
        const frozen = this.#services.get(stage)!
        frozen.child.signal('SIGSTOP')
        const spare = this.#launch(stage, 0, false)
        await delay(FREEZE_MS)
        frozen.child.signal('SIGCONT')
        await delay(1_000)
        await spare.child.stop()
        return
      }
      case 'second': {
        const spare = this.#launch(stage, 0, false)
        await delay(3_000)
        await spare.child.stop()
        return
      }
      case 'broker':
        if (which === 'kill') this.#stack.broker.signal('SIGKILL')
        else if (which === 'restart') this.#stack.broker.signal('SIGTERM')
        else this.#disk!.fill()
        await this.#stack.broker.exited
        this.#disk?.free()
        await this.#stack.restartBroker()
        return this.#brokerServes()
      case 'registry':
        await this.#stack.registry.stop()
        await this.#stack.restartRegistry()
        return
      case 'network':
        if (which === 'reset') return this.#proxy.reset()
        if (which === 'silence') return this.#proxy.silence()
        if (which === 'slow') this.#proxy.delayMs = 100
        else this.#proxy.bytesPerSecond = 60_000
        await delay(4_000)
        this.#proxy.delayMs = 0
        this.#proxy.bytesPerSecond = 0
        return
      case 'feed':
        return this.#feedFault(which)
      case 'policy':
        return this.#publishPolicy()
      default:
        throw new Error(`no fault ${kind}`)
    }
  }

  /** Publishes a policy that decides otherwise; over when decisions name it. */
  async #publishPolicy(): Promise<void> {
    const files = nthPolicy(this.#shipped, this.#published.length)
    this.#published.push(files)
    const options = { name: 'default', issuedBy: 'chaos', now: Date.now() }
    const { version } = await publishPolicy(this.#connection, files, options)
    const until = Date.now() + RECOVER_WITHIN_MS
    while (!this.#versionsDecided.has(version)) {
      if (Date.now() > until) throw new Error(`no decision names the published policy ${version}`)
      await delay(20)
    }
  }

  async #feedFault(which: string): Promise<void> {
    if (which === 'poison') {
      this.#poison = true
      await delay(3_000)
      this.#poison = false
      return
    }
    let flip = false
    this.#shape =
      which === 'hot-account'
        ? (event) => {
            flip = !flip
            return flip && event.kind !== 'USAGE' ? { ...event, subjectId: 'hot-account' } : event
          }
        : (event) => {
            flip = !flip
            return { ...event, occurredAt: event.occurredAt + (flip ? -6 * 86_400_000 : 9 * 60_000) }
          }
    await delay(3_000)
    this.#shape = (event) => event
  }

  /** A broker that was killed answers before it has its partitions back. */
  async #brokerServes(): Promise<void> {
    const reader = new PartitionReader(this.#connection.kafka)
    try {
      for (;;) {
        const served = await reader.bounds(TOPICS.feedEvents, 0).then(
          () => true,
          () => false,
        )
        if (served) return
        await delay(20)
      }
    } finally {
      await reader.close().catch(() => {})
    }
  }

  /** Waits for a decision on an event that was appended after `from`; ms since then, null where it takes too long. */
  async #decidedAfter(from: number): Promise<number | null> {
    while (this.#newestDecided <= from) {
      if (Date.now() - from > RECOVER_WITHIN_MS) return null
      await delay(20)
    }
    return Date.now() - from
  }

  async #settled(): Promise<AuditReport> {
    const until = Date.now() + 90_000
    for (;;) {
      const report = await audit(this.#connection)
      if (balances(report) || report.doubled.length > 0 || Date.now() > until) return report
      await delay(1_000)
    }
  }
}

/** The shipped policy with another threshold and a rule of its own, so that events are answered otherwise. */
function nthPolicy(shipped: PolicyFiles, n: number): PolicyFiles {
  const thresholds = shipped
    .get('thresholds.yaml')!
    .replace(/^default: .*$/m, `default: ${0.4 + (n % 5) / 10}`)
  const rule = `- id: chaos.rule-${n}
  item: "4.2"
  category: fraud
  when: { terms: ["${'今天我你老师作业游戏'[n % 10]}"] }
  weight: ${0.5 + (n % 4) / 10}
  severity: 3
  mode: ${n % 3 === 0 ? 'shadow' : 'live'}
  examples: ["今天我你老师作业游戏"]
`
  return new Map(shipped).set('thresholds.yaml', thresholds).set('rules/chaos.yaml', rule)
}

/** The stages as the services run them, with the lane of their outputs and the policies that they may have run under. */
function replayable(
  shippedFiles: PolicyFiles,
  published: readonly PolicyFiles[],
): { stage: unknown; laneOf: LaneOf; policy?: ReplayPolicy }[] {
  const loaded = loadBundle(shippedFiles)
  if (!loaded.ok) throw new Error('the policy is not valid')
  const shipped = loaded.bundle
  const name = 'default'
  const controls = new Map<string, { key: string; record: PolicyControl | null }>()
  for (const files of published) {
    const record = controlRecord(files, { name, issuedBy: 'chaos', issuedAt: 0 })
    controls.set(record.version, { key: ruleSetKey(name), record })
  }
  controls.set(shipped.version, { key: ruleSetKey(name), record: null })
  const recordOf = (version: string) => controls.get(version)
  const field = (output: unknown, name: string) => String((output as Record<string, unknown>)[name])
  const lane =
    (...names: string[]): LaneOf =>
    (output) =>
      names.map((name) => field(output, name)).join('/')
  const fedAt = lane('feedPartition', 'feedOffset')
  const classifiers = new PolicyInUse({
    ruleSet: name,
    shipped,
    compile: ({ policy }) => createClassifier(policy, loadModel(policyFolder(process.env), process.env)),
  })
  const enforcements = new PolicyInUse({ ruleSet: name, shipped, compile: ({ enforcement }) => enforcement })
  return [
    {
      stage: createNormalizeStage({ folding: { makeForms, wellFormed } }),
      laneOf: lane('protectedId', 'feedPartition'),
    },
    {
      stage: createClassifyStage({
        classifier: classifiers.shipped,
        takePolicy: classifiers.take.bind(classifiers),
      }),
      laneOf: lane('protectedId'),
      policy: {
        causeOf: fedAt,
        inputOf: fedAt,
        versionOf: (output) => field(output, 'policyVersion'),
        recordOf,
      },
    },
    { stage: createCommentRiskStage({ risk: shipped.risk }), laneOf: lane('actorId', 'protectedId') },
    {
      stage: createEnforceStage({
        enforcement: enforcements.shipped,
        takePolicy: enforcements.take.bind(enforcements),
      }),
      laneOf: lane('actorId'),
      policy: {
        causeOf: (output) => {
          const { type, causedBy } = output as EnforcementDecision
          // What follows from an event or a verdict beside its own decision comes of the same version.
          return type === 'DECISION' ? fedAt(output) : type === 'REVERSAL' ? causedBy : null
        },
        inputOf: (value) => {
          const { verdictId, feedOffset } = value as { verdictId?: string; feedOffset?: number }
          return verdictId ?? (feedOffset === undefined ? null : fedAt(value))
        },
        versionOf: (output) => field(output, 'enforcementVersion'),
        recordOf,
      },
    },
  ]
}
