import type { RecordBatchWriter } from './record-batch-writer.ts'

/** A partition's batch in a produce request. */
export interface PartitionBatch {
  readonly partition: number
  readonly firstSequence: number
  readonly batch: RecordBatchWriter
}

export interface ProduceRequest {
  readonly transactionalId: string
  readonly producerId: number
  readonly producerEpoch: number
  readonly acks: -1
  /** ms */
  readonly timeout: number
  readonly topicData: readonly { readonly topic: string; readonly partitions: readonly PartitionBatch[] }[]
}

/** What kafkajs takes for an encoder of its own. */
export interface EncodedPayload {
  /** kafkajs looks at this to see whether it is one. */
  readonly buf: Buffer
  readonly buffer: Buffer
  size(): number
}

export const payloadOf = (bytes: Buffer): EncodedPayload => ({
  buf: bytes,
  buffer: bytes,
  size: () => bytes.length,
})

/** Body of a produce request, versions 3 to 8: the bytes of each batch are copied once. */
export function encodeProduceRequest(request: ProduceRequest): Buffer {
  const batches: Buffer[] = []
  let size = 2 + Buffer.byteLength(request.transactionalId) + 2 + 4 + 4
  for (const { topic, partitions } of request.topicData) {
    size += 2 + Buffer.byteLength(topic) + 4
    for (const { batch, firstSequence } of partitions) {
      const bytes = batch.finish(request, firstSequence)
      batches.push(bytes)
      size += 8 + bytes.length
    }
  }
  const out = Buffer.allocUnsafe(size)
  let at = writeString(out, request.transactionalId, 0)
  at = out.writeInt16BE(request.acks, at)
  at = out.writeInt32BE(request.timeout, at)
  at = out.writeInt32BE(request.topicData.length, at)
  let next = 0
  for (const { topic, partitions } of request.topicData) {
    at = writeString(out, topic, at)
    at = out.writeInt32BE(partitions.length, at)
    for (const { partition } of partitions) {
      const bytes = batches[next++]!
      at = out.writeInt32BE(partition, at)
      at = out.writeInt32BE(bytes.length, at)
      at += bytes.copy(out, at)
    }
  }
  return out
}

/** A whole request with its header (version 1): length, API, version, correlation id, client id, body. */
export function frameRequest(
  header: { apiKey: number; apiVersion: number; correlationId: number; clientId: string },
  body: Buffer,
): Buffer {
  const size = 8 + 2 + Buffer.byteLength(header.clientId) + body.length
  const out = Buffer.allocUnsafe(4 + size)
  let at = out.writeInt32BE(size, 0)
  at = out.writeInt16BE(header.apiKey, at)
  at = out.writeInt16BE(header.apiVersion, at)
  at = out.writeInt32BE(header.correlationId, at)
  at = writeString(out, header.clientId, at)
  body.copy(out, at)
  return out
}

function writeString(out: Buffer, text: string, at: number): number {
  const length = out.write(text, at + 2)
  out.writeInt16BE(length, at)
  return at + 2 + length
}
