import { DecodeFailure, RecordDecoder, type RecordName, type RecordTypes } from '@wardline/events'
import type { PartitionReader } from '@wardline/stream'
import { type Connection, readTopic } from './connection.ts'

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
