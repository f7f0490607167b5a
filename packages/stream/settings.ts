import { accessSync, constants } from 'node:fs'
import { z } from 'zod'
import type { BrokerSettings } from './client/kafka.ts'

/** Thrown at start when settings are wrong; the message names every one of them. */
export class InvalidSettings extends Error {
  override readonly name = 'InvalidSettings'
}

const FILES = [
  'WARDLINE_REGISTRY_PASSWORD_FILE',
  'WARDLINE_TLS_CA_FILE',
  'WARDLINE_TLS_CERT_FILE',
  'WARDLINE_TLS_KEY_FILE',
  'WARDLINE_SASL_PASSWORD_FILE',
  'WARDLINE_METRICS_TOKEN_FILE',
] as const

const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost'])
const isLoopbackOnly = (brokers: readonly string[]) =>
  brokers.every((broker) => LOOPBACK.has(broker.slice(0, broker.lastIndexOf(':'))))

function isReadable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK)
    return true
  } catch {
    return false
  }
}

/** Of the traces that begin here, where nothing else is said. */
const TRACE_SHARE = 0.01

const hostAndPort = /^[^\s:,]+:\d{1,5}$/
const milliseconds = (fallback: number, least: number, most: number) =>
  z.coerce.number().int().min(least).max(most).default(fallback)

