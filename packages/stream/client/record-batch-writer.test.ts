import { createRequire } from 'node:module'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeProduceRequest } from './produce-request.ts'
import { RecordBatchWriter } from './record-batch-writer.ts'
import { decodeRecordBatches } from './record-batches.ts'

/** kafkajs's own encoder, as what ours must equal byte by byte. */
const require = createRequire(import.meta.url)
const kafkajsProduce: (request: object) => { encode(): Promise<{ buffer: Buffer }> } =
  require('kafkajs/src/protocol/requests/produce/v3/request')

const T0 = 1_790_000_000_000
const identity = { transactionalId: 'normalize.of-a-process', producerId: 4_001, producerEpoch: 12 }

const bytes = fc.uint8Array({ maxLength: 300 }).map((a) => Buffer.from(a))
const record = fc.record({
  key: fc.oneof(fc.constant(null), fc.string({ maxLength: 40 }), bytes),
  value: fc.oneof(fc.constant(null), bytes),
  headers: fc.oneof(
    fc.constant(undefined),
    fc.dictionary(fc.string({ minLength: 1, maxLength: 12 }), fc.string({ maxLength: 20 }), { maxKeys: 3 }),
  ),
})

describe('a batch', () => {
  it('is what kafkajs writes, byte by byte', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(record, { minLength: 1, maxLength: 80 }),
        fc.nat(2 ** 31 - 1),
        async (records, firstSequence) => {
          const messages = records.map(({ headers, ...rest }, i) => ({
            ...rest,
            ...(headers === undefined ? {} : { headers }),
            timestamp: String(T0 + i * 700),
          }))
          const batch = new RecordBatchWriter(61)
          for (const message of messages) batch.add(message)
          const common = { ...identity, acks: -1 as const, timeout: 15_000 }
          const ours = encodeProduceRequest({
            ...common,
            topicData: [{ topic: 'events.normalized', partitions: [{ partition: 3, firstSequence, batch }] }],
          })
          const theirs = await kafkajsProduce({
            ...common,
            compression: 0,
            topicData: [
              { topic: 'events.normalized', partitions: [{ partition: 3, firstSequence, messages }] },
            ],
          }).encode()
          expect(ours.equals(theirs.buffer)).toBe(true)
        },
      ),
      { numRuns: 200 },
    )
  })

  it('takes parts of buffers that are used again', () => {
    const batch = new RecordBatchWriter()
    const key = Buffer.from('key and more')
    const value = Buffer.alloc(100_000, 1)
    batch.addParts(key, 3, value, 70_000, undefined, T0)
    key.fill(0)
    value.fill(0)
    batch.addParts(key, 0, value, 0, { traceparent: 'x' }, T0 - 5)
    const [first, second] = decodeRecordBatches(Buffer.from(batch.finish(identity, 0)))
    expect([first!.key!.toString(), first!.value!.equals(Buffer.alloc(70_000, 1))]).toEqual(['key', true])
    expect([second!.key!.length, second!.value!.length, second!.timestamp]).toEqual([0, 0, String(T0 - 5)])
    expect(String(second!.headers.traceparent)).toBe('x')
  })
})
