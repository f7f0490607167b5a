import { DecodeFailure, type PolicyControl, type RecordDecoder } from '@wardline/events'
import type { FetchedMessage } from './client/kafkajs-internals.ts'
import type { PartitionReader } from './client/partition-reader.ts'
import { describe, type Logger } from './logger.ts'
import type { ControlOutcome, StageMetrics } from './metrics.ts'
import { TOPICS } from './topics.ts'

export interface ControlReaderOptions {
  /** A reader of its own: a fetch that waits must hold up no restore. Asked for anew after an outage. */
  readonly createReader: () => Pick<PartitionReader, 'partitions' | 'bounds' | 'ends' | 'read' | 'close'>
  readonly decoder: Pick<RecordDecoder<'PolicyControl'>, 'prepare' | 'decode'>
  /** The stage's takeControl. What it throws refuses the record: it changes nothing, and an older one may stand. */
  readonly take: (value: PolicyControl | null, key: string) => void
  readonly metrics: Pick<StageMetrics, 'control' | 'setControlChecked'>
  readonly logger: Logger
  readonly clock: () => number
  /** Ends early, without an error, when the stage stops. */
  readonly sleep: (ms: number) => Promise<void>
}

const LOOK_EVERY_MS = 500
const LONGEST_BACKOFF_MS = 2_000
/** Records kept of a key while the topic is read for the first time: as many may be refused before none is left. */
const CANDIDATES = 8

/** A record of policy.control as it was read. */
interface ControlRecord {
  readonly partition: number
  readonly message: FetchedMessage
  /** Timestamp, at least that of the records of this key before it in the partition; orders partitions among one another. */
  readonly time: number
}

/**
 * Reads policy.control, all partitions, without a group: every instance hears everything. `catchUp` reads to the present
 * end, `follow` goes on from there. Of each key the newest record counts; one that cannot be read, or that the stage
 * refuses, is logged and counted and changes nothing.
 */
export class ControlReader {
  readonly #options: ControlReaderOptions
  #reader: ReturnType<ControlReaderOptions['createReader']>
  /** Next offset by partition; empty before the first catchUp. */
  readonly #positions = new Map<number, number>()
  /** What the stage has taken last, by key. */
  readonly #taken = new Map<string, ControlRecord>()
  #ended = false

  constructor(options: ControlReaderOptions) {
    this.#options = options
    this.#reader = options.createReader()
  }

  /** Hands over what stands in the topic now. Throws while broker or registry do not answer; then to be tried again. */
  async catchUp(): Promise<void> {
    try {
      await this.#look()
    } catch (error) {
      await this.#renewReader()
      throw error
    }
  }

  /** Hands over what comes, at most about a second later, until `close`. An outage is waited for; what was taken goes on. */
  async follow(): Promise<void> {
    const { logger, sleep } = this.#options
    let failures = 0
    for (;;) {
      await sleep(Math.min(LOOK_EVERY_MS * 2 ** failures, LONGEST_BACKOFF_MS))
      if (this.#ended) break
      try {
        await this.#look()
        if (failures > 0) logger.info({ topic: TOPICS.control }, 'control records are read again')
        failures = 0
      } catch (error) {
        if (this.#ended) break
        if (failures++ === 0) {
          logger.warn(
            { topic: TOPICS.control, error: describe(error) },
            'control records cannot be read; the last ones stand until they can',
          )
        }
        await this.#renewReader()
      }
    }
    // Once more: a connection that was being opened when `close` came is open by now.
    await this.#reader.close().catch(() => {})
  }

  async close(): Promise<void> {
    this.#ended = true
    await this.#reader.close().catch(() => {})
  }

  async #renewReader(): Promise<void> {
    await this.#reader.close().catch(() => {})
    if (!this.#ended) this.#reader = this.#options.createReader()
  }

  /** One look at every partition. Nothing is handed over and no position moves unless all of it could be read. */
  async #look(): Promise<void> {
    const { decoder, metrics, clock } = this.#options
    const positions = new Map<number, number>()
    const byKey = new Map<string, ControlRecord[]>()
    for (const [partition, end] of await this.#reader.ends(TOPICS.control)) {
      let from = this.#positions.get(partition)
      if (from === end) continue
      // Beyond the end: the topic was deleted and made anew.
      if (from === undefined || from > end)
        from = (await this.#reader.bounds(TOPICS.control, partition)).start
      for await (const messages of this.#reader.read(TOPICS.control, partition, from, end))
        for (const message of messages) gather(byKey, partition, message)
      positions.set(partition, end)
    }
    for (const records of byKey.values()) await decoder.prepare(records.map(({ message }) => message))
    // From here on nothing waits.
    for (const [partition, next] of positions) this.#positions.set(partition, next)
    metrics.setControlChecked(clock())
    const keys = [...byKey].map(([key, records]) => ({ key, records: records.sort(byAge) }))
    // Among keys in the order in which they were written.
    for (const { key, records } of keys.sort((a, b) => byAge(a.records.at(-1)!, b.records.at(-1)!)))
      this.#handOver(key, records)
  }

  /** The newest of a key that can be taken. The records of a transaction go through the stage in one synchronous run: this falls between two. */
  #handOver(key: string, records: readonly ControlRecord[]): void {
    const { logger, metrics } = this.#options
    for (const record of records.toReversed()) {
      const known = this.#taken.get(key)
      // Two writers may place a key in two partitions; within one, what is read later is newer.
      if (known && known.partition !== record.partition && byAge(record, known) < 0) return
      const where = {
        topic: TOPICS.control,
        partition: record.partition,
        offset: record.message.offset,
        key,
      }
      let outcome: ControlOutcome
      try {
        outcome = this.#take(key, record, where)
      } catch (error) {
        outcome = 'refused'
        const why = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
        logger.error({ ...where, error: why.slice(0, 1_000) }, 'control record refused; it changes nothing')
      }
      metrics.control[outcome].inc()
      if (outcome !== 'taken') continue
      this.#taken.set(key, record)
      logger.info(where, 'control record taken')
      return
    }
  }

  #take(key: string, { message }: ControlRecord, where: object): ControlOutcome {
    const { decoder, take, logger } = this.#options
    const value = message.value === null ? null : decoder.decode(message.value)
    if (value instanceof DecodeFailure) {
      logger.error(
        { ...where, reason: value.reason, error: value.error },
        'control record cannot be read; it changes nothing',
      )
      return 'undecodable'
    }
    take(value, key)
    return 'taken'
  }
}

function gather(byKey: Map<string, ControlRecord[]>, partition: number, message: FetchedMessage): void {
  const key = message.key?.toString('utf8') ?? ''
  const records = byKey.get(key) ?? []
  byKey.set(key, records)
  const before = records.at(-1)
  const timestamp = Number(message.timestamp)
  const time = before?.partition === partition ? Math.max(before.time, timestamp) : timestamp
  records.push({ partition, message, time })
  if (records.length > CANDIDATES) records.sort(byAge).shift()
}

/** Oldest first: by offset within a partition, by time between two. */
function byAge(a: ControlRecord, b: ControlRecord): number {
  if (a.partition === b.partition) return Number(a.message.offset) - Number(b.message.offset)
  return a.time - b.time || a.partition - b.partition
}
