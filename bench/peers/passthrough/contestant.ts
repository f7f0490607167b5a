import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { BenchStack } from '../../chain/bench-stack.ts'
import type { Contestant } from '../../chain/contestant.ts'
import { PeerProcess } from '../../chain/peer-process.ts'
import type { Process } from '../../chain/processes.ts'

const READY_WITHIN_MS = 60_000

/** Programs that only pass records on: one hop, no decoding, no work. */
const PROGRAMS = {
  'pass-kafkajs': ['kafkajs.ts'],
  'pass-kafkajs-transactional': ['kafkajs.ts', '--transactions'],
  'pass-platformatic': ['platformatic.ts'],
} as const
export type PassThroughName = keyof typeof PROGRAMS
export const isPassThrough = (name: string): name is PassThroughName => name in PROGRAMS

export class PassThrough implements Contestant {
  readonly name: PassThroughName
  readonly input = 'feed.events'
  readonly output = 'events.normalized'
  readonly #stack: BenchStack
  #process: PeerProcess | undefined

  constructor(stack: BenchStack, name: PassThroughName) {
    this.#stack = stack
    this.name = name
  }

  async start(): Promise<void> {
    const { stack } = this.#stack
    const [program, ...args] = PROGRAMS[this.name]
    const logFile = join(stack.logFolder, `${this.name}.log`)
    this.#process = new PeerProcess(
      process.execPath,
      ['--disable-warning=TimeoutNegativeWarning', join(import.meta.dirname, program), ...args],
      logFile,
      { ...process.env, WARDLINE_BROKERS: stack.brokers.join(',') },
    )
    const until = performance.now() + READY_WITHIN_MS
    while (!readFileSync(logFile, 'utf8').includes('RUNNING')) {
      this.#process.mustRun()
      if (performance.now() > until) throw new Error(`${this.name} was not ready in time`)
      await delay(50)
    }
  }

  async stop(): Promise<void> {
    await this.#process?.stop()
  }

  processes(): readonly Process[] {
    return [{ name: this.name, pid: this.#process!.pid }]
  }
}
