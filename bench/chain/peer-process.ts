import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'

const STOP_WITHIN_MS = 15_000

/** A program that is measured beside Wardline. It ends with this process. */
export class PeerProcess {
  readonly #child: ChildProcess
  readonly #logFile: string

  constructor(
    command: string,
    args: readonly string[],
    logFile: string,
    env: NodeJS.ProcessEnv = process.env,
  ) {
    this.#logFile = logFile
    writeFileSync(logFile, '')
    const log = openSync(logFile, 'a')
    this.#child = spawn(command, args, { stdio: ['ignore', log, log], env })
    closeSync(log)
    process.once('exit', this.#kill)
  }

  get pid(): number {
    return this.#child.pid!
  }

  readonly #kill = () => void this.#child.kill('SIGKILL')

  /** Throws with the end of its log where it has ended. */
  mustRun(): void {
    if (this.#child.exitCode === null && this.#child.signalCode === null) return
    throw new Error(`it ended:\n${readFileSync(this.#logFile, 'utf8').split('\n').slice(-15).join('\n')}`)
  }

  async stop(): Promise<void> {
    process.off('exit', this.#kill)
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    const late = setTimeout(this.#kill, STOP_WITHIN_MS)
    await ended
    clearTimeout(late)
  }
}
