import { execFileSync, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export const PROMETHEUS_FOLDER = fileURLToPath(new URL('../../deploy/prometheus/', import.meta.url))

/** Whether the machine has Debian's package prometheus, or the binaries of another. */
export const hasPrometheus = ['prometheus', 'promtool'].every(
  (command) => spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0,
)
if (!hasPrometheus)
  console.log(
    'prometheus and promtool were not found (Debian: apt-get install prometheus): their tests are skipped',
  )

export const promtool = (...args: string[]): string =>
  execFileSync('promtool', args, { encoding: 'utf8', stdio: 'pipe' })