const environment = z
  .object({
    WARDLINE_BROKERS: z
      .string({ error: 'is missing; give the brokers as host:port, separated by commas' })
      .transform((text) => text.split(',').map((part) => part.trim()))
      .refine(
        (list) => list.every((entry) => hostAndPort.test(entry)),
        'must be host:port, separated by commas',
      ),
    WARDLINE_REGISTRY_URL: z
      .string({
        error: 'is missing; give the address of the Confluent-compatible API of the schema registry',
      })
      .refine((text) => URL.canParse(text) && /^https?:/.test(text), 'must be an http(s) address'),
    WARDLINE_REGISTRY_USERNAME: z.string().optional(),
    WARDLINE_REGISTRY_PASSWORD_FILE: z.string().optional(),
    WARDLINE_TLS: z.enum(['true', 'false']).default('false'),
    WARDLINE_TLS_CA_FILE: z.string().optional(),
    WARDLINE_TLS_CERT_FILE: z.string().optional(),
    WARDLINE_TLS_KEY_FILE: z.string().optional(),
    WARDLINE_SASL_MECHANISM: z.enum(['scram-sha-256', 'scram-sha-512']).optional(),
    WARDLINE_SASL_USERNAME: z.string().optional(),
    WARDLINE_SASL_PASSWORD_FILE: z.string().optional(),
    WARDLINE_METRICS_HOST: z.string().default('127.0.0.1'),
    WARDLINE_METRICS_TOKEN_FILE: z.string().optional(),
    WARDLINE_METRICS_OPEN: z.enum(['true', 'false']).default('false'),
    WARDLINE_METRICS_PORT: z.coerce.number().int().min(0).max(65_535).default(9464),
    WARDLINE_OTLP_ENDPOINT: z
      .string()
      .refine((text) => URL.canParse(text) && /^https?:/.test(text), 'must be an http(s) address')
      .optional(),
    WARDLINE_TRACE_SHARE: z.coerce.number().min(0).max(1).optional(),
    WARDLINE_LOG_LEVEL: z
      .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
      .default('info'),
    WARDLINE_SESSION_TIMEOUT_MS: milliseconds(6_000, 1_000, 300_000),
    WARDLINE_HEARTBEAT_INTERVAL_MS: milliseconds(1_500, 100, 60_000),
    // Below the session: a rebalance also waits for members that are dead, until this or their session ends.
    WARDLINE_REBALANCE_TIMEOUT_MS: milliseconds(3_000, 1_000, 600_000),
    WARDLINE_TRANSACTION_TIMEOUT_MS: milliseconds(15_000, 1_000, 900_000),
    WARDLINE_FETCH_MAX_WAIT_MS: milliseconds(100, 1, 5_000),
    WARDLINE_TRANSACTION_INTERVAL_MS: milliseconds(20, 0, 5_000),
    WARDLINE_MAX_TRANSACTION_RECORDS: z.coerce.number().int().min(1).max(100_000).default(4_000),
    WARDLINE_SHUTDOWN_TIMEOUT_MS: milliseconds(10_000, 100, 300_000),
  })
  .superRefine((env, context) => {
    const together = (names: (keyof typeof env)[]) => {
      const given = names.filter((name) => env[name] !== undefined)
      if (given.length === 0 || given.length === names.length) return
      for (const name of names) {
        if (env[name] === undefined) {
          context.addIssue({
            code: 'custom',
            path: [name],
            message: `is needed where ${given.join(' and ')} is given`,
          })
        }
      }
    }
    for (const name of FILES) {
      const file = env[name]
      if (file !== undefined && !isReadable(file))
        context.addIssue({ code: 'custom', path: [name], message: `${file} cannot be read` })
    }
    if (
      env.WARDLINE_SASL_MECHANISM !== undefined &&
      env.WARDLINE_TLS === 'false' &&
      !isLoopbackOnly(env.WARDLINE_BROKERS)
    ) {
      context.addIssue({
        code: 'custom',
        path: ['WARDLINE_TLS'],
        message: 'must be true where a login is sent to another machine',
      })
    }
    const registry = URL.parse(env.WARDLINE_REGISTRY_URL)
    if (
      env.WARDLINE_REGISTRY_USERNAME !== undefined &&
      registry?.protocol === 'http:' &&
      !LOOPBACK.has(registry.hostname)
    ) {
      context.addIssue({
        code: 'custom',
        path: ['WARDLINE_REGISTRY_URL'],
        message: 'must be https where a login is sent to another machine',
      })
    }
    if (
      !LOOPBACK.has(env.WARDLINE_METRICS_HOST) &&
      env.WARDLINE_METRICS_TOKEN_FILE === undefined &&
      env.WARDLINE_METRICS_OPEN !== 'true'
    ) {
      context.addIssue({
        code: 'custom',
        path: ['WARDLINE_METRICS_HOST'],
        message:
          'makes the metrics readable from other machines: give WARDLINE_METRICS_TOKEN_FILE, or say WARDLINE_METRICS_OPEN=true',
      })
    }
    if (env.WARDLINE_TRACE_SHARE !== undefined && env.WARDLINE_OTLP_ENDPOINT === undefined) {
      context.addIssue({
        code: 'custom',
        path: ['WARDLINE_TRACE_SHARE'],
        message: 'says how many traces are recorded, and needs WARDLINE_OTLP_ENDPOINT to send them to',
      })
    }
    together(['WARDLINE_SASL_MECHANISM', 'WARDLINE_SASL_USERNAME', 'WARDLINE_SASL_PASSWORD_FILE'])
    together(['WARDLINE_REGISTRY_USERNAME', 'WARDLINE_REGISTRY_PASSWORD_FILE'])
    together(['WARDLINE_TLS_CERT_FILE', 'WARDLINE_TLS_KEY_FILE'])
    if (env.WARDLINE_HEARTBEAT_INTERVAL_MS * 3 > env.WARDLINE_SESSION_TIMEOUT_MS) {
      context.addIssue({
        code: 'custom',
        path: ['WARDLINE_HEARTBEAT_INTERVAL_MS'],
        message:
          'must be at most a third of WARDLINE_SESSION_TIMEOUT_MS, or one late heartbeat ends the session',
      })
    }
  })

