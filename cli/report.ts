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

/**
 * Rows under a head, each column as wide as its widest cell. The first is aligned to the left, the others to the right, as
 * figures are, or to the `left` as well where words stand between them.
 */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  others: 'left' | 'right' = 'right',
): string {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => (row[i] ?? '').length)))
  const aligned = (cell: string, i: number) =>
    i === 0 || others === 'left' ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)
  return [head, ...rows]
    .map((row) =>
      head
        .map((_, i) => aligned(row[i] ?? '', i))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
