/**
 * Events through the whole chain, preloaded: from the moment that they are visible to the last decision that a committed
 * reader sees. Contestants take turns on one broker, warmed up, the same events each; the median of all runs counts.
 */
import { parseArgs } from 'node:util'
import { reportHead, table, writeReport } from '@wardline/cli/report'
import { BenchStack, type EncodedEvents } from '../chain/bench-stack.ts'
import { type Contestant, WardlineServices } from '../chain/contestant.ts'
import { spreadOf } from '../chain/statistics.ts'
import { isPassThrough, PassThrough } from '../peers/passthrough/contestant.ts'
import { KafkaStreamsPeer } from '../peers/streams/contestant.ts'
import { measure, type Run, warmUp } from './measure.ts'

const { values: args } = parseArgs({
  options: {
    events: { type: 'string', default: '40000' },
    'warm-up': { type: 'string', default: '20000' },
    /** Measured runs at each start of a contestant. */
    repeats: { type: 'string', default: '2' },
    /** How often each contestant is started. */
    rounds: { type: 'string', default: '2' },
    partitions: { type: 'string', default: '4' },
    /** Names of contestants, parted by commas; `wardline+NAME=VALUE+…` runs the services with other settings. */
    only: { type: 'string', default: 'wardline' },
    /** Another checkout of Wardline, to be measured as `before`. */
    before: { type: 'string' },
    /** Folder for CPU profiles of Wardline's services. */
    profile: { type: 'string' },
  },
})

const startedAt = new Date()
const repeats = Number(args.repeats)
const stack = await BenchStack.start({ partitions: Number(args.partitions) })
const runs: Run[] = []
try {
  const startAt = BenchStack.feedStart()
  const encodeAll = async (): Promise<{ warm: EncodedEvents; measured: EncodedEvents[] }> => {
    stack.startFeed(11, startAt)
    const warm = await stack.encode(Number(args['warm-up']))
    const measured: EncodedEvents[] = []
    for (let i = 0; i < repeats; i++) measured.push(await stack.encode(Number(args.events)))
    return { warm, measured }
  }
  const { warm, measured } = await encodeAll()
  const contestants: Contestant[] = []
  for (const name of args.only.split(',')) contestants.push(await contestantOf(name))
  for (let round = 0; round < Number(args.rounds); round++) {
    for (const contestant of contestants) {
      await stack.reset()
      await contestant.start()
      try {
        let answered = await warmUp(stack, contestant, warm)
        for (const events of measured) {
          const run = await measure(stack, contestant, events, answered)
          answered += events.distinct
          runs.push(run)
          console.error(
            `${run.contestant}: ${run.eventsPerSecond} events/s; CPU s per million: ${Object.entries(
              run.cpuSecondsPerMillion,
            )
              .map(([name, cpu]) => `${name} ${cpu.toFixed(0)}`)
              .join(', ')}`,
          )
        }
      } catch (error) {
        throw new Error(`${contestant.name}: ${error instanceof Error ? error.message : String(error)}`, {
          cause: error,
        })
      } finally {
        await contestant.stop()
      }
    }
  }
} finally {
  await stack.stop()
}

async function contestantOf(name: string): Promise<Contestant> {
  const profile =
    args.profile === undefined ? {} : { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${args.profile}` }
  switch (name) {
    case 'wardline':
      return new WardlineServices(stack, { env: profile })
    case name.startsWith('wardline+') ? name : null: {
      const env = Object.fromEntries(
        name
          .split('+')
          .slice(1)
          .map((each) => [each.slice(0, each.indexOf('=')), each.slice(each.indexOf('=') + 1)]),
      )
      return new WardlineServices(stack, { name, env })
    }
    case 'before':
      return new WardlineServices(stack, { name: 'before', root: args.before! })
    case 'streams-memory':
      return new KafkaStreamsPeer(stack, 'memory')
    case 'streams-rocksdb':
      return new KafkaStreamsPeer(stack, 'rocksdb')
    default:
      if (isPassThrough(name)) return new PassThrough(stack, name)
      throw new Error(`no contestant ${name}`)
  }
}

const names = [...new Set(runs.map(({ contestant }) => contestant))]
const first = spreadOf(
  runs.filter(({ contestant }) => contestant === names[0]).map((r) => r.eventsPerSecond),
).median
const summary = names.map((name) => {
  const own = runs.filter(({ contestant }) => contestant === name)
  const eventsPerSecond = spreadOf(own.map((run) => run.eventsPerSecond))
  const cpu = (of: (name: string) => boolean) =>
    spreadOf(
      own.map(({ cpuSecondsPerMillion }) =>
        Object.entries(cpuSecondsPerMillion).reduce((sum, [process, s]) => sum + (of(process) ? s : 0), 0),
      ),
    ).median
  return {
    contestant: name,
    eventsPerSecond,
    ratioToFirst: eventsPerSecond.median / first,
    ownCpuSecondsPerMillion: cpu((process) => process !== 'broker'),
    brokerCpuSecondsPerMillion: cpu((process) => process === 'broker'),
  }
})
console.log(
  table(
    ['contestant', 'events/s', 'least', 'most', 'ratio', 'own CPU s/M', 'broker CPU s/M'],
    summary.map((s) => [
      s.contestant,
      String(Math.round(s.eventsPerSecond.median)),
      String(s.eventsPerSecond.least),
      String(s.eventsPerSecond.most),
      s.ratioToFirst.toFixed(2),
      s.ownCpuSecondsPerMillion.toFixed(0),
      s.brokerCpuSecondsPerMillion.toFixed(0),
    ]),
  ),
)
console.log(writeReport('bench-throughput', { ...reportHead(startedAt), options: args, summary, runs }))
