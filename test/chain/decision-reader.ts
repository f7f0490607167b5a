import { setTimeout as delay } from 'node:timers/promises'
import { DecodeFailure, type EnforcementDecision, RecordDecoder } from '@wardline/events'
import type { Connection } from '@wardline/records'
import { PartitionReader, TOPICS } from '@wardline/stream'

const LOOK_EVERY_MS = 100

/**
 * Reads enforcement.decisions from its beginning, read committed, without a consumer group: an outage costs it nothing
 * but the outage, so what it sees late is late in the chain.
 */
export class DecisionReader {
  readonly #connection: Connection
  readonly #seen: (decision: EnforcementDecision) => void
  #stopped = false
  #running: Promise<unknown> = Promise.resolve()

  constructor(connection: Connection, seen: (decision: EnforcementDecision) => void) {
    this.#connection = connection
    this.#seen = seen
  }

  start(partitions: number): void {
    this.#running = Promise.all(Array.from({ length: partitions }, (_, partition) => this.#follow(partition)))
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#running
  }

  async #follow(partition: number): Promise<void> {
    const decoder = new RecordDecoder('EnforcementDecision', this.#connection.registry)
    let next = 0
    while (!this.#stopped) {
      const reader = new PartitionReader(this.#connection.kafka)
      try {
        while (!this.#stopped) {
          const { end } = await reader.bounds(TOPICS.decisions, partition)
          for await (const messages of reader.read(TOPICS.decisions, partition, next, end)) {
            await decoder.prepare(messages)
            for (const { value, offset } of messages) {
              next = Number(offset) + 1
              const decision = value && decoder.decode(value)
              if (decision && !(decision instanceof DecodeFailure)) this.#seen(decision)
            }
          }
          next = Math.max(next, end)
          await delay(LOOK_EVERY_MS)
        }
      } catch {
        // The broker is out; what it has will be read when it is back.
        await delay(LOOK_EVERY_MS)
      } finally {
        await reader.close().catch(() => {})
      }
    }
  }
}
