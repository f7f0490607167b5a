/**
 * How uneven partitions become where a few accounts do much: accounts' activity by Zipf's law, keys to partitions as the
 * chain puts them (murmur2), the busiest partition against the mean. A partition is one thread's work, so the busiest
 * one is what a deployment has to be sized for.
 */
import { parseArgs } from 'node:util'
import { reportHead, table, writeReport } from '@wardline/cli/report'
import { partitionOf } from '@wardline/stream'

const { values: args } = parseArgs({
  options: {
    /** Accounts that are simulated: the heavy end of the distribution is the same for more. */
    accounts: { type: 'string', default: '2000000' },
    /** Largest share of all events that one account may have: what a feed lets through, as a rate limit. */
    cap: { type: 'string', default: '0.00002' },
  },
})
const startedAt = new Date()
const accounts = Number(args.accounts)
const cap = Number(args.cap)
const EXPONENTS = [0.6, 0.8, 1, 1.2]
const PARTITIONS = [48, 192, 768, 3072]

// The hash of each account once; partition counts are all divisors' multiples of it only by modulo.
const hashes = new Int32Array(accounts)
for (let i = 0; i < accounts; i++) hashes[i] = partitionOf(Buffer.from(`u${10_000_000 + i}`), 0x7fffffff)

const rows: { exponent: number; capped: boolean; busiestToMean: number[]; top: number }[] = []
for (const exponent of EXPONENTS) {
  for (const capped of [false, true]) {
    const weights = new Float64Array(accounts)
    let sum = 0
    for (let i = 0; i < accounts; i++) sum += weights[i] = (i + 1) ** -exponent
    let total = 0
    for (let i = 0; i < accounts; i++) {
      const share = weights[i]! / sum
      total += weights[i] = capped ? Math.min(share, cap) : share
    }
    const busiestToMean = PARTITIONS.map((partitions) => {
      const load = new Float64Array(partitions)
      for (let i = 0; i < accounts; i++) load[hashes[i]! % partitions]! += weights[i]!
      let busiest = 0
      for (const each of load) if (each > busiest) busiest = each
      return (busiest / total) * partitions
    })
    rows.push({ exponent, capped, busiestToMean, top: weights[0]! / total })
  }
}
console.log(
  table(
    ['Zipf exponent', 'top account', ...PARTITIONS.map((n) => `${n} partitions`)],
    rows.map(({ exponent, capped, busiestToMean, top }) => [
      `${exponent}${capped ? ', capped' : ''}`,
      `${(100 * top).toFixed(3)} %`,
      ...busiestToMean.map((ratio) => ratio.toFixed(2)),
    ]),
  ),
)
console.log(
  `\nbusiest partition as a multiple of the mean; ${accounts} accounts; capped: none above ${100 * cap} % of all events`,
)
console.log(
  writeReport('bench-skew', { ...reportHead(startedAt), accounts, cap, partitions: PARTITIONS, rows }),
)
