import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { connect as connectSocket } from 'node:net'
import { applyAcls, readAcls } from '@wardline/access'
import { type RegistryOptions, registerSchemas } from '@wardline/events'
import {
  applyTopics,
  createKafka,
  createLogger,
  PartitionCountMismatch,
  readSettings,
  STAGE_NAMES,
  TOPIC_SPECS,
  wantedTopics,
} from '@wardline/stream'
import type { Kafka } from 'kafkajs'
import { z } from 'zod'
import { ensureArtifacts } from './artifacts.ts'
import { BROKER, startBroker } from './broker.ts'
import { type Child, startTimeOf, stopByPid, untilReady } from './child.ts'
import { type Console, startConsole } from './console.ts'
import { ADMIN, type Credentials, clientEnvironment, createCredentials, type User } from './credentials.ts'
import { interruption } from './interruption.ts'
import { checkPorts, freePorts, portsFromEnvironment, type StackPorts } from './ports.ts'
import { LocalStackProblem } from './problems.ts'
import { REGISTRY, registryUrl, startRegistry } from './registry.ts'
import { type Service, startService } from './services.ts'

export interface StackOptions {
  /** Data, logs and `stack.json`. */
  readonly folder: string
  readonly partitions: number
  readonly log: (line: string) => void
  /** Absent: from the environment. */
  readonly ports?: StackPorts
  /** Goes on when this process ends; `stopStack` ends it. */
  readonly detached?: boolean
  /** Without the four services: for tests that start them themselves. */
  readonly withoutServices?: boolean
  /** With the console. */
  readonly console?: boolean
  /** Port that clients are told instead of the broker's own: for tests that put a proxy in front of it. */
  readonly advertisedKafkaPort?: number
  /** TLS, SCRAM and the access rules of deploy/security/acls.yaml. Needs a folder that no stack has used. */
  readonly secured?: boolean
}

export interface Stack {
  readonly brokers: readonly string[]
  readonly registryUrl: string
  readonly services: readonly Service[]
  readonly console: Console | null
  readonly broker: Child
  readonly registry: Child
  readonly ports: StackPorts
  readonly logFolder: string
  /** Of a secured stack. */
  readonly credentials: Credentials | null
  /** The result of the work, unless Ctrl-C or SIGTERM comes first: then it rejects, and `stop` is to be called. */
  orInterrupted<T>(work: Promise<T>): Promise<T>
  /** Starts the broker again on the same data, after it was stopped or killed. */
  restartBroker(): Promise<Child>
  restartRegistry(): Promise<Child>
  stop(): Promise<void>
}

/** What `stack.json` says of a detached stack: how to reach it, and its processes in the order of their start. */
const StackFile = z.object({
  brokers: z.array(z.string()),
  registryUrl: z.string(),
  processes: z.array(z.object({ name: z.string(), pid: z.number().int().positive(), startTime: z.string() })),
})
export type StackFile = z.infer<typeof StackFile>

const BROKER_READY_WITHIN_MS = 60_000
const REGISTRY_READY_WITHIN_MS = 90_000

const stackFile = (folder: string) => `${folder}/stack.json`

