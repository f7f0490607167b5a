/**
 * Events through the whole chain, preloaded: from the moment that they are visible to the last decision that a committed
 * reader sees. Contestants take turns on one broker, warmed up, the same events each; the median of all runs counts.
 */
import { parseArgs } from 'node:util'
import { reportHead, table, writeReport } from '@wardline/cli/report'
import type { FedMessage } from '@wardline/records'
import { STAGE_NAMES, TOPICS } from '@wardline/stream'
import { BenchStack, type EncodedEvents, eventIdOf } from '../chain/bench-stack.ts'
import { type Collections, type Contestant, WardlineServices } from '../chain/contestant.ts'
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
    /** How often each contestant is started, after a round that does not count: the broker's code is compiled then. */
    rounds: { type: 'string', default: '2' },
    partitions: { type: 'string', default: '4' },
    /** Names of contestants, parted by commas; `wardline+NAME=VALUE+…` runs the services with other settings, a stage's name that stage alone. */
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
  for (const name of args.only.split(',')) contestants.push(contestantOf(name))
  const inputs = contestants.some(({ input }) => input !== TOPICS.feedEvents)
    ? await inputsByTopic([warm, ...measured])
    : undefined
  for (let round = 0; round <= Number(args.rounds); round++) {
    for (const contestant of contestants) {
      await stack.reset()
      await contestant.start()
      const [first, ...others] = inputs?.get(contestant.input) ?? [warm, ...measured]
      try {
        let answered = await warmUp(stack, contestant, first!)
        for (const events of others) {
          const run = await measure(stack, contestant, events, answered)
          answered += events.distinct
          if (round > 0) runs.push(run)
          console.error(
            `${round === 0 ? 'not counted: ' : ''}${run.contestant}: ${run.eventsPerSecond} events/s; CPU s per million: ${Object.entries(
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

/** The same events as the chain hands them from stage to stage: what a stage alone is fed with. By topic, in the order given. */
async function inputsByTopic(sets: readonly EncodedEvents[]): Promise<Map<string, EncodedEvents[]>> {
  const topics = [TOPICS.normalized, TOPICS.classified, TOPICS.assessed]
  const inputs = new Map<string, EncodedEvents[]>(topics.map((topic) => [topic, []]))
  // An event that comes again in a later set is one that the stage has answered.
  const seen = new Map(topics.map((topic) => [topic, new Set<string>()]))
  for (const events of sets) {
    await stack.reset()
    const chain = new WardlineServices(stack)
    await chain.start()
    try {
      await warmUp(stack, chain, events)
      for (const topic of topics) {
        const messages: FedMessage[] = []
        for await (const message of stack.records(topic)) {
          const id = eventIdOf(topic, message.value!)
          if (seen.get(topic)!.has(id)) continue
          seen.get(topic)!.add(id)
          messages.push(message)
        }
        inputs.get(topic)!.push({ messages, distinct: messages.length })
      }
    } finally {
      await chain.stop()
    }
  }
  return inputs
}

function contestantOf(name: string): Contestant {
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
      for (const stage of STAGE_NAMES)
        if (stage === name) return new WardlineServices(stack, { name, stages: [stage], env: profile })
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
  const garbage = own.flatMap(({ garbage }) => Object.values(garbage ?? {}))
  const events = own.reduce((sum, run) => sum + run.events, 0)
  const perMillion = (of: (each: Collections) => number) =>
    garbage.length === 0 ? null : (garbage.reduce((sum, each) => sum + of(each), 0) / events) * 1e6
  return {
    contestant: name,
    eventsPerSecond,
    ratioToFirst: eventsPerSecond.median / first,
    ownCpuSecondsPerMillion: cpu((process) => process !== 'broker'),
    brokerCpuSecondsPerMillion: cpu((process) => process === 'broker'),
    garbage: {
      secondsPerMillion: perMillion((each) => each.seconds),
      longerThan10MsPerMillion: perMillion((each) => each.longerThan10Ms),
      longerThan100MsPerMillion: perMillion((each) => each.longerThan100Ms),
    },
    residentMiB: spreadOf(
      own.map(({ residentMiB }) =>
        Object.entries(residentMiB).reduce((sum, [name, mib]) => sum + (name === 'broker' ? 0 : mib), 0),
      ),
    ).most,
  }
})
console.log(
  table(
    [
      'contestant',
      'events/s',
      'least',
      'most',
      'ratio',
      'own CPU s/M',
      'broker CPU s/M',
      'GC s/M',
      '>10 ms',
      'RSS MiB',
    ],
    summary.map((s) => [
      s.contestant,
      String(Math.round(s.eventsPerSecond.median)),
      String(s.eventsPerSecond.least),
      String(s.eventsPerSecond.most),
      s.ratioToFirst.toFixed(2),
      s.ownCpuSecondsPerMillion.toFixed(0),
      s.brokerCpuSecondsPerMillion.toFixed(0),
      s.garbage.secondsPerMillion?.toFixed(1) ?? '–',
      s.garbage.longerThan10MsPerMillion?.toFixed(0) ?? '–',
      String(s.residentMiB),
    ]),
  ),
)
console.log(writeReport('bench-throughput', { ...reportHead(startedAt), options: args, summary, runs }))
