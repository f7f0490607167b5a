import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { STAGE_NAMES } from '@wardline/stream'
import { type Child, startChild, untilReady } from './child.ts'

export interface ConsoleOptions {
  readonly brokers: readonly string[]
  readonly registryUrl: string
  readonly logFolder: string
  /** Of the store, the audit log and the tokens. */
  readonly folder: string
  readonly port: number
  /** Ports of the services' metrics, in the order of the chain. */
  readonly metricsPorts: readonly number[]
  /** Lines of the token file; absent: one token that may do everything, made at the first start and kept. */
  readonly tokens?: string
  readonly env?: Readonly<Record<string, string>>
  readonly detached: boolean
}

export interface Console {
  readonly child: Child
  readonly url: string
  /** Signs in whoever opens it. The token is behind #: no server sees it. */
  readonly loginUrl: string
  /** Resolves once it has read all topics to their ends. */
  ready(): Promise<void>
}

const READY_WITHIN_MS = 60_000

/** Starts the console of a local stack with the Node.js that runs this. */
export function startConsole(options: ConsoleOptions): Console {
  const { folder, port, metricsPorts } = options
  mkdirSync(folder, { recursive: true })
  const tokensFile = `${folder}/tokens`
  if (options.tokens !== undefined || !existsSync(tokensFile)) {
    const all = `${randomBytes(24).toString('base64url')} local viewer,reviewer,policy-admin,sre\n`
    writeFileSync(tokensFile, options.tokens ?? all, { mode: 0o600 })
  }
  const [token = ''] = readFileSync(tokensFile, 'utf8').trim().split(/\s/)
  const url = `http://127.0.0.1:${port}`
  const child = startChild({
    name: 'console',
    command: process.execPath,
    args: [
      '--disable-warning=TimeoutNegativeWarning',
      fileURLToPath(new URL('../../services/console/main.ts', import.meta.url)),
    ],
    logFile: `${options.logFolder}/console.log`,
    env: {
      WARDLINE_BROKERS: options.brokers.join(','),
      WARDLINE_REGISTRY_URL: options.registryUrl,
      WARDLINE_CONSOLE_PORT: String(port),
      WARDLINE_CONSOLE_FOLDER: folder,
      WARDLINE_CONSOLE_TOKENS_FILE: tokensFile,
      WARDLINE_CONSOLE_METRICS_URLS: STAGE_NAMES.map(
        (stage, i) => `${stage}=http://127.0.0.1:${metricsPorts[i]}/metrics`,
      ).join(','),
      ...options.env,
    },
    detached: options.detached,
  })
  return {
    child,
    url,
    loginUrl: `${url}/login#${token}`,
    ready: () => untilReady(child, async () => (await fetch(`${url}/readyz`)).ok, READY_WITHIN_MS),
  }
}
