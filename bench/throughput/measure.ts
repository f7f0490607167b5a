import { setTimeout as delay } from 'node:timers/promises'
import type { BenchStack, EncodedEvents } from '../chain/bench-stack.ts'
import type { Collections, Contestant } from '../chain/contestant.ts'
import { cpuOf, residentMiB } from '../chain/processes.ts'

/** One measured run: what was answered, how fast, and what it took. */
export interface Run {
  readonly contestant: string
  readonly events: number
  /** From the commit that made the events visible to the last answer that a committed reader sees, s. */
  readonly seconds: number
  readonly eventsPerSecond: number
  /** Processor seconds a million events, by process. */
  readonly cpuSecondsPerMillion: Readonly<Record<string, number>>
  readonly residentMiB: Readonly<Record<string, number>>
  /** Garbage collections while it ran, by process; null where the contestant does not tell. */
  readonly garbage: Readonly<Record<string, Collections>> | null
}

/** Idle contestants poll and commit nothing: what they use then is not the events'. */
const SETTLE_MS = 700

/** What comes before the measured runs of one start of a contestant: compiled code, open connections. */
export async function warmUp(
  stack: BenchStack,
  contestant: Contestant,
  events: EncodedEvents,
): Promise<number> {
  const commit = await stack.preload(contestant.input, events.messages)
  await commit()
  await stack.untilAnswered(contestant.output, events.distinct)
  return events.distinct
}

/** Preloads the events while the contestant waits, then takes the time. `before`: distinct events answered already. */
export async function measure(
  stack: BenchStack,
  contestant: Contestant,
  events: EncodedEvents,
  before: number,
): Promise<Run> {
  const commit = await stack.preload(contestant.input, events.messages)
  await delay(SETTLE_MS)
  const processes = [...contestant.processes(), stack.broker]
  const garbageBefore = await contestant.garbage?.()
  const cpuBefore = cpuOf(processes)
  const began = performance.now()
  await commit()
  let cpuAfter = cpuBefore
  const last = await stack.untilAnswered(contestant.output, before + events.distinct, () => {
    cpuAfter = cpuOf(processes)
  })
  const seconds = (last - began) / 1000
  const count = events.messages.length
  const garbageAfter = await contestant.garbage?.()
  return {
    contestant: contestant.name,
    events: count,
    seconds,
    eventsPerSecond: Math.round(count / seconds),
    cpuSecondsPerMillion: Object.fromEntries(
      processes.map(({ name }) => [name, ((cpuAfter[name]! - cpuBefore[name]!) / count) * 1e6]),
    ),
    residentMiB: Object.fromEntries(processes.map(({ name, pid }) => [name, residentMiB(pid)])),
    garbage: garbageAfter
      ? Object.fromEntries(
          Object.entries(garbageAfter).map(([name, after]) => [name, since(garbageBefore![name]!, after)]),
        )
      : null,
  }
}

const since = (before: Collections, after: Collections): Collections => ({
  seconds: after.seconds - before.seconds,
  pauses: after.pauses - before.pauses,
  longerThan10Ms: after.longerThan10Ms - before.longerThan10Ms,
  longerThan100Ms: after.longerThan100Ms - before.longerThan100Ms,
})
