/**
 * No regression unseen, in under a minute: what an event costs the whole chain in processor time, held against what it costs
 * plain kafkajs to pass it on in a transaction, one after the other on one broker. Processor time and not events a second,
 * since other work on the machine slows both but is counted for neither. Ends with 1 where the ratio is above MOST_RATIO.
 */
import { reportHead, table, writeReport } from '@wardline/cli/report'
import { BenchStack } from '../chain/bench-stack.ts'
import { type Contestant, WardlineServices } from '../chain/contestant.ts'
import { PassThrough } from '../peers/passthrough/contestant.ts'
import { measure, type Run, warmUp } from '../throughput/measure.ts'

/**
 * The chain's four services together may take so many times what the pass-through takes. docs/performance.md has what was
 * measured; before record batches were written by us it was a third more.
 */
const MOST_RATIO = 20
const WARM_UP = 8_000
const EVENTS = 12_000

const startedAt = new Date()
const stack = await BenchStack.start({ partitions: 2 })
const runs: Run[] = []
try {
  stack.startFeed(41, BenchStack.feedStart())
  const warm = await stack.encode(WARM_UP)
  const events = await stack.encode(EVENTS)
  const contestants: Contestant[] = [
    new PassThrough(stack, 'pass-kafkajs-transactional'),
    new WardlineServices(stack),
  ]
  for (const contestant of contestants) {
    await stack.reset()
    await contestant.start()
    try {
      const answered = await warmUp(stack, contestant, warm)
      runs.push(await measure(stack, contestant, events, answered))
    } finally {
      await contestant.stop()
    }
  }
} finally {
  await stack.stop()
}

const own = ({ cpuSecondsPerMillion }: Run) =>
  Object.entries(cpuSecondsPerMillion).reduce(
    (sum, [name, seconds]) => sum + (name === 'broker' ? 0 : seconds),
    0,
  )
const [floor, chain] = runs as [Run, Run]
const ratio = own(chain) / own(floor)
console.log(
  table(
    ['', 'events/s', 'CPU s/M events', 'broker'],
    runs.map((run) => [
      run.contestant,
      String(run.eventsPerSecond),
      own(run).toFixed(1),
      run.cpuSecondsPerMillion.broker!.toFixed(1),
    ]),
  ),
)
console.log(`the chain takes ${ratio.toFixed(1)} times the floor's processor time; at most ${MOST_RATIO}`)
console.log(writeReport('bench-smoke', { ...reportHead(startedAt), ratio, mostRatio: MOST_RATIO, runs }))
if (!(ratio <= MOST_RATIO)) process.exitCode = 1
