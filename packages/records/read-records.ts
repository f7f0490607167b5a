import { DecodeFailure, RecordDecoder, type RecordName, type RecordTypes } from '@wardline/events'
import { type FetchedMessage, PartitionReader } from '@wardline/stream'
import type { Connection } from './connection.ts'

/** Every committed record of a topic as it stands now, partition by partition, in offset order. */
export async function* readTopic(
  reader: PartitionReader,
  topic: string,
): AsyncGenerator<{ partition: number; message: FetchedMessage }> {
  for (const partition of await reader.partitions(topic)) {
    const { start, end } = await reader.bounds(topic, partition)
    for await (const messages of reader.read(topic, partition, start, end)) {
      for (const message of messages) yield { partition, message }
    }
  }
}

/** Every committed record of a topic that can be decoded, partition by partition, in offset order; tombstones as null. */
export async function* readRecords<Name extends RecordName>(
  connection: Connection,
  reader: PartitionReader,
  topic: string,
  record: Name,
): AsyncGenerator<{ key: string; value: RecordTypes[Name] | null }> {
  const decoder = new RecordDecoder(record, connection.registry)
  for await (const { message } of readTopic(reader, topic)) {
    const key = message.key?.toString('utf8') ?? ''
    if (message.value === null) {
      yield { key, value: null }
      continue
    }
    await decoder.prepare([message])
    const value = decoder.decode(message.value)
    if (!(value instanceof DecodeFailure)) yield { key, value }
  }
}

/** The one record at a place; undefined where retention has deleted it or nothing was ever there. */
export async function readAt(
  connection: Connection,
  topic: string,
  partition: number,
  offset: number,
): Promise<FetchedMessage | undefined> {
  const reader = new PartitionReader(connection.kafka)
  try {
    if (!(await reader.partitions(topic)).includes(partition)) return undefined
    const { start, end } = await reader.bounds(topic, partition)
    if (offset < start || offset >= end) return undefined
    for await (const messages of reader.read(topic, partition, offset, offset + 1)) {
      const message = messages.find((each) => Number(each.offset) === offset)
      if (message) return message
    }
    return undefined
  } finally {
    await reader.close()
  }
}

/** Last value of a header as text. */
export function headerText(message: FetchedMessage, name: string): string | undefined {
  const value = message.headers?.[name]
  const last = Array.isArray(value) ? value.at(-1) : value
  return last?.toString()
}
