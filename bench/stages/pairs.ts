import { reportHead, writeReport } from '@wardline/cli/report'
import {
  afterMessage,
  countWithin,
  hashOf,
  NOBODY_YET,
  type Pair,
  packPair,
  pairCodec,
  unpackPair,
  withAccount,
} from '@wardline/comment-risk/parts'
import { loadBundle, policyFolder, readPolicyFiles } from '@wardline/policy'
import { Random } from '@wardline/sample-feed'
import { jsonCodec, KeyedStore, type ValueCodec } from '@wardline/stream'
import { keyOf, MINUTE, makePair, T0 } from './made-pairs.ts'

// A million pairs of comment-risk: bytes on the topic, bytes in memory and time to restore, as they are kept (packed) and as
// JSON of objects, in one run. Then the ways to count distinct attackers that were compared, by error and bytes.

const PAIRS = Number(process.argv[process.argv.indexOf('--pairs') + 1] || 0) || 1_000_000
const startedAt = new Date()
const loaded = loadBundle(readPolicyFiles(policyFolder(process.env)))
if (!loaded.ok) throw new Error(`the policy is not valid: ${loaded.problems[0]?.message}`)
const policy = loaded.bundle.risk
const heap = () => {
  globalThis.gc?.()
  globalThis.gc?.()
  const { heapUsed, external, arrayBuffers } = process.memoryUsage()
  return heapUsed + Math.max(external, arrayBuffers)
}

interface Row {
  readonly kept: string
  readonly topicBytes: number
  readonly memoryBytes: number
  readonly restoreSeconds: number
  readonly updateMicroseconds: number
}

function measure<V>(
  kept: string,
  codec: ValueCodec<V>,
  of: (pair: Pair) => V,
  back: (value: V) => Pair,
): Row {
  const random = new Random(1)
  const records: { key: Buffer; value: Buffer }[] = []
  let topic = 0
  for (let i = 0; i < PAIRS; i++) {
    const value = codec.encode(of(makePair(random, policy)))
    topic += value.length
    // A copy: the store must not be charged less because it shares the record's key.
    records.push({ key: Buffer.from(keyOf(i)), value })
  }
  const before = heap()
  const store = new KeyedStore<V>({ name: 'pairs', codec, capacity: 2 * PAIRS })
  const began = performance.now()
  for (const { key, value } of records) store.restore(key.toString(), value)
  const restoreSeconds = (performance.now() - began) / 1000
  const memoryBytes = (heap() - before) / PAIRS
  // Alive until here, or what they took would be counted as given back.
  if (records.length !== PAIRS || store.entries !== PAIRS) throw new Error('not all pairs were restored')
  const message = {
    at: T0 + 40 * 1440 * MINUTE,
    eventHash: 1,
    markBits: 2,
    harm: 0,
    tones: { approach: -1, recruiting: -1, hostile: -1 },
    night: false,
  }
  const updates = Math.min(PAIRS, 200_000)
  const update = () => {
    const from = performance.now()
    for (let i = 0; i < updates; i++) {
      const key = keyOf(i)
      store.put(key, of(afterMessage(back(store.get(key)!), message, policy)))
    }
    store.discard()
    return (1000 * (performance.now() - from)) / updates
  }
  update()
  const updateMicroseconds = update()
  return { kept, topicBytes: topic / PAIRS, memoryBytes, restoreSeconds, updateMicroseconds }
}

const rows = [
  measure('packed (as it is)', pairCodec, packPair, unpackPair),
  measure(
    'objects, packed on the topic',
    {
      encode: (pair: Pair) => pairCodec.encode(packPair(pair)),
      decode: (bytes: Buffer) => unpackPair(pairCodec.decode(bytes)),
    },
    (pair) => pair,
    (pair) => pair,
  ),
  measure(
    'objects, JSON on the topic',
    jsonCodec<Pair>(),
    (pair) => pair,
    (pair) => pair,
  ),
]
console.log(`${PAIRS} pairs`)
console.log('kept                          topic bytes  memory bytes  restore s  update µs')
for (const { kept, topicBytes, memoryBytes, restoreSeconds, updateMicroseconds } of rows)
  console.log(
    `${kept.padEnd(30)}${topicBytes.toFixed(0).padStart(11)}${memoryBytes.toFixed(0).padStart(14)}${restoreSeconds.toFixed(2).padStart(11)}${updateMicroseconds.toFixed(2).padStart(11)}`,
  )
