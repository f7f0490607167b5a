import { freePorts, type Service, startService } from '@wardline/local'
import { STAGE_NAMES, type StageName } from '@wardline/stream'
import type { BenchStack } from './bench-stack.ts'
import type { Process } from './processes.ts'

/** Something that does the chain's work, or a part of it, from one topic to another. */
export interface Contestant {
  readonly name: string
  /** What it reads and where what it answers is seen. */
  readonly input: string
  readonly output: string
  /** Resolves when it is in its groups and waits for records. */
  start(): Promise<void>
  stop(): Promise<void>
  processes(): readonly Process[]
  /** Since its start, by process; absent where nothing tells. */
  garbage?(): Promise<Readonly<Record<string, Collections>>>
}

/** What a process spent in garbage collection. */
export interface Collections {
  readonly seconds: number
  readonly pauses: number
  readonly longerThan10Ms: number
  readonly longerThan100Ms: number
}

export interface WardlineOptions {
  readonly name?: string
  readonly stages?: readonly StageName[]
  /** Processes of each stage; 1 by default. */
  readonly instances?: number
  /** Root of another checkout, for a comparison with an earlier state. */
  readonly root?: string
  readonly env?: Readonly<Record<string, string>>
}

/** Wardline's services as separate processes, as `make up` runs them. */
export class WardlineServices implements Contestant {
  readonly name: string
  readonly input: string
  readonly output: string
  readonly #stack: BenchStack
  readonly #options: WardlineOptions
  readonly #stages: readonly StageName[]
  #services: readonly Service[] = []

  constructor(stack: BenchStack, options: WardlineOptions = {}) {
    this.#stack = stack
    this.#options = options
    this.#stages = options.stages ?? STAGE_NAMES
    this.name = options.name ?? 'wardline'
    this.input = STAGE_TOPICS[this.#stages[0]!].input
    this.output = STAGE_TOPICS[this.#stages.at(-1)!].output
  }

  async start(): Promise<void> {
    const { stack } = this.#stack
    const { instances = 1, root, env } = this.#options
    const services: Service[] = []
    for (let instance = 0; instance < instances; instance++) {
      const { metrics } = instance === 0 ? stack.ports : await freePorts()
      for (const stage of this.#stages)
        services.push(
          startService(stage, {
            brokers: stack.brokers,
            registryUrl: stack.registryUrl,
            logFolder: stack.logFolder,
            metricsPort: metrics[STAGE_NAMES.indexOf(stage)]!,
            env: { WARDLINE_LOG_LEVEL: 'warn', ...env },
            detached: false,
            ...(root === undefined ? {} : { root }),
          }),
        )
    }
    this.#services = services
    await Promise.all(this.#services.map((service) => service.ready()))
  }

  async stop(): Promise<void> {
    await Promise.all(this.#services.map(({ child }) => child.stop()))
    this.#services = []
  }

  processes(): readonly Process[] {
    const many = (this.#options.instances ?? 1) > 1
    return this.#services.map(({ stage, child }, i) => ({
      name: many ? `${stage} ${1 + Math.floor(i / this.#stages.length)}` : stage,
      pid: child.pid,
    }))
  }

  async garbage(): Promise<Readonly<Record<string, Collections>>> {
    const names = this.processes().map(({ name }) => name)
    const all = await Promise.all(
      this.#services.map(async ({ metricsUrl }) => collectionsIn(await (await fetch(metricsUrl)).text())),
    )
    return Object.fromEntries(all.map((each, i) => [names[i]!, each]))
  }
}

/** From prom-client's default metrics: one histogram for each kind of collection. */
function collectionsIn(text: string): Collections {
  const sum = (pattern: RegExp) => {
    let total = 0
    for (const [, value] of text.matchAll(pattern)) total += Number(value)
    return total
  }
  const pauses = sum(/^nodejs_gc_duration_seconds_count\{[^}]*\} (\S+)/gm)
  return {
    seconds: sum(/^nodejs_gc_duration_seconds_sum\{[^}]*\} (\S+)/gm),
    pauses,
    longerThan10Ms: pauses - sum(/^nodejs_gc_duration_seconds_bucket\{[^}]*le="0\.01"[^}]*\} (\S+)/gm),
    longerThan100Ms: pauses - sum(/^nodejs_gc_duration_seconds_bucket\{[^}]*le="0\.1"[^}]*\} (\S+)/gm),
  }
}

/** Between which topics each stage stands. */
export const STAGE_TOPICS: Readonly<Record<StageName, { input: string; output: string }>> = {
  normalize: { input: 'feed.events', output: 'events.normalized' },
  classify: { input: 'events.normalized', output: 'events.classified' },
  'comment-risk': { input: 'events.classified', output: 'events.assessed' },
  enforce: { input: 'events.assessed', output: 'enforcement.decisions' },
}
