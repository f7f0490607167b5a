import { readSettings } from '@wardline/stream'

/** How to reach the broker and the schema registry. */
export interface ClientSettings {
  /** Each as host:port. */
  readonly brokers: readonly string[]
  /** Confluent-compatible API of the schema registry, such as https://registry.example.org/apis/ccompat/v7. */
  readonly registry: { readonly url: string; readonly username?: string; readonly passwordFile?: string }
  readonly tls?: { readonly caFile?: string; readonly certFile?: string; readonly keyFile?: string }
  readonly sasl?: {
    readonly mechanism: 'scram-sha-256' | 'scram-sha-512'
    readonly username: string
    /** File that holds the password, so that it is in no environment listing. */
    readonly passwordFile: string
  }
  /** How the broker's logs and quotas name this client. */
  readonly clientId: string
  /** Of the JSON lines on standard output; `silent` where absent. */
  readonly logLevel?: 'error' | 'warn' | 'info' | 'debug' | 'silent'
}

/**
 * From the same WARDLINE_* variables that the services read: WARDLINE_BROKERS, WARDLINE_REGISTRY_URL, WARDLINE_TLS…,
 * WARDLINE_SASL…. Throws an error named InvalidSettings that names everything wrong at once.
 */
export function clientSettings(
  clientId: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): ClientSettings {
  const { broker, registry } = readSettings(env)
  return { ...broker, registry, clientId }
}
