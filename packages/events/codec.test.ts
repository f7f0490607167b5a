import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Type } from './avro.ts'
import { DecodeFailure, RecordDecoder, RecordEncoder, recordType, type SchemaSource } from './codec.ts'
import { type FeedEvent, RECORD_NAMES, type RecordName, readSchema } from './index.ts'

const event: FeedEvent = {
  eventId: 'e-1',
  kind: 'COMMENT',
  occurredAt: 1_790_000_000_000,
  actorId: 'a-1',
  actorAgeBand: 'ADULT',
  subjectId: 'b-1',
  contentId: null,
  parentId: null,
  conversationId: null,
  section: null,
  text: '你好',
  language: null,
  media: [
    {
      mediaId: 'm-1',
      type: 'IMAGE',
      labels: [{ label: 'smoking', score: 0.5 }],
      hasQrCode: true,
      recognizedText: null,
    },
  ],
  links: ['https://example.test/a'],
  mentions: [],
  searchQuery: null,
  device: 'PHONE',
  usage: null,
  promotion: null,
  subjectAgeBand: 'AGE_8_TO_11',
}

const sourceOf = (schemas: Record<number, unknown>): SchemaSource & { asked: number[] } => {
  const asked: number[] = []
  return {
    asked,
    async schemaById(id) {
      asked.push(id)
      return (schemas[id] ?? null) as never
    },
  }
}

async function decoder(schemas: Record<number, unknown> = { 7: readSchema('FeedEvent') }, ids = [7]) {
  const source = sourceOf(schemas)
  const made = new RecordDecoder('FeedEvent', source, () => 0)
  await made.prepare(ids.map((id) => ({ value: frame(id, Buffer.alloc(0)) })))
  return { decoder: made, source }
}

function frame(id: number, body: Buffer): Buffer {
  const head = Buffer.alloc(5)
  head.writeInt32BE(id, 1)
  return Buffer.concat([head, body])
}

describe('RecordEncoder and RecordDecoder', () => {
  it('give back what was written, in buffers of their own', async () => {
    const encoder = new RecordEncoder('FeedEvent', 7)
    const first = encoder.encode(event)
    const second = encoder.encode({ ...event, eventId: 'e-2' })
    const { decoder: reader } = await decoder()
    expect(reader.decode(first)).toEqual(event)
    expect(reader.decode(second)).toMatchObject({ eventId: 'e-2' })
  })

  it('write records larger than the scratch buffer', async () => {
    const large = { ...event, text: '长'.repeat(100_000) }
    const { decoder: reader } = await decoder()
    const encoder = new RecordEncoder('FeedEvent', 7)
    expect(reader.decode(encoder.encode(large))).toEqual(large)
    expect(reader.decode(encoder.encode(event))).toEqual(event)
  })

  it('write a lone surrogate so that it reads as replacement characters', async () => {
    const { decoder: reader } = await decoder()
    const bytes = new RecordEncoder('FeedEvent', 7).encode({ ...event, text: 'a\ud800b' })
    expect(reader.decode(bytes)).toMatchObject({ text: 'a\ufffd\ufffd\ufffdb' })
  })

  it('read what a newer producer wrote: an unknown symbol is the default, an unknown field is skipped', async () => {
    const newer = JSON.parse(JSON.stringify(readSchema('FeedEvent')))
    newer.fields[1].type.symbols.push('LIVE_STREAM')
    newer.fields.push({ name: 'extra', type: { type: 'array', items: 'string' }, default: [] })
    const bytes = frame(
      8,
      Type.forSchema(newer).toBuffer({ ...event, kind: 'LIVE_STREAM', extra: ['x', 'y'] }),
    )
    const { decoder: reader } = await decoder({ 8: newer }, [8])
    expect(reader.decode(bytes)).toMatchObject({ kind: 'UNKNOWN', eventId: 'e-1', promotion: null })
  })

  it('say why a record cannot be read', async () => {
    const { decoder: reader } = await decoder(
      { 7: readSchema('FeedEvent'), 9: readSchema('AccountProfile'), 10: 'not_avro' },
      [7, 9, 10],
    )
    const good = new RecordEncoder('FeedEvent', 7).encode(event)
    const reason = (bytes: Buffer) => (reader.decode(bytes) as DecodeFailure).reason
    expect(reason(Buffer.alloc(0))).toBe('undecodable')
    expect(reason(Buffer.from('{"eventId":"x"}'))).toBe('undecodable')
    expect(reason(good.subarray(0, good.length - 3))).toBe('undecodable')
    expect(reason(Buffer.concat([good, Buffer.from('x')]))).toBe('undecodable')
    expect(reason(frame(4711, good.subarray(5)))).toBe('unknown_schema')
    expect(reason(frame(9, good.subarray(5)))).toBe('incompatible_schema')
    expect(reason(frame(10, good.subarray(5)))).toBe('incompatible_schema')
  })

  it('ask the registry for an id once, and for an unknown one again after a while', async () => {
    let now = 0
    const source = sourceOf({ 7: readSchema('FeedEvent') })
    const reader = new RecordDecoder('FeedEvent', source, () => now)
    const batch = [
      { value: frame(7, Buffer.alloc(0)) },
      { value: frame(8, Buffer.alloc(0)) },
      { value: null },
    ]
    await reader.prepare(batch)
    await reader.prepare(batch)
    expect(source.asked).toEqual([7, 8])
    now = 10_001
    await reader.prepare(batch)
    expect(source.asked).toEqual([7, 8, 8])
  })
})

