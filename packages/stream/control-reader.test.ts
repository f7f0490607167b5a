import { DecodeFailure, type PolicyControl } from '@wardline/events'
import { pino } from 'pino'
import { beforeEach, expect, it } from 'vitest'
import type { FetchedMessage } from './client/kafkajs-internals.ts'
import { ControlReader } from './control-reader.ts'
import { StageMetrics } from './metrics.ts'

/** The topic: what a reader would find, by partition. */
let topic: FetchedMessage[][]
let outage: boolean
let registryOut: boolean
let readersOpen: Set<number>
let readers = 0
/** What the stage was given, as `key=version` or `key=null`. */
let taken: string[]
/** Versions that the stage refuses. */
let refused: Set<string>
let metrics: StageMetrics
let clock = 0
let pauses: (() => void)[]

beforeEach(() => {
  topic = [[], [], []]
  outage = false
  registryOut = false
  readersOpen = new Set()
  taken = []
  refused = new Set()
  metrics = new StageMetrics('classify')
  clock = 1_000
  pauses = []
})

const OPENED = { start: 0 }

function write(partition: number, key: string, version: string | null, timestamp = clock++): void {
  topic[partition]!.push({
    key: Buffer.from(key),
    value: version === null ? null : Buffer.from(version),
    offset: String(topic[partition]!.length),
    timestamp: String(timestamp),
  })
}

/** Only version and decodability matter here: the value is the version itself, `?` is undecodable. */
const decoder = {
  async prepare() {
    if (registryOut) throw Object.assign(new Error('no answer'), { name: 'RegistryUnavailable' })
  },
  decode(bytes: Buffer) {
    const version = bytes.toString()
    return version === '?' ? new DecodeFailure('undecodable', 'no record') : ({ version } as PolicyControl)
  },
}

function createReader() {
  return new ControlReader({
    createReader: () => {
      const reader = readers++
      readersOpen.add(reader)
      return {
        partitions: async () => topic.map((_, partition) => partition),
        bounds: async (_: string, partition: number) => ({ ...OPENED, end: topic[partition]!.length }),
        async ends() {
          if (outage) throw new Error('connection refused')
          return new Map(topic.map((messages, partition) => [partition, messages.length]))
        },
        async *read(_: string, partition: number, from: number, until: number) {
          for (const message of topic[partition]!.slice(from, until)) yield [message]
        },
        async close() {
          readersOpen.delete(reader)
        },
      }
    },
    decoder,
    take: (value, key) => {
      if (value && refused.has(value.version)) throw new Error(`${value.version} is not for this build`)
      taken.push(`${key}=${value?.version ?? null}`)
    },
    metrics,
    logger: pino({ level: 'silent' }),
    clock: () => 5_000,
    sleep: () => new Promise((resolve) => pauses.push(resolve)),
  })
}

/** Lets `follow` look once more and waits until it pauses again. */
async function look(): Promise<void> {
  pauses.splice(0).forEach((resume) => void resume())
  await expect.poll(() => pauses.length).toBe(1)
}

async function outcome(name: string): Promise<number> {
  const { values } = await metrics.registry.getSingleMetric('wardline_control_records_total')!.get()
  return values.find(({ labels }) => labels.outcome === name)?.value ?? 0
}

it('hands over the newest record of each key of every partition, in the order of writing', async () => {
  write(0, 'rule-set/default', 'v1')
  write(1, 'section/youth', 'order-1')
  write(0, 'rule-set/default', 'v2')
  write(2, 'section/live', 'order-2')
  write(1, 'section/youth', null)
  await createReader().catchUp()
  expect(taken).toEqual(['rule-set/default=v2', 'section/live=order-2', 'section/youth=null'])
  expect(await outcome('taken')).toBe(3)
})

it('reads nothing of an empty topic and says when it looked', async () => {
  await createReader().catchUp()
  expect(taken).toEqual([])
  expect(await metrics.registry.metrics()).toContain(
    'wardline_control_checked_timestamp_seconds{stage="classify"} 5',
  )
})

it('follows: what comes later, each key once a look', async () => {
  write(0, 'a', 'v1')
  const reader = createReader()
  await reader.catchUp()
  const following = reader.follow()
  await look()
  write(0, 'a', 'v2')
  write(0, 'a', 'v3')
  await look()
  await look()
  expect(taken).toEqual(['a=v1', 'a=v3'])
  await reader.close()
  pauses.splice(0).forEach((resume) => void resume())
  await following
  expect(readersOpen.size).toBe(0)
})

it('passes over what cannot be read or is refused, to the next older record; nothing older than what stands', async () => {
  write(0, 'a', 'v1')
  write(0, 'a', 'v2')
  write(0, 'a', '?')
  write(0, 'a', 'bad')
  refused.add('bad')
  const reader = createReader()
  await reader.catchUp()
  expect(taken).toEqual(['a=v2'])
  expect([await outcome('undecodable'), await outcome('refused')]).toEqual([1, 1])

  const following = reader.follow()
  await look()
  write(0, 'a', '?')
  await look()
  expect(taken).toEqual(['a=v2'])
  expect(await outcome('undecodable')).toBe(2)
  await reader.close()
  pauses.splice(0).forEach((resume) => void resume())
  await following
})

it('stops at a tombstone: what was taken back is no candidate', async () => {
  write(0, 'a', 'v1')
  write(0, 'a', null)
  write(0, 'a', '?')
  await createReader().catchUp()
  expect(taken).toEqual(['a=null'])
})

it('orders a key that two writers put into two partitions by time', async () => {
  write(2, 'a', 'newer', 30)
  write(0, 'a', 'older', 20)
  const reader = createReader()
  await reader.catchUp()
  const following = reader.follow()
  await look()
  write(1, 'a', 'oldest', 10)
  await look()
  expect(taken).toEqual(['a=newer'])
  await reader.close()
  pauses.splice(0).forEach((resume) => void resume())
  await following
})

it('throws in an outage at start, and outlives one later, with a new reader', async () => {
  const reader = createReader()
  outage = true
  await expect(reader.catchUp()).rejects.toThrow('connection refused')
  outage = false
  write(0, 'a', 'v1')
  registryOut = true
  await expect(reader.catchUp()).rejects.toThrow('no answer')
  expect(taken).toEqual([])
  registryOut = false
  await reader.catchUp()
  expect(taken).toEqual(['a=v1'])

  const following = reader.follow()
  outage = true
  await look()
  await look()
  write(0, 'a', 'v2')
  outage = false
  await look()
  expect(taken).toEqual(['a=v1', 'a=v2'])
  expect(readersOpen.size).toBe(1)
  await reader.close()
  pauses.splice(0).forEach((resume) => void resume())
  await following
})

it('reads a topic that was made anew from its beginning', async () => {
  write(0, 'a', 'v1')
  write(0, 'a', 'v2')
  const reader = createReader()
  await reader.catchUp()
  const following = reader.follow()
  topic[0] = []
  write(0, 'a', 'v9')
  await look()
  expect(taken).toEqual(['a=v2', 'a=v9'])
  await reader.close()
  pauses.splice(0).forEach((resume) => void resume())
  await following
})
