import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { StageName } from '@wardline/stream'
import { type Child, startChild, untilReady } from './child.ts'

export interface ServiceOptions {
  readonly brokers: readonly string[]
  readonly registryUrl: string
  readonly logFolder: string
  readonly metricsPort: number
  readonly env?: Readonly<Record<string, string>>
  readonly detached: boolean
  /** Root of the checkout that it is started from; absent: this one. */
  readonly root?: string
}

export interface Service {
  readonly stage: StageName
  readonly child: Child
  readonly metricsUrl: string
  /** Resolves once `/readyz` says so. */
  ready(): Promise<void>
}

const READY_WITHIN_MS = 60_000

/** Of every stage's process; those of the image (deploy/images/services/Dockerfile) but for the last. */
const RUNTIME_FLAGS = [
  // kafkajs sets timers with negative delays; they fire at once, as it means them to.
  '--disable-warning=TimeoutNegativeWarning',
  // MiB. Holds a transaction's records: with the default 16 they are copied while they wait (docs/performance.md).
  '--max-semi-space-size=64',
  // MiB. Four partitions with every store full take three quarters of it in comment-risk, the largest; by the machine's memory
  // alone Node.js would let garbage gather up to 4 GiB before it collects in earnest.
  '--max-old-space-size=2048',
]

/** Starts one stage with the Node.js that runs this. */
export function startService(stage: StageName, options: ServiceOptions): Service {
  const { root = fileURLToPath(new URL('../../', import.meta.url)) } = options
  const main = join(root, 'services', stage, 'main.ts')
  const address = `http://127.0.0.1:${options.metricsPort}`
  const child = startChild({
    name: stage,
    command: process.execPath,
    args: [...RUNTIME_FLAGS, main],
    logFile: `${options.logFolder}/${stage}.log`,
    env: {
      WARDLINE_BROKERS: options.brokers.join(','),
      WARDLINE_REGISTRY_URL: options.registryUrl,
      WARDLINE_METRICS_HOST: '127.0.0.1',
      WARDLINE_METRICS_PORT: String(options.metricsPort),
      ...options.env,
    },
    detached: options.detached,
  })
  return {
    stage,
    child,
    metricsUrl: `${address}/metrics`,
    ready: () => untilReady(child, async () => (await fetch(`${address}/readyz`)).ok, READY_WITHIN_MS),
  }
}
