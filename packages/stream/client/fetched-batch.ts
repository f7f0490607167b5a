/**
 * What one fetch brought of one partition. Replaces kafkajs 2.2.4's class of the same interface, which makes two 64-bit
 * objects of every message's offset, and three lists.
 */
import { withoutAborted } from './aborted-transactions.ts'
import type { FetchedMessage } from './kafkajs-internals.ts'
import { offsetOf } from './record-batches.ts'

type Message = FetchedMessage & Parameters<typeof withoutAborted>[0]['messages'][number]

/** A partition of a fetch response, as kafkajs decodes it. */
export interface PartitionData {
  readonly partition: number
  readonly highWatermark: string
  /** Up to which all transactions have been decided. */
  readonly lastStableOffset: string
  readonly abortedTransactions:
    | readonly { readonly producerId: string; readonly firstOffset: string }[]
    | null
  readonly messages: Message[]
}

export class FetchedBatch {
  readonly topic: string
  readonly partition: number
  readonly fetchedOffset: string
  readonly highWatermark: string
  readonly lastStableOffset: string
  readonly rawMessages: readonly Message[]
  /** Without what lies before the offset that was asked for: batches are sent whole. */
  readonly messagesWithinOffset: Message[]
  /** Without control records and what was aborted. */
  readonly messages: Message[]

  constructor(topic: string, fetchedOffset: string, data: PartitionData) {
    this.topic = topic
    this.fetchedOffset = fetchedOffset
    this.partition = data.partition
    this.highWatermark = data.highWatermark
    this.lastStableOffset = data.lastStableOffset
    this.rawMessages = data.messages
    const from = Number(fetchedOffset)
    let first = 0
    while (first < data.messages.length && offsetOf(data.messages[first]!) < from) first++
    this.messagesWithinOffset = first === 0 ? data.messages : data.messages.slice(first)
    this.messages = withoutAborted({
      messages: this.messagesWithinOffset,
      abortedTransactions: data.abortedTransactions,
    }).filter((message) => !message.isControlRecord)
  }

  isEmpty(): boolean {
    return this.messages.length === 0
  }

  isEmptyIncludingFiltered(): boolean {
    return this.messagesWithinOffset.length === 0
  }

  isEmptyDueToFiltering(): boolean {
    return this.isEmpty() && this.rawMessages.length > 0
  }

  isEmptyControlRecord(): boolean {
    return this.isEmpty() && this.messagesWithinOffset.some((message) => message.isControlRecord)
  }

  /** All that came lies before what was asked for: compaction took the rest of a compressed batch. */
  isEmptyDueToLogCompactedMessages(): boolean {
    return this.rawMessages.length > 0 && this.isEmptyIncludingFiltered()
  }

  firstOffset(): string | null {
    return this.messagesWithinOffset[0]?.offset ?? null
  }

  lastOffset(): string {
    if (this.isEmptyDueToLogCompactedMessages()) return this.fetchedOffset
    return this.messagesWithinOffset.at(-1)?.offset ?? String(Number(this.highWatermark) - 1)
  }

  offsetLag(): string {
    return String(Number(this.highWatermark) - 1 - Number(this.lastOffset()))
  }

  offsetLagLow(): string {
    const first = this.firstOffset()
    return first === null ? '0' : String(Number(this.highWatermark) - 1 - Number(first))
  }
}
