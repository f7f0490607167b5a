import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { LocalStackProblem } from './problems.ts'

/** Ports of the local stack, all on 127.0.0.1. */
export interface StackPorts {
  readonly kafka: number
  readonly controller: number
  readonly registry: number
  /** One a service, in the order of the chain. */
  readonly metrics: readonly number[]
  readonly console: number
}

interface PortUse {
  readonly port: number
  readonly variable: string
  readonly what: string
}

/** From the environment, else the defaults. */
export function portsFromEnvironment(env: Readonly<Record<string, string | undefined>>): StackPorts {
  const port = (variable: string, fallback: number) => {
    const text = env[variable]
    if (text === undefined || text === '') return fallback
    const value = Number(text)
    if (!Number.isInteger(value) || value < 1 || value > 65_532) {
      throw new LocalStackProblem(`${variable} is ${JSON.stringify(text)}; it must be a port number.`)
    }
    return value
  }
  const metrics = port('WARDLINE_METRICS_PORT', 19464)
  const ports = {
    kafka: port('WARDLINE_KAFKA_PORT', 19092),
    controller: port('WARDLINE_CONTROLLER_PORT', 19093),
    registry: port('WARDLINE_REGISTRY_PORT', 18081),
    metrics: [metrics, metrics + 1, metrics + 2, metrics + 3],
    console: port('WARDLINE_CONSOLE_PORT', 19480),
  }
  const seen = new Map<number, PortUse>()
  for (const use of portUses(ports)) {
    const other = seen.get(use.port)
    if (other) {
      throw new LocalStackProblem(
        `Port ${use.port} is given to ${other.what} (${other.variable}) and to ${use.what} (${use.variable}): change one of the two.`,
      )
    }
    seen.set(use.port, use)
  }
  return ports
}

const portUses = (ports: StackPorts): PortUse[] => [
  { port: ports.kafka, variable: 'WARDLINE_KAFKA_PORT', what: 'the broker' },
  { port: ports.controller, variable: 'WARDLINE_CONTROLLER_PORT', what: "the broker's controller" },
  { port: ports.registry, variable: 'WARDLINE_REGISTRY_PORT', what: 'the registry' },
  ...ports.metrics.map((port) => ({
    port,
    variable: 'WARDLINE_METRICS_PORT',
    what: "the services' metrics",
  })),
  { port: ports.console, variable: 'WARDLINE_CONSOLE_PORT', what: 'the console' },
]

/** Ports that nothing listens on now. */
export async function freePorts(): Promise<StackPorts> {
  const servers = await Promise.all(Array.from({ length: 8 }, () => listen(0)))
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))))
  const [kafka, controller, registry, console, ...metrics] = ports as [
    number,
    number,
    number,
    number,
    ...number[],
  ]
  return { kafka, controller, registry, metrics, console }
}

/** Throws a LocalStackProblem that names the first busy port, who holds it where that can be found, and the variable to change. */
export async function checkPorts(ports: StackPorts): Promise<void> {
  for (const use of portUses(ports)) {
    try {
      const server = await listen(use.port)
      await new Promise((done) => server.close(done))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE')
        throw new LocalStackProblem(busyPortMessage(use, holderOf(use.port)))
      throw new LocalStackProblem(
        `Port ${use.port}, wanted for ${use.what}, cannot be opened (${(error as Error).message}): choose another with ${use.variable}.`,
      )
    }
  }
}

export function busyPortMessage(use: PortUse, holder: { pid: number; command: string } | null): string {
  const who = holder ? ` by process ${holder.pid} (${holder.command})` : ''
  return `Port ${use.port}, wanted for ${use.what}, is in use${who}: end that process (make down, if it is Wardline's own), or choose another port with ${use.variable}.`
}

function listen(port: number): Promise<ReturnType<typeof createServer>> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}

/** The process that listens on a port, from /proc; null where that cannot be known. */
function holderOf(port: number): { pid: number; command: string } | null {
  try {
    const hex = port.toString(16).toUpperCase().padStart(4, '0')
    const inodes = new Set<string>()
    for (const file of ['/proc/net/tcp', '/proc/net/tcp6']) {
      for (const line of readFileSync(file, 'utf8').split('\n').slice(1)) {
        const [, local, , state, , , , , , inode] = line.trim().split(/\s+/)
        if (state === '0A' && local?.endsWith(`:${hex}`) && inode) inodes.add(`socket:[${inode}]`)
      }
    }
    for (const entry of readdirSync('/proc')) {
      if (!/^\d+$/.test(entry)) continue
      try {
        const holds = readdirSync(`/proc/${entry}/fd`).some((fd) => {
          try {
            return inodes.has(readlinkSync(`/proc/${entry}/fd/${fd}`))
          } catch {
            return false
          }
        })
        if (holds) return { pid: Number(entry), command: readFileSync(`/proc/${entry}/comm`, 'utf8').trim() }
      } catch {
        // Another user's process, or one that has just ended.
      }
    }
  } catch {
    // No /proc on this system.
  }
  return null
}
