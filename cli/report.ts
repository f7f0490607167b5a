import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'

const ROOT = new URL('../', import.meta.url)

/** What every report says beside its figures. */
export interface ReportHead {
  readonly commit: string
  readonly machine: {
    readonly cpu: string
    readonly cores: number
    readonly memoryGiB: number
    readonly node: string
  }
  readonly startedAt: string
}

export function reportHead(startedAt: Date): ReportHead {
  return {
    commit: commit(),
    machine: {
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      node: process.version,
    },
    startedAt: startedAt.toISOString(),
  }
}

function commit(): string {
  try {
    const git = (...args: string[]) =>
      execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
    return (
      git('rev-parse', '--short=12', 'HEAD') +
      (git('status', '--porcelain', '--untracked-files=no') === '' ? '' : '+changes')
    )
  } catch {
    return 'unknown'
  }
}

/** Writes `.wardline/reports/<target>.json`; returns its path relative to the project. */
export function writeReport(target: string, report: object): string {
  const folder = new URL('.wardline/reports/', ROOT)
  mkdirSync(folder, { recursive: true })
  writeFileSync(new URL(`${target}.json`, folder), `${JSON.stringify(report, null, 2)}\n`)
  return `.wardline/reports/${target}.json`
}
