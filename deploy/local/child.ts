import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { appendFileSync, closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { LocalStackProblem } from './problems.ts'

export interface ChildOptions {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly logFile: string
  readonly env?: Readonly<Record<string, string>>
  /** Goes on when this process ends. Otherwise it ends with it. */
  readonly detached: boolean
}

/** A process of the stack. */
export interface Child {
  readonly name: string
  readonly pid: number
  readonly logFile: string
  readonly exited: Promise<void>
  hasExited(): boolean
  signal(signal: NodeJS.Signals): void
  /** SIGTERM, and SIGKILL where that is not heeded in time. */
  stop(withinMs?: number): Promise<void>
}

const STOP_WITHIN_MS = 15_000
/** util-linux can have the kernel end a child when its parent dies, even by SIGKILL. */
const hasSetpriv =
  process.platform === 'linux' && !spawnSync('setpriv', ['--version'], { stdio: 'ignore' }).error

/** Attached children that run. Where this process ends without stopping them (an uncaught error), they end too. */
const attached = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of attached) child.kill('SIGKILL')
})

export function startChild(options: ChildOptions): Child {
  mkdirSync(dirname(options.logFile), { recursive: true })
  const log = openSync(options.logFile, 'a')
  const tied = !options.detached && hasSetpriv
  const command = tied ? 'setpriv' : options.command
  const args = tied ? ['--pdeathsig', 'KILL', '--', options.command, ...options.args] : [...options.args]
  const child: ChildProcess = spawn(command, args, {
    stdio: ['ignore', log, log],
    env: { ...process.env, ...options.env },
    // Its own group: Ctrl-C in the terminal reaches us alone, and we end the stack in order.
    detached: true,
  })
  closeSync(log)
  if (options.detached) child.unref()
  else attached.add(child)
  let over = false
  const exited = new Promise<void>((resolve) => {
    const end = () => {
      over = true
      attached.delete(child)
      resolve()
    }
    child.once('exit', end)
    child.once('error', (error) => {
      if (child.pid !== undefined) return
      appendFileSync(options.logFile, `${command} could not be started: ${error.message}\n`)
      end()
    })
  })
  const signal = (name: NodeJS.Signals) => {
    if (!over) child.kill(name)
  }
  return {
    name: options.name,
    pid: child.pid ?? -1,
    logFile: options.logFile,
    exited,
    hasExited: () => over,
    signal,
    async stop(withinMs = STOP_WITHIN_MS) {
      signal('SIGTERM')
      const late = setTimeout(() => signal('SIGKILL'), withinMs)
      await exited
      clearTimeout(late)
    },
  }
}

/** Asks `ready` until it says yes. Throws with the end of the log where the process ends first or time runs out. */
export async function untilReady(
  child: Child,
  ready: () => Promise<boolean>,
  withinMs: number,
): Promise<void> {
  const until = performance.now() + withinMs
  while (!(await ready().catch(() => false))) {
    if (child.hasExited())
      throw new LocalStackProblem(
        `${child.name} ended at start; the end of ${child.logFile}:\n${endOf(child.logFile)}`,
      )
    if (performance.now() > until) {
      throw new LocalStackProblem(
        `${child.name} was not ready within ${withinMs / 1000} s; the end of ${child.logFile}:\n${endOf(child.logFile)}`,
      )
    }
    await delay(50)
  }
}

function endOf(file: string): string {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-12).join('\n')
}

/**
 * When a process started; null where there is none. Together with the pid it names one process for ever: on Linux it
 * is the boot and the kernel's ticks since then, since ticks alone begin anew with every boot.
 */
export function startTimeOf(pid: number): string | null {
  if (process.platform !== 'linux') {
    const { status, stdout } = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' })
    return status === 0 ? stdout.trim() : null
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return state === 'Z' || fields[18] === undefined ? null : `${bootId()}/${fields[18]}`
  } catch {
    return null
  }
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
}

/** Ends a process that another command started, if it is still the same one. */
export async function stopByPid(pid: number, startTime: string, withinMs = STOP_WITHIN_MS): Promise<void> {
  const alive = () => startTimeOf(pid) === startTime
  const signal = (name: NodeJS.Signals) => {
    try {
      if (alive()) process.kill(pid, name)
    } catch (error) {
      // It ended between the question and the signal.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
  signal('SIGTERM')
  const until = performance.now() + withinMs
  while (alive() && performance.now() < until) await delay(50)
  signal('SIGKILL')
  while (alive()) await delay(20)
}
