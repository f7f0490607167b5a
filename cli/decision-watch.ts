import { randomUUID } from 'node:crypto'
import { DecodeFailure, type EnforcementDecision, RecordDecoder } from '@wardline/events'
import type { Connection } from '@wardline/records'
import { TOPICS } from '@wardline/stream'
import type { Consumer } from 'kafkajs'

/** Follows enforcement.decisions as an enforcement system would: from outside, read committed. */
export class DecisionWatch {
  readonly #connection: Connection
  readonly #consumer: Consumer
  readonly #seen: (decision: EnforcementDecision, receivedAt: number) => void

  /** `seen` gets each decision with the time it arrived here, ms since 1970 UTC. */
  constructor(connection: Connection, seen: (decision: EnforcementDecision, receivedAt: number) => void) {
    this.#connection = connection
    this.#seen = seen
    this.#consumer = connection.kafka.consumer({
      groupId: `wardline.watch.${randomUUID()}`,
      maxWaitTimeInMs: 100,
      // A member of its own group: after an outage nothing is gained by waiting longer for its former self.
      sessionTimeout: 6_000,
      heartbeatInterval: 1_500,
      rebalanceTimeout: 6_000,
      allowAutoTopicCreation: false,
    })
  }

  /** Resolves once partitions are assigned: what is decided from then on is seen (with `fromBeginning`, all that ever was). */
  async start({ fromBeginning = false } = {}): Promise<void> {
    const decoder = new RecordDecoder('EnforcementDecision', this.#connection.registry)
    const joined = new Promise<void>((resolve) =>
      this.#consumer.on(this.#consumer.events.GROUP_JOIN, () => resolve()),
    )
    await this.#consumer.connect()
    await this.#consumer.subscribe({ topics: [TOPICS.decisions], fromBeginning })
    await this.#consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch }) => {
        const receivedAt = Date.now()
        await decoder.prepare(batch.messages)
        for (const { value } of batch.messages) {
          if (value === null) continue
          const decision = decoder.decode(value)
          if (!(decision instanceof DecodeFailure)) this.#seen(decision, receivedAt)
        }
      },
    })
    await joined
  }

  async stop(): Promise<void> {
    await this.#consumer.disconnect()
  }
}
