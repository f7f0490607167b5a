import type { Artifacts } from './artifacts.ts'
import { type Child, startChild } from './child.ts'
import type { Credentials } from './credentials.ts'

/** Name of its process in messages and in stack.json. */
export const REGISTRY = 'the registry'

export interface RegistryOptions {
  readonly artifacts: Artifacts
  readonly logFolder: string
  readonly port: number
  readonly bootstrapServers: string
  /** With which it shows itself to a secured broker. */
  readonly credentials?: Credentials
  readonly detached: boolean
}

export const registryUrl = (port: number) => `http://127.0.0.1:${port}/apis/ccompat/v7`

/** Settings of Apicurio Registry on the loopback interface, with its storage in the broker. */
export function registryProperties(options: {
  port: number
  bootstrapServers: string
  credentials?: Credentials
}): Record<string, string> {
  const { credentials } = options
  return {
    'quarkus.http.host': '127.0.0.1',
    'quarkus.http.port': String(options.port),
    'quarkus.http.access-log.enabled': 'false',
    'quarkus.banner.enabled': 'false',
    'quarkus.log.level': 'WARN',
    // The program sets its own packages to INFO: a line or more for every request.
    'quarkus.log.category."io.apicurio".level': 'WARN',
    // It warns of a setting in its own defaults.
    'quarkus.log.category."io.quarkus.runtime.configuration".level': 'ERROR',
    'quarkus.log.console.json': 'false',
    'quarkus.log.console.format': "%d{yyyy-MM-dd'T'HH:mm:ss,SSS} %p %c{1} %s%e%n",
    'apicurio.storage.kind': 'kafkasql',
    'apicurio.kafkasql.bootstrap.servers': options.bootstrapServers,
    // At start it looks for snapshots for as long as this, found or not; the default of 5 s was half of its start.
    'apicurio.kafkasql.consumer.poll.timeout': '500',
    ...(credentials && {
      'apicurio.kafkasql.security.protocol': 'SSL',
      'apicurio.kafkasql.ssl.keystore.location': credentials.registryKeyStore,
      'apicurio.kafkasql.ssl.keystore.type': 'PKCS12',
      'apicurio.kafkasql.ssl.keystore.password': credentials.storePassword,
      'apicurio.kafkasql.ssl.key.password': credentials.storePassword,
      'apicurio.kafkasql.security.ssl.truststore.location': credentials.trustStore,
      'apicurio.kafkasql.security.ssl.truststore.type': 'PKCS12',
      'apicurio.kafkasql.ssl.truststore.password': credentials.storePassword,
    }),
  }
}

export function startRegistry(options: RegistryOptions): Child {
  return startChild({
    name: REGISTRY,
    command: 'java',
    args: [
      '-Xms128m',
      '-Xmx256m',
      '-XX:+UseSerialGC',
      '-XX:TieredStopAtLevel=1',
      ...Object.entries(registryProperties(options)).map(([name, value]) => `-D${name}=${value}`),
      '-jar',
      options.artifacts.registryJar,
    ],
    logFile: `${options.logFolder}/registry.log`,
    detached: options.detached,
  })
}
