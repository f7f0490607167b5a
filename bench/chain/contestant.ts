import { type Service, startService } from '@wardline/local'
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
}

export interface WardlineOptions {
  readonly name?: string
  readonly stages?: readonly StageName[]
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
    this.#services = this.#stages.map((stage) =>
      startService(stage, {
        brokers: stack.brokers,
        registryUrl: stack.registryUrl,
        logFolder: stack.logFolder,
        metricsPort: stack.ports.metrics[STAGE_NAMES.indexOf(stage)]!,
        env: { WARDLINE_LOG_LEVEL: 'warn', ...this.#options.env },
        detached: false,
        ...(this.#options.root === undefined ? {} : { root: this.#options.root }),
      }),
    )
    await Promise.all(this.#services.map((service) => service.ready()))
  }

  async stop(): Promise<void> {
    await Promise.all(this.#services.map(({ child }) => child.stop()))
    this.#services = []
  }

  processes(): readonly Process[] {
    return this.#services.map(({ stage, child }) => ({ name: stage, pid: child.pid }))
  }

  /** Text of a stage's metrics. */
  async metrics(stage: StageName): Promise<string> {
    return (await fetch(this.#services.find((service) => service.stage === stage)!.metricsUrl)).text()
  }
}

/** Between which topics each stage stands. */
export const STAGE_TOPICS: Readonly<Record<StageName, { input: string; output: string }>> = {
  normalize: { input: 'feed.events', output: 'events.normalized' },
  classify: { input: 'events.normalized', output: 'events.classified' },
  'comment-risk': { input: 'events.classified', output: 'events.assessed' },
  enforce: { input: 'events.assessed', output: 'enforcement.decisions' },
}
