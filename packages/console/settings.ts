import { accessSync, constants, readFileSync } from 'node:fs'
import { policyFolder, ruleSetName } from '@wardline/policy'
import {
  InvalidSettings,
  readSettings,
  STAGE_NAMES,
  type StageName,
  type StageSettings,
} from '@wardline/stream'
import { z } from 'zod'
import { type KnownToken, parseTokens, ROLES, type Role } from './access.ts'

const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost'])
const LEAST_SECRET = 24

export interface ProxyLogin {
  readonly userHeader: string
  readonly groupsHeader: string
  /** What the proxy sends in `x-wardline-proxy-secret`: proof that the headers are its own. */
  readonly secret: string
  readonly roles: ReadonlyMap<string, Role>
}

/** Settings of the console, from WARDLINE_* variables. */
export interface ConsoleSettings {
  /** Broker, registry, logging: as of a stage. */
  readonly stage: StageSettings
  readonly host: string
  readonly port: number
  /** Pages reach browsers by https, by a proxy in front. */
  readonly https: boolean
  readonly storeFile: string
  readonly auditFile: string
  readonly tokens: readonly KnownToken[]
  readonly proxy: ProxyLogin | null
  readonly metricsUrls: ReadonlyMap<StageName, readonly string[]>
  readonly metricsToken: string | null
  readonly timeZone: string
  readonly policyFolder: string
  readonly ruleSet: string
  /** Login with which dead letters are replayed; null: the console's own, where the broker asks for none. */
  readonly replayLogin: { readonly username: string; readonly passwordFile: string } | null
}

const environment = z.object({
  WARDLINE_CONSOLE_HOST: z.string().default('127.0.0.1'),
  WARDLINE_CONSOLE_PORT: z.coerce.number().int().min(0).max(65_535).default(9480),
  WARDLINE_CONSOLE_HTTPS: z.enum(['true', 'false']).default('false'),
  WARDLINE_CONSOLE_FOLDER: z.string({ error: 'is missing; give the folder of the store and the audit log' }),
  WARDLINE_CONSOLE_TOKENS_FILE: z.string().optional(),
  WARDLINE_CONSOLE_PROXY_SECRET_FILE: z.string().optional(),
  WARDLINE_CONSOLE_PROXY_USER_HEADER: z.string().default('x-forwarded-email'),
  WARDLINE_CONSOLE_PROXY_GROUPS_HEADER: z.string().default('x-forwarded-groups'),
  WARDLINE_CONSOLE_PROXY_ROLES: z.string().default(''),
  WARDLINE_CONSOLE_METRICS_URLS: z.string().default(''),
  WARDLINE_CONSOLE_METRICS_TOKEN_FILE: z.string().optional(),
  WARDLINE_CONSOLE_TIME_ZONE: z.string().default('UTC'),
  WARDLINE_CONSOLE_REPLAY_USERNAME: z.string().optional(),
  WARDLINE_CONSOLE_REPLAY_PASSWORD_FILE: z.string().optional(),
})

