import { readFileSync } from 'node:fs'

/** A process that a contestant runs. */
export interface Process {
  readonly name: string
  readonly pid: number
}

/** Clock ticks a second that /proc counts in: the same on every Linux that Node runs on. */
const TICKS = 100

/** Processor time that a process has used since it began, user and system, seconds. Linux only. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name, in brackets, may hold spaces; the fields after it are counted from state, the third.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS
}

/** Resident memory, MiB. */
export function residentMiB(pid: number): number {
  return Math.round(
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024,
  )
}

/** Processor time of each process by name, seconds. */
export const cpuOf = (processes: readonly Process[]): Record<string, number> =>
  Object.fromEntries(processes.map(({ name, pid }) => [name, cpuSeconds(pid)]))
