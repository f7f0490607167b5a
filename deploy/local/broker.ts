import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import type { Artifacts } from './artifacts.ts'
import { type Child, startChild } from './child.ts'
import { ADMIN, BROKER_NAME, type Credentials } from './credentials.ts'
import { LocalStackProblem } from './problems.ts'

/** Name of its process in messages and in stack.json. */
export const BROKER = 'the broker'

export interface BrokerOptions {
  readonly artifacts: Artifacts
  /** Data, settings and log; keeps its content from start to start. */
  readonly folder: string
  readonly logFolder: string
  readonly port: number
  readonly controllerPort: number
  /** What clients are told to connect to, where something stands in front of the broker. */
  readonly advertisedPort?: number
  /** Where the broker talks to itself, if not where clients do: what stands in front of it must not stand between it and itself. */
  readonly internalPort?: number
  /** TLS, SCRAM and access rules on the clients' port; the registry and the broker itself get one of their own. */
  readonly security?: BrokerSecurity
  readonly detached: boolean
}

export interface BrokerSecurity {
  readonly credentials: Credentials
  readonly internalPort: number
}

/** What a single broker on a small machine needs beside its addresses; the same in a container. */
export const SINGLE_NODE_SETTINGS: Readonly<Record<string, string | number | boolean>> = {
  'auto.create.topics.enable': false,
  'default.replication.factor': 1,
  'offsets.topic.replication.factor': 1,
  'offsets.topic.num.partitions': 8,
  'transaction.state.log.replication.factor': 1,
  'transaction.state.log.min.isr': 1,
  'transaction.state.log.num.partitions': 8,
  'share.coordinator.state.topic.replication.factor': 1,
  'share.coordinator.state.topic.min.isr': 1,
  // One process starting should not wait for others that may come.
  'group.initial.rebalance.delay.ms': 0,
  'group.min.session.timeout.ms': 2_000,
  // A broker that was killed is let in again only when the session of its former life has ended; by default 9 s.
  'broker.session.timeout.ms': 4_000,
  'broker.heartbeat.interval.ms': 500,
  // Each topic of the chain says how long it is kept. The registry's journal says nothing and must stay for ever:
  // with the default of a week the schemas would vanish from a stack that is kept, and their ids be given anew.
  'log.retention.ms': -1,
  // policy.control takes 32 MiB; the others say less themselves.
  'message.max.bytes': 33_554_432,
  'num.network.threads': 2,
  'num.io.threads': 4,
  'log.cleaner.dedupe.buffer.size': 16_777_216,
}

/** Settings of a single KRaft node on the loopback interface, sized for a small machine. */
export function brokerProperties(options: {
  folder: string
  port: number
  controllerPort: number
  advertisedPort?: number
  internalPort?: number
  security?: BrokerSecurity
}): string {
  const { folder, port, controllerPort, advertisedPort = port, internalPort, security } = options
  return `${Object.entries({
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    ...(security
      ? securedListeners(port, advertisedPort, controllerPort, security)
      : plainListeners(port, advertisedPort, controllerPort, internalPort)),
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': `${folder}/data`,
    ...SINGLE_NODE_SETTINGS,
  })
    .map(([name, value]) => `${name}=${value}`)
    .join('\n')}\n`
}

