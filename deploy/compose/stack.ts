import {
  artifactsProblem,
  checkPorts,
  interruption,
  portsFromEnvironment,
  type StackPorts,
} from '@wardline/local'
import { STAGE_NAMES, type StageName } from '@wardline/stream'
import { EngineProblem } from '../images/engine.ts'
import { imageNames } from '../images/names.ts'
import { buildServicesImage } from '../images/services-image.ts'
import { chooseStack, type StackKind } from './choose.ts'
import { compose, composeProblem, findCompose } from './compose-command.ts'

export interface ContainerStack {
  readonly brokers: readonly string[]
  readonly registryUrl: string
  readonly services: readonly { readonly stage: StageName; readonly metricsUrl: string }[]
  /** The result of the work, unless Ctrl-C or SIGTERM comes first: then it rejects, and `stop` is to be called. */
  orInterrupted<T>(work: Promise<T>): Promise<T>
  /** Ends and removes the containers with their data. */
  stop(): Promise<void>
}

/** A compose that is no plugin of docker; WARDLINE_COMPOSE names another. */
const standalone = () => process.env.WARDLINE_COMPOSE || 'docker-compose'

/** How `wardline demo` runs the chain on this machine. Throws NoStackPossible. */
export const stackKind = (env: NodeJS.ProcessEnv): StackKind =>
  chooseStack({
    wanted: env.WARDLINE_STACK,
    processesProblem: artifactsProblem,
    containersProblem: () => composeProblem(standalone()),
  })

/** Ports and images as deploy/compose/compose.yaml takes them. */
export function composeEnvironment(ports: StackPorts, partitions: number): Record<string, string> {
  const images = imageNames(process.env)
  return {
    WARDLINE_SERVICES_IMAGE: images.services,
    WARDLINE_BROKER_IMAGE: images.broker,
    WARDLINE_REGISTRY_IMAGE: images.registry,
    WARDLINE_KAFKA_PORT: String(ports.kafka),
    WARDLINE_REGISTRY_PORT: String(ports.registry),
    WARDLINE_CONSOLE_PORT: String(ports.console),
    WARDLINE_PARTITIONS: String(partitions),
    ...Object.fromEntries(
      STAGE_NAMES.map((stage, i) => [
        `WARDLINE_${stage.toUpperCase().replaceAll('-', '_')}_METRICS_PORT`,
        String(ports.metrics[i]),
      ]),
    ),
  }
}

/** The part of deploy/compose/compose.yaml that answers events: without console, Prometheus and Grafana. */
const CHAIN = ['broker', 'registry', 'topics', 'schemas', ...STAGE_NAMES]

/** Starts the chain in containers; resolves when all are healthy, or throws with nothing left running. */
export async function startContainerStack(options: {
  /** Name of the compose project: its containers, network and volume begin with it. */
  readonly project: string
  readonly partitions: number
  readonly log: (line: string) => void
  /** Absent: from the environment. */
  readonly ports?: StackPorts
}): Promise<ContainerStack> {
  const { project, partitions, log, ports = portsFromEnvironment(process.env) } = options
  await checkPorts(ports)
  const command = findCompose(standalone())
  if (!command) throw new EngineProblem(composeProblem(standalone()) ?? 'docker has no compose')
  const env = composeEnvironment(ports, partitions)
  const remove = () => compose(command, project, ['down', '--volumes', '--timeout', '15'], env)
  const interrupted = interruption()
  const abandoned = new AbortController()
  let up: Promise<unknown> = Promise.resolve()
  try {
    log('building the image of the services …')
    await interrupted.orDone(buildServicesImage())
    log('starting the broker, the registry and the four services in containers …')
    up = compose(command, project, ['up', '--detach', '--wait', ...CHAIN], env, abandoned.signal)
    await interrupted.orDone(up)
  } catch (error) {
    interrupted.release()
    // What still starts containers has to be over before they are removed.
    abandoned.abort()
    await up.catch(() => {})
    await remove()
    throw error
  }
  return {
    brokers: [`127.0.0.1:${ports.kafka}`],
    registryUrl: `http://127.0.0.1:${ports.registry}/apis/ccompat/v7`,
    services: STAGE_NAMES.map((stage, i) => ({
      stage,
      metricsUrl: `http://127.0.0.1:${ports.metrics[i]}/metrics`,
    })),
    orInterrupted: interrupted.orDone,
    async stop() {
      interrupted.release()
      await remove()
    },
  }
}