console.log(
  'memory: value, key and table entry; topic: value alone; restore: decoding into the store, without the network\n',
)

// Distinct counts

/** HyperLogLog (Flajolet et al. 2007) with the small-range correction; one window only. */
function hyperLogLog(hashes: readonly number[], bits: number): number {
  const size = 2 ** bits
  const registers = new Uint8Array(size)
  for (const hash of hashes) {
    const register = hash >>> (32 - bits)
    const rank = Math.min(32 - bits + 1, Math.clz32((hash << bits) >>> 0 || 1) + 1)
    if (registers[register]! < rank) registers[register] = rank
  }
  let sum = 0
  let empty = 0
  for (const register of registers) {
    sum += 2 ** -register
    if (register === 0) empty++
  }
  const alpha = size === 16 ? 0.673 : size === 32 ? 0.697 : size === 64 ? 0.709 : 0.7213 / (1 + 1.079 / size)
  const raw = (alpha * size * size) / sum
  return raw <= 2.5 * size && empty > 0 ? size * Math.log(size / empty) : raw
}
const linear = (hashes: readonly number[], size: number): number => {
  const touched = new Set(hashes.map((hash) => hash % size)).size
  return -size * Math.log(Math.max(0.5, size - touched) / size)
}
const kept = (hashes: readonly number[]): number => {
  let distinct = NOBODY_YET
  for (const [i, hash] of hashes.entries()) distinct = withAccount(distinct, hash, T0 + i)
  return countWithin(distinct, T0 + 100_000, 86_400_000)
}

const COUNTERS = [
  {
    name: 'exact ring of 64, with times',
    windows: 'any',
    bytes: '10 each, at most 640',
    count: (all: number[]) => Math.min(64, all.length),
  },
  {
    name: 'HyperLogLog 64 x 6 bits',
    windows: 'one',
    bytes: '48 a window',
    count: (all: number[]) => hyperLogLog(all, 6),
  },
  {
    name: 'HyperLogLog 128 x 6 bits',
    windows: 'one',
    bytes: '96 a window',
    count: (all: number[]) => hyperLogLog(all, 7),
  },
  {
    name: 'linear counting, 256 bits',
    windows: 'one',
    bytes: '32 a window',
    count: (all: number[]) => linear(all, 256),
  },
  {
    name: 'exact to 24, then 128 times (as it is)',
    windows: 'any',
    bytes: '10 each, then at most 640',
    count: kept,
  },
]
const SIZES = [3, 5, 12, 24, 50, 100, 300, 1000]
const errors = COUNTERS.map(({ name, windows, bytes, count }) => ({
  name,
  windows,
  bytes,
  errors: SIZES.map((size) => {
    let square = 0
    for (let round = 0; round < 300; round++) {
      const hashes = Array.from({ length: size }, (_, i) => hashOf(`account-${round}-${i}`))
      square += (count(hashes) / size - 1) ** 2
    }
    return Math.sqrt(square / 300)
  }),
}))
console.log(
  `${'distinct accounts: relative error (RMS) at'.padEnd(44)}${SIZES.map((size) => String(size).padStart(7)).join('')}  windows  bytes`,
)
for (const { name, errors: each, windows, bytes } of errors)
  console.log(
    `${name.padEnd(44)}${each.map((error) => `${(100 * error).toFixed(0)} %`.padStart(7)).join('')}  ${windows.padEnd(7)}  ${bytes}`,
  )
console.log(
  writeReport('bench-risk', {
    ...reportHead(startedAt),
    pairs: PAIRS,
    stores: rows,
    distinct: { sizes: SIZES, counters: errors },
  }),
)
