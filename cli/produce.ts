import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { RecordName, RecordTypes } from '@wardline/events'
import { type Connection, type FedMessage, FeedPublisher } from '@wardline/records'
import { TOPICS } from '@wardline/stream'
import { createLineParser } from './record-lines.ts'

/** Topics that producers write, with their record and the key that the contract asks for. */
export const PRODUCER_TOPICS = {
  [TOPICS.feedEvents]: input('FeedEvent', (event) => event.actorId),
  [TOPICS.profiles]: input('AccountProfile', (profile) => profile.accountId),
  [TOPICS.reports]: input('UserReport', (report) => report.reportedId),
  [TOPICS.verdicts]: input('ReviewVerdict', (verdict) => verdict.actorId),
} as const
export type ProducerTopic = keyof typeof PRODUCER_TOPICS

function input<Name extends RecordName>(record: Name, key: (value: RecordTypes[Name]) => string) {
  return { record, key: key as (value: never) => string }
}

const LINES_A_REQUEST = 500

/**
 * Publishes JSON lines. A bad line is handed to `refused` with its number (from 1) and the reason; the others go
 * through. Returns how many of each.
 */
export async function produceLines(
  connection: Connection,
  file: string,
  topic: ProducerTopic,
  refused: (line: number, reason: string) => void,
): Promise<{ sent: number; refused: number }> {
  const { record, key } = PRODUCER_TOPICS[topic]
  const parse = createLineParser(record)
  const publisher = new FeedPublisher(connection)
  await publisher.connect()
  let sent = 0
  let bad = 0
  let number = 0
  let waiting: FedMessage[] = []
  const flush = async () => {
    await publisher.send(topic, waiting)
    sent += waiting.length
    waiting = []
  }
  try {
    const lines = createInterface({
      input: file === '-' ? process.stdin : createReadStream(file),
      crlfDelay: Number.POSITIVE_INFINITY,
    })
    for await (const line of lines) {
      number++
      if (line.trim() === '') continue
      const parsed = parse(line)
      if (!parsed.ok) {
        bad++
        refused(number, parsed.reason)
        continue
      }
      waiting.push({
        key: key(parsed.value as never),
        value: await publisher.encode(topic, record, parsed.value),
      })
      if (waiting.length >= LINES_A_REQUEST) await flush()
    }
    await flush()
  } finally {
    await publisher.close()
  }
  return { sent, refused: bad }
}