describe('hostile bytes', () => {
  const listType = Type.forSchema({ type: 'array', items: 'string' })
  const zigzag = (n: bigint) => {
    const bytes: number[] = []
    let rest = n >= 0n ? n * 2n : -n * 2n - 1n
    do {
      bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0))
      rest >>= 7n
    } while (rest > 0n)
    return Buffer.from(bytes)
  }

  it('a count of 2^50 items fails at once', () => {
    const started = performance.now()
    expect(() => listType.fromBuffer(Buffer.concat([zigzag(2n ** 50n), zigzag(1n)]))).toThrow(/a block of/)
    expect(performance.now() - started).toBeLessThan(50)
  })

  it('a string of negative length inside an array does not loop', () => {
    // one item, length -2: the position moves back onto the count
    expect(() => listType.fromBuffer(Buffer.concat([zigzag(1n), zigzag(-2n), zigzag(0n)]))).toThrow(
      /past an end/,
    )
  })

  it('arrays and maps that the reader does not know are skipped, with the same bounds', () => {
    const writer = Type.forSchema({
      type: 'record',
      name: 'R',
      fields: [
        { name: 'old', type: { type: 'map', values: 'string' } },
        { name: 'list', type: { type: 'array', items: 'long' } },
        { name: 'kept', type: 'string' },
      ],
    })
    const reader = Type.forSchema({ type: 'record', name: 'R', fields: [{ name: 'kept', type: 'string' }] })
    const resolver = reader.createResolver(writer)
    const bytes = writer.toBuffer({ old: { a: 'x', b: 'y' }, list: [1, 2, 3], kept: 'here' })
    expect(reader.fromBuffer(bytes, resolver)).toEqual({ kept: 'here' })
    expect(() => reader.fromBuffer(Buffer.concat([zigzag(2n ** 40n), Buffer.from('xx')]), resolver)).toThrow()
  })

  it('any bytes give a value or a failure, for every record', async () => {
    for (const name of RECORD_NAMES) {
      const source = sourceOf({ 1: readSchema(name) })
      const reader = new RecordDecoder<RecordName>(name, source, () => 0)
      await reader.prepare([{ value: frame(1, Buffer.alloc(0)) }])
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 300 }), (body) => {
          const read = reader.decode(frame(1, Buffer.from(body)))
          return read instanceof DecodeFailure || recordType(name).isValid(read)
        }),
        { numRuns: 300 },
      )
    }
  })

  it('a real record with any byte changed gives a value or a failure', async () => {
    const good = new RecordEncoder('FeedEvent', 7).encode(event)
    const { decoder: reader } = await decoder()
    for (let at = 5; at < good.length; at++) {
      for (const to of [0, 1, 0x7f, 0x80, 0xff]) {
        const bad = Buffer.from(good)
        bad[at] = to
        reader.decode(bad)
      }
    }
  })
})
