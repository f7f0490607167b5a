import type { Artifacts } from './artifacts.ts'
import { type Child, startChild } from './child.ts'

export interface RegistryOptions {
  readonly artifacts: Artifacts
  readonly logFolder: string
  readonly port: number
  readonly bootstrapServers: string
  readonly detached: boolean
}

export const registryUrl = (port: number) => `http://127.0.0.1:${port}/apis/ccompat/v7`

/** Apicurio Registry with its storage in the broker itself. */
export function startRegistry(options: RegistryOptions): Child {
  return startChild({
    name: 'the registry',
    command: 'java',
    args: [
      '-Xms128m',
      '-Xmx256m',
      '-XX:+UseSerialGC',
      '-XX:TieredStopAtLevel=1',
      '-Dquarkus.http.host=127.0.0.1',
      `-Dquarkus.http.port=${options.port}`,
      '-Dquarkus.http.access-log.enabled=false',
      '-Dquarkus.log.level=WARN',
      '-Dquarkus.log.console.json=false',
      '-Dapicurio.storage.kind=kafkasql',
      `-Dapicurio.kafkasql.bootstrap.servers=${options.bootstrapServers}`,
      '-jar',
      `${options.artifacts.registry}/apicurio-registry-app-3.0.9-runner.jar`,
    ],
    logFile: `${options.logFolder}/registry.log`,
    detached: options.detached,
  })
}