function plainListeners(
  port: number,
  advertisedPort: number,
  controllerPort: number,
  internalPort: number | undefined,
): Record<string, string> {
  const controller = `CONTROLLER://127.0.0.1:${controllerPort}`
  if (internalPort === undefined) {
    return {
      listeners: `PLAINTEXT://127.0.0.1:${port},${controller}`,
      'advertised.listeners': `PLAINTEXT://127.0.0.1:${advertisedPort}`,
    }
  }
  const internal = `INTERNAL://127.0.0.1:${internalPort}`
  return {
    listeners: `PLAINTEXT://127.0.0.1:${port},${internal},${controller}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${advertisedPort},${internal}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'INTERNAL',
  }
}

/** Clients come with a password over TLS; the broker, its controller and the registry with a certificate. */
function securedListeners(
  port: number,
  advertisedPort: number,
  controllerPort: number,
  { credentials, internalPort }: BrokerSecurity,
): Record<string, string> {
  return {
    listeners: `CLIENTS://127.0.0.1:${port},INTERNAL://127.0.0.1:${internalPort},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `CLIENTS://127.0.0.1:${advertisedPort},INTERNAL://127.0.0.1:${internalPort}`,
    'listener.security.protocol.map': 'CLIENTS:SASL_SSL,INTERNAL:SSL,CONTROLLER:SSL',
    'inter.broker.listener.name': 'INTERNAL',
    'ssl.keystore.location': credentials.brokerKeyStore,
    'ssl.keystore.type': 'PKCS12',
    'ssl.keystore.password': credentials.storePassword,
    'ssl.truststore.location': credentials.trustStore,
    'ssl.truststore.type': 'PKCS12',
    'ssl.truststore.password': credentials.storePassword,
    'listener.name.internal.ssl.client.auth': 'required',
    'listener.name.controller.ssl.client.auth': 'required',
    'listener.name.clients.sasl.enabled.mechanisms': 'SCRAM-SHA-512',
    'listener.name.clients.scram-sha-512.sasl.jaas.config':
      'org.apache.kafka.common.security.scram.ScramLoginModule required;',
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'allow.everyone.if.no.acl.found': 'false',
    'super.users': `User:${BROKER_NAME};User:${ADMIN}`,
  }
}

const LOGGING = `status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{ISO8601} %p %c{1} %m%n
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
`

/**
 * For runs of minutes on two shared cores: compiling to the last level and G1's own threads cost more than they bring
 * (p99 of three stages at 500 events/s in the first half minute: 0.4 s against 0.86 s). A benchmark wants others.
 */
const QUICK_START_JVM_OPTIONS = '-XX:+UseSerialGC -XX:TieredStopAtLevel=1'

export function startBroker(options: BrokerOptions): Child {
  const { artifacts, folder, logFolder } = options
  mkdirSync(folder, { recursive: true })
  const properties = `${folder}/server.properties`
  const logging = `${folder}/log4j2.properties`
  writeFileSync(properties, brokerProperties(options), { mode: 0o600 })
  writeFileSync(logging, LOGGING)
  const classpath = `${artifacts.kafkaJars}/*`
  if (!existsSync(`${folder}/data/meta.properties`)) format(classpath, properties, logging, options.security)
  return startChild({
    name: BROKER,
    command: 'java',
    args: [
      '-Xms512m',
      '-Xmx768m',
      ...(process.env.WARDLINE_BROKER_JVM_OPTIONS ?? QUICK_START_JVM_OPTIONS).split(' '),
      `-Dlog4j2.configurationFile=${logging}`,
      '-cp',
      classpath,
      'kafka.Kafka',
      properties,
    ],
    logFile: `${logFolder}/broker.log`,
    detached: options.detached,
  })
}

/** Gives the empty data folder its cluster id, and its users where it has any. */
function format(classpath: string, properties: string, logging: string, security?: BrokerSecurity): void {
  const clusterId = Buffer.from(crypto.randomUUID().replaceAll('-', ''), 'hex').toString('base64url')
  const { status, stderr, stdout } = spawnSync(
    'java',
    [
      `-Dlog4j2.configurationFile=${logging}`,
      '-cp',
      classpath,
      'kafka.tools.StorageTool',
      'format',
      // In one word: one id in sixty-four begins with a hyphen.
      `--cluster-id=${clusterId}`,
      '-c',
      properties,
      ...[...(security?.credentials.passwords ?? [])].flatMap(([user, password]) => [
        '--add-scram',
        `SCRAM-SHA-512=[name=${user},password=${password}]`,
      ]),
    ],
    { encoding: 'utf8' },
  )
  if (status !== 0)
    throw new LocalStackProblem(`the broker's data folder could not be formatted: ${stderr || stdout}`)
}
