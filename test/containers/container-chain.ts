import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type AuditReport, audit, balances } from '@wardline/cli/audit'
import { connect } from '@wardline/cli/connection'
import { freePorts, SINGLE_NODE_SETTINGS } from '@wardline/local'
import type { Connection } from '@wardline/records'
import { STAGE_NAMES, type StageName } from '@wardline/stream'
import {
  GenericContainer,
  Network,
  type StartedNetwork,
  type StartedTestContainer,
  Wait,
} from 'testcontainers'
import { docker } from '../../deploy/images/engine.ts'
import { basesFromEnvironment, imageNames, kafkaVariable } from '../../deploy/images/names.ts'

const METRICS_PORT = 9464
const REGISTRY_PORT = 8080
const PARTITIONS = 3
const TOKEN_FILE = '/run/secrets/metrics-token'
export const METRICS_TOKEN = 'a token for the scrape'
const CONSOLE_PORT = 9480
/** A restart too; a machine that is busy with other things takes its time. */
const STARTS_WITHIN_MS = 180_000
const CONSOLE_TOKENS_FILE = '/run/secrets/console-tokens'
export const CONSOLE_TOKEN = 'a-token-for-whoever-looks'

/** Where the containers find broker and registry. */
const addresses = {
  WARDLINE_BROKERS: 'broker:19092',
  WARDLINE_REGISTRY_URL: `http://registry:${REGISTRY_PORT}/apis/ccompat/v7`,
}

/** A single node that the host reaches on `hostPort` and the containers as broker:19092. */
function brokerEnvironment(hostPort: number): Record<string, string> {
  const settings = {
    'node.id': 1,
    'process.roles': 'broker,controller',
    'controller.quorum.voters': '1@localhost:9093',
    'controller.listener.names': 'CONTROLLER',
    listeners: 'HOST://:9092,INTERNAL://:19092,CONTROLLER://:9093',
    'advertised.listeners': `HOST://localhost:${hostPort},INTERNAL://broker:19092`,
    'listener.security.protocol.map': 'HOST:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'INTERNAL',
    ...SINGLE_NODE_SETTINGS,
  }
  return Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [kafkaVariable(name), String(value)]),
  )
}

/** As a deployment runs it: nothing of its own file system can be written, no capability, no new privileges. */
class HardenedContainer extends GenericContainer {
  constructor(image: string) {
    super(image)
    this.hostConfig.ReadonlyRootfs = true
    this.hostConfig.CapDrop = ['ALL']
    this.hostConfig.SecurityOpt = ['no-new-privileges']
  }
}

export interface ContainerState {
  readonly user: string
  readonly exitCode: number
  readonly running: boolean
}

/** Broker, registry, the four services and the console, each in a container, on a network of the test's own. */
export class ContainerChain {
  readonly connection: Connection
  readonly broker: StartedTestContainer
  readonly registry: StartedTestContainer
  readonly services: ReadonlyMap<StageName, StartedTestContainer>
  readonly console: StartedTestContainer
  readonly #release: () => Promise<void>

  private constructor(parts: {
    connection: Connection
    broker: StartedTestContainer
    registry: StartedTestContainer
    services: ReadonlyMap<StageName, StartedTestContainer>
    console: StartedTestContainer
    release: () => Promise<void>
  }) {
    this.connection = parts.connection
    this.broker = parts.broker
    this.registry = parts.registry
    this.services = parts.services
    this.console = parts.console
    this.#release = parts.release
  }