/** Settings of a stage, from WARDLINE_* variables. Times in milliseconds. */
export interface StageSettings {
  readonly broker: BrokerSettings
  readonly registry: { readonly url: string; readonly username?: string; readonly passwordFile?: string }
  readonly metrics: {
    readonly host: string
    readonly port: number
    /** Holds what a scraper of /metrics has to send as its bearer token; absent: nothing is asked for. */
    readonly tokenFile?: string
  }
  /** Where spans go, and the share of the traces begun here that are recorded; absent: no spans. */
  readonly tracing?: { readonly endpoint: string; readonly share: number }
  readonly logLevel: string
  readonly sessionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  readonly rebalanceTimeoutMs: number
  readonly transactionTimeoutMs: number
  readonly fetchMaxWaitMs: number
  readonly transactionIntervalMs: number
  readonly maxTransactionRecords: number
  readonly shutdownTimeoutMs: number
}

/** Reads the settings; throws InvalidSettings that names everything wrong at once. Empty values count as missing. */
export function readSettings(env: Readonly<Record<string, string | undefined>>): StageSettings {
  const given = Object.fromEntries(
    Object.entries(env).filter(([name, value]) => name.startsWith('WARDLINE_') && value !== ''),
  )
  const parsed = environment.safeParse(given)
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`)
    throw new InvalidSettings(`wrong settings:\n${lines.join('\n')}`)
  }
  const e = parsed.data
  return {
    broker: {
      brokers: e.WARDLINE_BROKERS,
      ...(e.WARDLINE_TLS === 'true'
        ? {
            tls: {
              ...(e.WARDLINE_TLS_CA_FILE === undefined ? {} : { caFile: e.WARDLINE_TLS_CA_FILE }),
              ...(e.WARDLINE_TLS_CERT_FILE === undefined ? {} : { certFile: e.WARDLINE_TLS_CERT_FILE }),
              ...(e.WARDLINE_TLS_KEY_FILE === undefined ? {} : { keyFile: e.WARDLINE_TLS_KEY_FILE }),
            },
          }
        : {}),
      ...(e.WARDLINE_SASL_MECHANISM === undefined
        ? {}
        : {
            sasl: {
              mechanism: e.WARDLINE_SASL_MECHANISM,
              username: e.WARDLINE_SASL_USERNAME!,
              passwordFile: e.WARDLINE_SASL_PASSWORD_FILE!,
            },
          }),
    },
    registry: {
      url: e.WARDLINE_REGISTRY_URL,
      ...(e.WARDLINE_REGISTRY_USERNAME === undefined ? {} : { username: e.WARDLINE_REGISTRY_USERNAME }),
      ...(e.WARDLINE_REGISTRY_PASSWORD_FILE === undefined
        ? {}
        : { passwordFile: e.WARDLINE_REGISTRY_PASSWORD_FILE }),
    },
    metrics: {
      host: e.WARDLINE_METRICS_HOST,
      port: e.WARDLINE_METRICS_PORT,
      ...(e.WARDLINE_METRICS_TOKEN_FILE === undefined ? {} : { tokenFile: e.WARDLINE_METRICS_TOKEN_FILE }),
    },
    ...(e.WARDLINE_OTLP_ENDPOINT === undefined
      ? {}
      : { tracing: { endpoint: e.WARDLINE_OTLP_ENDPOINT, share: e.WARDLINE_TRACE_SHARE ?? TRACE_SHARE } }),
    logLevel: e.WARDLINE_LOG_LEVEL,
    sessionTimeoutMs: e.WARDLINE_SESSION_TIMEOUT_MS,
    heartbeatIntervalMs: e.WARDLINE_HEARTBEAT_INTERVAL_MS,
    rebalanceTimeoutMs: e.WARDLINE_REBALANCE_TIMEOUT_MS,
    transactionTimeoutMs: e.WARDLINE_TRANSACTION_TIMEOUT_MS,
    fetchMaxWaitMs: e.WARDLINE_FETCH_MAX_WAIT_MS,
    transactionIntervalMs: e.WARDLINE_TRANSACTION_INTERVAL_MS,
    maxTransactionRecords: e.WARDLINE_MAX_TRANSACTION_RECORDS,
    shutdownTimeoutMs: e.WARDLINE_SHUTDOWN_TIMEOUT_MS,
  }
}
