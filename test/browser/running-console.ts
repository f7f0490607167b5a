import { setTimeout as delay } from 'node:timers/promises'
import { publishPaced, publishProfiles } from '@wardline/cli/sample'
import type {
  AssessedEvent,
  EnforcementDecision,
  RecordName,
  RecordTypes,
  UserReport,
} from '@wardline/events'
import { type Console, startConsole } from '@wardline/local'
import { FeedPublisher, readRecords } from '@wardline/records'
import { createSampleFeed, malformedEvents, recordKey } from '@wardline/sample-feed'
import { PartitionReader, TOPICS } from '@wardline/stream'
import { TestChain } from '../chain/chain.ts'

/** Tokens of the people in tests, by name. */
export const TOKENS = {
  li: 'li-may-review-1234567890',
  wang: 'wang-may-review-1234567890',
  sre: 'sre-may-replay-1234567890',
  admin: 'admin-may-publish-1234567890',
  viewer: 'viewer-may-look-1234567890',
} as const
export type Person = keyof typeof TOKENS
const ROLES: Readonly<Record<Person, string>> = {
  li: 'reviewer',
  wang: 'reviewer',
  sre: 'sre',
  admin: 'policy-admin',
  viewer: 'viewer',
}

const REPORTS = 12

/** The chain, a console of it, and what people did on the feed: events, records that break the contract, reports, appeals. */
export class RunningConsole {
  readonly chain: TestChain
  readonly console: Console
  readonly publisher: FeedPublisher

  private constructor(chain: TestChain, console: Console, publisher: FeedPublisher) {
    this.chain = chain
    this.console = console
    this.publisher = publisher
  }

  static async start(options: {
    events: number
    rate: number
    seed: number
    timeZone?: string
  }): Promise<RunningConsole> {
    const chain = await TestChain.start()
    try {
      await chain.startAll()
      const { stack, connection } = chain
      const console = startConsole({
        brokers: stack.brokers,
        registryUrl: stack.registryUrl,
        logFolder: stack.logFolder,
        folder: `${stack.logFolder}/../console`,
        port: stack.ports.console,
        metricsPorts: stack.ports.metrics,
        tokens: Object.entries(TOKENS)
          .map(([name, token]) => `${token} ${name} ${ROLES[name as Person]}\n`)
          .join(''),
        env: { WARDLINE_CONSOLE_TIME_ZONE: options.timeZone ?? 'UTC' },
        detached: false,
      })
      await console.ready()
      const publisher = new FeedPublisher(connection)
      await publisher.connect()
      const running = new RunningConsole(chain, console, publisher)
      await running.#fill(options)
      return running
    } catch (error) {
      await chain.stop()
      throw error
    }
  }

  async #fill({ events, rate, seed }: { events: number; rate: number; seed: number }): Promise<void> {
    const feed = createSampleFeed({ seed, startAt: Date.now(), accounts: 400 })
    await publishProfiles(this.publisher, feed.profiles())
    await delay(1_500)
    await publishPaced(this.publisher, feed, { count: events, rate })
    const broken = []
    for (const { event } of malformedEvents(seed, Date.now())) {
      const value = await this.publisher.encode(TOPICS.feedEvents, 'FeedEvent', event)
      broken.push({ key: recordKey(event), value })
    }
    await this.publisher.send(TOPICS.feedEvents, broken)
    await this.publisher.send(TOPICS.feedEvents, [{ key: 'garbage', value: Buffer.from('no Avro at all') }])
    await this.chain.settled()
    await this.#report()
  }

  /** Some of those whose content was taken down appeal; some are reported by whom they wrote to. */
  async #report(): Promise<void> {
    const adverse = (await this.decisions()).filter(({ statement }) => statement !== null)
    const reports: UserReport[] = adverse
      .slice(0, REPORTS)
      .map(({ actorId, protectedId, eventId, category }, i) => ({
        reportId: `report-${i}`,
        reporterId: i % 2 === 0 || protectedId === actorId ? actorId : protectedId,
        reportedId: actorId,
        eventId,
        category,
        reportedAt: Date.now(),
      }))
    for (const report of reports) {
      const value = await this.publisher.encode(TOPICS.reports, 'UserReport', report)
      await this.publisher.send(TOPICS.reports, [{ key: report.reportedId, value }])
    }
  }

  /** Everything in enforcement.decisions. */
  decisions(): Promise<EnforcementDecision[]> {
    return this.#all(TOPICS.decisions, 'EnforcementDecision')
  }

  assessments(): Promise<AssessedEvent[]> {
    return this.#all(TOPICS.assessed, 'AssessedEvent')
  }

  async #all<Name extends RecordName>(topic: string, record: Name): Promise<RecordTypes[Name][]> {
    const reader = new PartitionReader(this.chain.connection.kafka)
    const found: RecordTypes[Name][] = []
    try {
      for await (const { value } of readRecords(this.chain.connection, reader, topic, record))
        if (value) found.push(value)
      return found
    } finally {
      await reader.close()
    }
  }

  async stop(): Promise<void> {
    await this.publisher.close()
    await this.console.child.stop()
    await this.chain.stop()
  }
}
