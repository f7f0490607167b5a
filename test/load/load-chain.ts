import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type AuditReport, audit, balances } from '@wardline/cli/audit'
import { connect } from '@wardline/cli/connection'
import { publishProfiles } from '@wardline/cli/sample'
import type { EnforcementDecision } from '@wardline/events'
import { freePorts, type Stack, startStack } from '@wardline/local'
import { type Connection, type FedMessage, FeedPublisher } from '@wardline/records'
import { createSampleFeed, recordKey, restamp, type SampleFeed } from '@wardline/sample-feed'
import { TOPICS } from '@wardline/stream'
import { DecisionReader } from '../chain/decision-reader.ts'

/** A FeedEvent begins with its id; the sample feed's are UUIDs. */
const EVENT_ID_AT = 6
const EVENT_ID_LENGTH = 36

/** The whole chain with all its services, and what a load test needs to drive and watch it. */
export class LoadChain {
  readonly connection: Connection
  readonly publisher: FeedPublisher
  readonly #stack: Stack
  readonly #folder: string
  readonly #feed: SampleFeed
  readonly #events: Iterator<{ event: Parameters<typeof restamp>[0] }>
  readonly #decisions: DecisionReader
  #count = 0
  #latencies: number[] = []
  #garbage = 0
  #copies = 0

  private constructor(stack: Stack, folder: string, seed: number) {
    this.#stack = stack
    this.#folder = folder
    this.connection = connect({
      WARDLINE_BROKERS: stack.brokers.join(','),
      WARDLINE_REGISTRY_URL: stack.registryUrl,
    })
    this.publisher = new FeedPublisher(this.connection)
    this.#feed = createSampleFeed({ seed, startAt: Date.now(), accounts: 2_000 })
    this.#events = this.#feed.events(1_000_000_000)[Symbol.iterator]()
    this.#decisions = new DecisionReader(this.connection, (decision) => this.#decided(decision))
  }

  static async start(options: {
    seed: number
    partitions: number
    log: (line: string) => void
  }): Promise<LoadChain> {
    const folder = mkdtempSync(join(tmpdir(), 'wardline-load-'))
    const { partitions, log } = options
    const stack = await startStack({ folder, partitions, ports: await freePorts(), log })
    const chain = new LoadChain(stack, folder, options.seed)
    await chain.publisher.connect()
    await publishProfiles(chain.publisher, chain.#feed.profiles())
    chain.#decisions.start(partitions)
    return chain
  }

  /** The work's result, unless Ctrl-C or SIGTERM comes first: then it rejects. */
  orInterrupted<T>(work: Promise<T>): Promise<T> {
    return this.#stack.orInterrupted(work)
  }

  get decided(): number {
    return this.#count
  }

  /** From the append in feed.events to where an outside reader has the decision, ms, of those since the last call, sorted. */
  takeLatencies(): number[] {
    const taken = this.#latencies
    this.#latencies = []
    return taken.sort((a, b) => a - b)
  }

  /** The next `count` events of the feed, their times set to now, ready to send. */
  async nextEvents(count: number): Promise<FedMessage[]> {
    const messages: FedMessage[] = []
    for (let i = 0; i < count; i++) {
      const event = restamp(this.#events.next().value!.event, Date.now())
      messages.push({
        key: recordKey(event),
        value: await this.publisher.encode(TOPICS.feedEvents, 'FeedEvent', event),
      })
    }
    return messages
  }

  /**
   * `count` events that cost next to nothing to make: a pool of encoded ones, each sent with an id of its own, so that the
   * producer leaves the cores to the chain that it is to overload.
   */
  cheapEvents(count: number, pool: readonly FedMessage[]): FedMessage[] {
    const messages: FedMessage[] = []
    for (let i = 0; i < count; i++) {
      const { key, value } = pool[this.#copies % pool.length]!
      const copy = Buffer.from(value!)
      // Frame (5 bytes), length of the id (1), the id: its last twelve characters become a number.
      copy.write(String(this.#copies++).padStart(12, '0'), EVENT_ID_AT + EVENT_ID_LENGTH - 12, 'latin1')
      messages.push({ key, value: copy })
    }
    return messages
  }

  /** Records that no schema fits. */
  garbage(count: number): FedMessage[] {
    return Array.from({ length: count }, () => ({
      key: `poison-${this.#garbage}`,
      value: Buffer.from(`no record ${this.#garbage++}`),
    }))
  }

  async waitForDecisions(count: number, withinMs: number): Promise<void> {
    const until = performance.now() + withinMs
    while (this.#count < count) {
      if (performance.now() > until)
        throw new Error(`${this.#count} decisions of ${count} after ${withinMs} ms`)
      await delay(20)
    }
  }

  /** Resident memory of each service now, MiB. */
  memory(): Record<string, number> {
    return Object.fromEntries(
      this.#stack.services.map(({ stage, child }) => {
        const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
        return [stage, Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024)]
      }),
    )
  }

  /** Where Prometheus scrapes. */
  get targets(): { readonly url: string; readonly service: string }[] {
    return this.#stack.services.map(({ stage, metricsUrl }) => ({ url: metricsUrl, service: stage }))
  }

  /** Which stages say that they are ready. */
  async ready(): Promise<Record<string, boolean>> {
    const answers = await Promise.all(
      this.#stack.services.map(async ({ stage, metricsUrl }) => {
        const response = await fetch(metricsUrl.replace('/metrics', '/readyz')).catch(() => null)
        return [stage, response?.ok ?? false] as const
      }),
    )
    return Object.fromEntries(answers)
  }

  /** Sum of wardline_consumer_lag over all stages and partitions, as Prometheus would see it. */
  async lag(): Promise<number> {
    const texts = await Promise.all(
      this.#stack.services.map(async ({ metricsUrl }) => (await fetch(metricsUrl)).text()),
    )
    let sum = 0
    for (const text of texts)
      for (const match of text.matchAll(/^wardline_consumer_lag\{[^}]*\} (\d+)/gm)) sum += Number(match[1])
    return sum
  }

  /** Processor seconds that each service has used, and the events that it has passed on. */
  async processorUse(): Promise<Map<string, { seconds: number; events: number }>> {
    const numberOf = (text: string, start: string) =>
      Number(
        text
          .split('\n')
          .find((line) => line.startsWith(start))
          ?.split(' ')[1] ?? 0,
      )
    return new Map(
      await Promise.all(
        this.#stack.services.map(async ({ stage, metricsUrl }) => {
          const text = await (await fetch(metricsUrl)).text()
          const events = numberOf(text, `wardline_events_total{stage="${stage}",outcome="forwarded"}`)
          return [stage, { seconds: numberOf(text, 'process_cpu_seconds_total'), events }] as const
        }),
      ),
    )
  }

  async settled(withinMs: number): Promise<AuditReport> {
    const until = performance.now() + withinMs
    for (;;) {
      // Of millions of records one takes more than a minute: the last word has one that began when all had come to rest.
      const began = performance.now()
      const report = await audit(this.connection)
      if (balances(report) || report.doubled.length > 0 || began > until) return report
      await delay(500)
    }
  }

  async stop(): Promise<void> {
    await this.publisher.close().catch(() => {})
    await this.#decisions.stop()
    await this.#stack.stop()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #decided(decision: EnforcementDecision): void {
    this.#count++
    this.#latencies.push(Date.now() - decision.feedAppendedAt)
  }
}

/** Nearest rank of sorted values; null of none. */
export const quantile = (sorted: readonly number[], q: number): number | null =>
  sorted.length === 0 ? null : sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)]!