  /** Resolves when every container says that it is healthy; leaves nothing behind where one does not. */
  static async start(): Promise<ContainerChain> {
    // What ends abandoned containers is an image itself, and cannot be had where no registry is; `stop` ends them here.
    if (basesFromEnvironment(process.env) === 'debootstrap')
      process.env.TESTCONTAINERS_RYUK_DISABLED ??= 'true'
    const images = imageNames(process.env)
    const folder = mkdtempSync(join(tmpdir(), 'wardline-containers-'))
    const tokenFile = join(folder, 'metrics-token')
    writeFileSync(tokenFile, METRICS_TOKEN)
    const consoleTokensFile = join(folder, 'console-tokens')
    writeFileSync(consoleTokensFile, `${CONSOLE_TOKEN} tester viewer\n`)
    const started: StartedTestContainer[] = []
    let network: StartedNetwork | undefined
    const release = async () => {
      // Also those that a test has stopped or killed.
      const ids = started.map((container) => container.getId())
      if (ids.length > 0) await docker(['rm', '--force', '--volumes', ...ids])
      await network?.stop()
      rmSync(folder, { recursive: true, force: true })
    }
    const launch = async (container: GenericContainer) => {
      const running = await container.withStartupTimeout(STARTS_WITHIN_MS).start()
      started.push(running)
      return running
    }
    try {
      const inNetwork = (network = await new Network().start())
      const hostPort = (await freePorts()).kafka
      const broker = await launch(
        new GenericContainer(images.broker)
          .withNetwork(inNetwork)
          .withNetworkAliases('broker')
          .withEnvironment(brokerEnvironment(hostPort))
          .withExposedPorts({ container: 9092, host: hostPort })
          .withWaitStrategy(Wait.forListeningPorts()),
      )
      const registry = await launch(
        new GenericContainer(images.registry)
          .withNetwork(inNetwork)
          .withNetworkAliases('registry')
          .withEnvironment({
            APICURIO_STORAGE_KIND: 'kafkasql',
            APICURIO_KAFKASQL_BOOTSTRAP_SERVERS: 'broker:19092',
            APICURIO_KAFKASQL_CONSUMER_POLL_TIMEOUT: '500',
            QUARKUS_LOG_LEVEL: 'WARN',
          })
          .withExposedPorts(REGISTRY_PORT)
          .withWaitStrategy(Wait.forHttp('/apis/ccompat/v7/subjects', REGISTRY_PORT)),
      )
      const connection = connect({
        WARDLINE_BROKERS: `localhost:${hostPort}`,
        WARDLINE_REGISTRY_URL: `http://localhost:${registry.getMappedPort(REGISTRY_PORT)}/apis/ccompat/v7`,
      })
      const commandLine = (...args: string[]) =>
        docker([
          ...['run', '--rm', '--network', inNetwork.getName()],
          ...Object.entries(addresses).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
          ...[images.services, 'cli/main.ts', ...args],
        ])
      await commandLine('topics', 'apply', '--partitions', String(PARTITIONS))
      await commandLine('schemas', 'register')
      const launchService = (stage: StageName) =>
        launch(
          new HardenedContainer(images.services)
            .withNetwork(inNetwork)
            .withCommand([`services/${stage}/main.ts`])
            .withEnvironment({
              ...addresses,
              WARDLINE_METRICS_HOST: '0.0.0.0',
              WARDLINE_METRICS_TOKEN_FILE: TOKEN_FILE,
            })
            .withBindMounts([{ source: tokenFile, target: TOKEN_FILE, mode: 'ro' }])
            .withExposedPorts(METRICS_PORT)
            // The image's own.
            .withWaitStrategy(Wait.forHealthCheck()),
        )
      const services = new Map(
        await Promise.all(STAGE_NAMES.map(async (stage) => [stage, await launchService(stage)] as const)),
      )
      const console = await launch(
        new HardenedContainer(images.services)
          .withNetwork(inNetwork)
          .withCommand(['services/console/main.ts'])
          .withEnvironment({
            ...addresses,
            WARDLINE_CONSOLE_HOST: '0.0.0.0',
            WARDLINE_CONSOLE_HTTPS: 'true',
            WARDLINE_CONSOLE_FOLDER: '/var/lib/wardline',
            WARDLINE_CONSOLE_TOKENS_FILE: CONSOLE_TOKENS_FILE,
          })
          .withBindMounts([{ source: consoleTokensFile, target: CONSOLE_TOKENS_FILE, mode: 'ro' }])
          .withTmpFs({ '/var/lib/wardline': 'uid=10001,gid=10001' })
          .withExposedPorts(CONSOLE_PORT)
          .withWaitStrategy(Wait.forHttp('/readyz', CONSOLE_PORT)),
      )
      return new ContainerChain({ connection, broker, registry, services, console, release })
    } catch (error) {
      await release()
      throw error
    }
  }

  service(stage: StageName): StartedTestContainer {
    return this.services.get(stage)!
  }

  /** An answer of a service's metrics port, as a scraper or a probe gets it. */
  ask(stage: StageName, path: string, token?: string): Promise<Response> {
    const container = this.service(stage)
    return fetch(`http://${container.getHost()}:${container.getMappedPort(METRICS_PORT)}${path}`, {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    })
  }

  /** Address of the console, as a browser on the host reaches it. */
  get consoleUrl(): string {
    return `http://${this.console.getHost()}:${this.console.getMappedPort(CONSOLE_PORT)}`
  }

  /** Value of a metric of a stage, summed over its label sets that contain `labels`. */
  async metric(stage: StageName, name: string, labels = ''): Promise<number> {
    const text = await (await this.ask(stage, '/metrics', METRICS_TOKEN)).text()
    return text
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) && line.includes(labels))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
  }

  /** Audits until the books balance; the last report where they do not in time. Never waits once something is doubled. */
  async settled(withinMs = 90_000): Promise<AuditReport> {
    const until = performance.now() + withinMs
    for (;;) {
      const report = await audit(this.connection).catch((error: unknown) => {
        if (performance.now() > until) throw error
        return null
      })
      if (report && (balances(report) || report.doubled.length > 0 || performance.now() > until))
        return report
      await delay(500)
    }
  }

  async stop(): Promise<void> {
    await this.#release()
  }
}

/** What the engine says of a container. */
export async function stateOf(container: StartedTestContainer): Promise<ContainerState> {
  const format = '{{json .Config.User}} {{.State.ExitCode}} {{.State.Running}}'
  const [user, exitCode, running] = (await docker(['inspect', '--format', format, container.getId()])).split(
    ' ',
  )
  return { user: JSON.parse(user!) as string, exitCode: Number(exitCode), running: running === 'true' }
}