/** Starts broker, registry, topics, schemas and services; resolves when all are ready, or throws LocalStackProblem with nothing left running. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { folder, log } = options
  const detached = options.detached ?? false
  mkdirSync(folder, { recursive: true })
  if ((readStack(folder)?.processes.length ?? 0) > 0) {
    throw new LocalStackProblem('The local stack is running already: use it, or end it with make down.')
  }
  const ports = options.ports ?? portsFromEnvironment(process.env)
  await checkPorts(ports)
  const artifacts = await ensureArtifacts(log)

  const logFolder = `${folder}/logs`
  const { advertisedKafkaPort } = options
  const brokers = [`127.0.0.1:${advertisedKafkaPort ?? ports.kafka}`]
  const url = registryUrl(ports.registry)
  const credentials = options.secured ? createCredentials(`${folder}/credentials`) : null
  const internalPort = (await freePorts()).kafka
  const security = credentials && { credentials, internalPort }
  const environmentOf = (user: User) => (credentials ? clientEnvironment(credentials, user) : {})
  const infrastructure: Child[] = []
  let services: Service[] = []
  let console: Console | null = null
  /** Everything but broker and registry: what ends first. */
  const clients = () => [...services.map(({ child }) => child), ...(console ? [console.child] : [])]
  /** Written with every start, so that a start that is killed half way leaves nothing that `stopStack` cannot find. */
  const record = () => {
    if (!detached) return
    const children = [...infrastructure, ...clients()]
    writeStackFile(folder, {
      brokers,
      registryUrl: url,
      processes: children.filter((child) => !child.hasExited() && child.pid > 0).map(identify),
    })
  }
  const launched = (child: Child) => {
    infrastructure.push(child)
    record()
    return child
  }
  const launchBroker = () =>
    startBroker({
      artifacts,
      folder: `${folder}/kafka`,
      logFolder,
      port: ports.kafka,
      controllerPort: ports.controller,
      ...(advertisedKafkaPort === undefined ? {} : { advertisedPort: advertisedKafkaPort, internalPort }),
      ...(security && { security }),
      detached,
    })
  const launchRegistry = () =>
    startRegistry({
      artifacts,
      logFolder,
      port: ports.registry,
      bootstrapServers: security ? `127.0.0.1:${security.internalPort}` : brokers[0]!,
      ...(credentials && { credentials }),
      detached,
    })
  const brokerReady = (child: Child) => untilReady(child, () => answers(ports.kafka), BROKER_READY_WITHIN_MS)
  const registryReady = (child: Child) =>
    untilReady(child, async () => (await fetch(`${url}/subjects`)).ok, REGISTRY_READY_WITHIN_MS)

  const interrupted = interruption()
  try {
    log('starting the broker and the registry …')
    let broker = launched(launchBroker())
    // It waits for the broker by itself, and most of its start is its own; but it would end where it has no rights yet.
    const early = security ? null : launched(launchRegistry())
    await interrupted.orDone(brokerReady(broker))
    const { broker: admin } = readSettings({
      WARDLINE_BROKERS: brokers.join(','),
      WARDLINE_REGISTRY_URL: url,
      ...environmentOf(ADMIN),
    })
    const kafka = createKafka(
      admin,
      'wardline-local',
      createLogger({ service: 'wardline-local', level: 'silent' }),
    )
    await interrupted.orDone(prepareTopics(kafka, options.partitions))
    if (security) await interrupted.orDone(applyAcls(kafka, readAcls()))
    let registry = early ?? launched(launchRegistry())
    await interrupted.orDone(registryReady(registry))
    await interrupted.orDone(registerTopicSchemas({ url }))
    if (!options.withoutServices) {
      log('starting normalize, classify, comment-risk and enforce …')
      services = STAGE_NAMES.map((stage, i) =>
        startService(stage, {
          brokers,
          registryUrl: url,
          logFolder,
          metricsPort: ports.metrics[i]!,
          env: environmentOf(`wardline-${stage}`),
          detached,
        }),
      )
      record()
      await interrupted.orDone(Promise.all(services.map((service) => service.ready())))
    }
    if (options.console) {
      console = startConsole({
        brokers,
        registryUrl: url,
        logFolder,
        folder: `${folder}/console`,
        port: ports.console,
        metricsPorts: ports.metrics,
        env: environmentOf('wardline-console'),
        detached,
      })
      record()
      await interrupted.orDone(console.ready())
    }
    return {
      brokers,
      registryUrl: url,
      services,
      console,
      get broker() {
        return broker
      },
      get registry() {
        return registry
      },
      ports,
      logFolder,
      credentials,
      orInterrupted: interrupted.orDone,
      async restartBroker() {
        broker = launched(launchBroker())
        await brokerReady(broker)
        return broker
      },
      async restartRegistry() {
        registry = launched(launchRegistry())
        await registryReady(registry)
        return registry
      },
      async stop() {
        interrupted.release()
        await stopAll(clients(), infrastructure)
        if (detached) rmSync(stackFile(folder), { force: true })
      },
    }
  } catch (error) {
    interrupted.release()
    await stopAll(clients(), infrastructure)
    if (detached) rmSync(stackFile(folder), { force: true })
    throw error
  }
}

/** Ends what `startStack` left running in this folder: services first, then the registry, then the broker. */
export async function stopStack(
  folder: string,
  options: { wipe: boolean; log: (line: string) => void },
): Promise<void> {
  const running = readStack(folder)?.processes ?? []
  const stop = ({ pid, startTime }: StackFile['processes'][number]) => stopByPid(pid, startTime)
  await Promise.all(running.filter(({ name }) => !isInfrastructure(name)).map(stop))
  for (const process of running.filter(({ name }) => isInfrastructure(name)).reverse()) await stop(process)
  rmSync(stackFile(folder), { force: true })
  options.log(running.length === 0 ? 'nothing was running' : `${running.length} processes ended`)
  if (options.wipe) rmSync(folder, { recursive: true, force: true })
}

async function prepareTopics(kafka: Kafka, partitions: number): Promise<void> {
  try {
    await applyTopics({ kafka, wanted: wantedTopics({ partitions, replicationFactor: 1 }) })
  } catch (error) {
    if (!(error instanceof PartitionCountMismatch)) throw error
    throw new LocalStackProblem(`${error.message}\nOr begin with empty data: bin/wardline down --wipe.`)
  }
}

/** Registers the schema of every topic that has one. Returns ids by subject. */
export function registerTopicSchemas(registry: RegistryOptions): Promise<Map<string, number>> {
  const subjects = TOPIC_SPECS.flatMap(({ topic, record }) =>
    record === null ? [] : [{ subject: `${topic}-value`, record }],
  )
  return registerSchemas(registry, subjects)
}

/** The detached stack of this folder with those of its processes that run; null where none was started. */
export function readStack(folder: string): StackFile | null {
  const file = stackFile(folder)
  if (!existsSync(file)) return null
  let content: StackFile
  try {
    content = StackFile.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    throw new LocalStackProblem(
      `${file} is damaged, so the processes of the local stack are not known: end those that run (ps shows them by their folder, ${folder}) and delete the file.`,
    )
  }
  return {
    ...content,
    processes: content.processes.filter(({ pid, startTime }) => startTimeOf(pid) === startTime),
  }
}

function writeStackFile(folder: string, content: StackFile): void {
  const partial = `${stackFile(folder)}.partial`
  writeFileSync(partial, `${JSON.stringify(content, null, 2)}\n`)
  renameSync(partial, stackFile(folder))
}

const isInfrastructure = (name: string) => name === BROKER || name === REGISTRY

const identify = (child: Child) => ({
  name: child.name,
  pid: child.pid,
  startTime: startTimeOf(child.pid) ?? '',
})

/** Services leave their groups while the broker is there to hear it; the registry goes before the broker that stores its data. */
async function stopAll(clients: readonly Child[], infrastructure: readonly Child[]): Promise<void> {
  await Promise.all(clients.map((child) => child.stop()))
  for (const child of [...infrastructure].reverse()) await child.stop()
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectSocket(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
