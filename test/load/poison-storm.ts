/**
 * `make poison-storm`: the same number of good events once alone and once with as many records that cannot be decoded
 * between them, in turns. The ratio of the times is what a storm costs the good half. Writes
 * `.wardline/reports/poison-storm.json`; exit code 0 only when the books balance and the ratio is within the bound.
 */
import { parseArgs } from 'node:util'
import { balances } from '@wardline/cli/audit'
import { reportHead, writeReport } from '@wardline/cli/report'
import type { FedMessage } from '@wardline/records'
import { TOPICS } from '@wardline/stream'
import { LoadChain, quantile } from './load-chain.ts'

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '4' },
    seed: { type: 'string', default: '1' },
    bound: { type: 'string', default: '1.5' },
  },
})
const count = Number(values.events)
const bound = Number(values.bound)
const PER_REQUEST = 500
/** The sample feed repeats some events on purpose; those get no decision. */
const DECIDED_SHARE = 0.97

const startedAt = new Date()
const chain = await LoadChain.start({
  seed: Number(values.seed),
  partitions: 4,
  log: (line) => console.log(line),
})

/** Seconds from the first send to the decision on (nearly) the last good event. */
async function round(poison: boolean): Promise<number> {
  const good = await chain.nextEvents(count)
  const bad = chain.garbage(poison ? count : 0)
  const records: FedMessage[] = []
  for (let i = 0; i < count; i++) {
    records.push(good[i]!)
    if (poison) records.push(bad[i]!)
  }
  const from = chain.decided
  const started = performance.now()
  for (let i = 0; i < records.length; i += PER_REQUEST)
    await chain.publisher.send(TOPICS.feedEvents, records.slice(i, i + PER_REQUEST))
  await chain.waitForDecisions(from + Math.floor(count * DECIDED_SHARE), 180_000)
  const seconds = (performance.now() - started) / 1000
  // The rest, so that the next round starts from rest.
  await chain.settled(60_000)
  return seconds
}

async function measure(): Promise<void> {
  await round(false)
  const calm: number[] = []
  const storm: number[] = []
  for (let i = 0; i < Number(values.rounds); i++) {
    calm.push(await round(false))
    storm.push(await round(true))
    console.log(
      `round ${i + 1}: ${calm.at(-1)!.toFixed(2)} s alone, ${storm.at(-1)!.toFixed(2)} s in the storm`,
    )
  }
  const median = (values: number[]) =>
    quantile(
      [...values].sort((a, b) => a - b),
      0.5,
    )!
  const ratio = median(storm) / median(calm)
  const books = await chain.settled(60_000)
  const holds = balances(books) && ratio <= bound
  console.log(
    `${count} good events: median ${median(calm).toFixed(2)} s alone, ${median(storm).toFixed(2)} s with ${count} poison records between them: ratio ${ratio.toFixed(2)} (bound ${bound}); ` +
      `${books.eventsIn} records in = ${books.decisions} decisions + ${books.deadLetters} dead letters + ${books.duplicates} duplicates, lost ${books.missing.length}, doubled ${books.doubled.length}`,
  )
  console.log(
    `report ${writeReport('poison-storm', { ...reportHead(startedAt), events: count, calm, storm, ratio, bound, holds })}`,
  )
  console.log(holds ? 'holds' : 'DOES NOT HOLD')
  process.exitCode = holds ? 0 : 1
}

try {
  await chain.orInterrupted(measure())
} finally {
  await chain.stop()
}