/** Reads the settings; throws InvalidSettings that names everything wrong at once. Empty values count as missing. */
export function readConsoleSettings(env: Readonly<Record<string, string | undefined>>): ConsoleSettings {
  const problems: string[] = []
  const wrong = (name: string, message: string) => void problems.push(`  ${name}: ${message}`)
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''))
  const parsed = environment.safeParse(given)
  if (!parsed.success) {
    for (const issue of parsed.error.issues) wrong(issue.path.join('.'), issue.message)
    throw new InvalidSettings(`wrong settings:\n${problems.join('\n')}`)
  }
  const e = parsed.data
  const secret = (name: keyof typeof e): string | null => {
    const file = e[name] as string | undefined
    if (file === undefined) return null
    try {
      accessSync(file, constants.R_OK)
      return readFileSync(file, 'utf8').trim()
    } catch {
      wrong(name, `${file} cannot be read`)
      return null
    }
  }
  const tokensText = secret('WARDLINE_CONSOLE_TOKENS_FILE')
  const tokens = tokensText === null ? [] : parseTokens(tokensText)
  if (typeof tokens === 'string') wrong('WARDLINE_CONSOLE_TOKENS_FILE', tokens)
  const proxySecret = secret('WARDLINE_CONSOLE_PROXY_SECRET_FILE')
  if (proxySecret !== null && proxySecret.length < LEAST_SECRET)
    wrong('WARDLINE_CONSOLE_PROXY_SECRET_FILE', `must hold at least ${LEAST_SECRET} characters`)
  const proxyRoles = parseRoles(e.WARDLINE_CONSOLE_PROXY_ROLES)
  if (proxyRoles === null)
    wrong(
      'WARDLINE_CONSOLE_PROXY_ROLES',
      `must be group:role, separated by commas; roles: ${ROLES.join(', ')}`,
    )
  else if (proxySecret !== null && proxyRoles.size === 0)
    wrong(
      'WARDLINE_CONSOLE_PROXY_ROLES',
      'is needed where a proxy logs people in: which group has which role',
    )
  if (e.WARDLINE_CONSOLE_TOKENS_FILE === undefined && e.WARDLINE_CONSOLE_PROXY_SECRET_FILE === undefined)
    wrong(
      'WARDLINE_CONSOLE_TOKENS_FILE',
      'is missing: who may come in? Give it, or WARDLINE_CONSOLE_PROXY_SECRET_FILE for a proxy that logs people in',
    )
  if (!LOOPBACK.has(e.WARDLINE_CONSOLE_HOST) && e.WARDLINE_CONSOLE_HTTPS !== 'true')
    wrong(
      'WARDLINE_CONSOLE_HOST',
      'makes the console reachable from other machines: put TLS in front of it and say WARDLINE_CONSOLE_HTTPS=true',
    )
  const metricsUrls = parseMetricsUrls(e.WARDLINE_CONSOLE_METRICS_URLS)
  if (metricsUrls === null)
    wrong('WARDLINE_CONSOLE_METRICS_URLS', 'must be stage=http://host:port/metrics, separated by commas')
  const metricsToken = secret('WARDLINE_CONSOLE_METRICS_TOKEN_FILE')
  try {
    new Intl.DateTimeFormat('en', { timeZone: e.WARDLINE_CONSOLE_TIME_ZONE })
  } catch {
    wrong('WARDLINE_CONSOLE_TIME_ZONE', 'must be a time zone such as Asia/Shanghai')
  }
  const replay = [e.WARDLINE_CONSOLE_REPLAY_USERNAME, e.WARDLINE_CONSOLE_REPLAY_PASSWORD_FILE]
  if (replay.filter((each) => each !== undefined).length === 1)
    wrong(
      'WARDLINE_CONSOLE_REPLAY_USERNAME',
      'needs WARDLINE_CONSOLE_REPLAY_PASSWORD_FILE, and the other way round',
    )
  if (problems.length > 0) throw new InvalidSettings(`wrong settings:\n${problems.join('\n')}`)
  return {
    stage: readSettings(env),
    host: e.WARDLINE_CONSOLE_HOST,
    port: e.WARDLINE_CONSOLE_PORT,
    https: e.WARDLINE_CONSOLE_HTTPS === 'true',
    storeFile: `${e.WARDLINE_CONSOLE_FOLDER}/store.sqlite`,
    auditFile: `${e.WARDLINE_CONSOLE_FOLDER}/audit.sqlite`,
    tokens: tokens as KnownToken[],
    proxy:
      proxySecret === null
        ? null
        : {
            userHeader: e.WARDLINE_CONSOLE_PROXY_USER_HEADER.toLowerCase(),
            groupsHeader: e.WARDLINE_CONSOLE_PROXY_GROUPS_HEADER.toLowerCase(),
            secret: proxySecret,
            roles: proxyRoles!,
          },
    metricsUrls: metricsUrls!,
    metricsToken,
    timeZone: e.WARDLINE_CONSOLE_TIME_ZONE,
    policyFolder: policyFolder(env),
    ruleSet: ruleSetName(env),
    replayLogin:
      replay[0] === undefined || replay[1] === undefined
        ? null
        : { username: replay[0], passwordFile: replay[1] },
  }
}

const listed = (text: string): string[] =>
  text
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')

function parseRoles(text: string): Map<string, Role> | null {
  const roles = new Map<string, Role>()
  for (const entry of listed(text)) {
    const at = entry.lastIndexOf(':')
    const role = ROLES.find((each) => each === entry.slice(at + 1))
    if (at < 1 || !role) return null
    roles.set(entry.slice(0, at), role)
  }
  return roles
}

function parseMetricsUrls(text: string): Map<StageName, string[]> | null {
  const urls = new Map<StageName, string[]>()
  for (const entry of listed(text)) {
    const at = entry.indexOf('=')
    const stage = STAGE_NAMES.find((each) => each === entry.slice(0, at))
    const url = entry.slice(at + 1)
    if (!stage || !URL.canParse(url) || !/^https?:/.test(url)) return null
    urls.set(stage, [...(urls.get(stage) ?? []), url])
  }
  return urls
}
