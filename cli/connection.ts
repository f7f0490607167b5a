import { existsSync, readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { SchemaRegistry } from '@wardline/events'
import {
  createKafka,
  createLogger,
  type FetchedMessage,
  InvalidSettings,
  type Logger,
  type PartitionReader,
  readSettings,
  type StageSettings,
} from '@wardline/stream'
import type { Kafka } from 'kafkajs'

/** Where `wardline up` writes how to reach the stack that it started: WARDLINE_STACK_FOLDER, so that two can run. */
export const STACK_FOLDER = process.env.WARDLINE_STACK_FOLDER
  ? pathToFileURL(`${process.env.WARDLINE_STACK_FOLDER}/`)
  : new URL('../.wardline/local/', import.meta.url)

/** Broker and registry that a command talks to. */
export interface Connection {
  readonly settings: StageSettings
  readonly kafka: Kafka
  readonly registry: SchemaRegistry
  readonly logger: Logger
}

/**
 * From WARDLINE_BROKERS and WARDLINE_REGISTRY_URL, else from the stack that `wardline up` started. Throws
 * InvalidSettings with the remedy where there is neither.
 */
export function connect(env: NodeJS.ProcessEnv = process.env): Connection {
  const settings = readSettings({ ...localStack(env), ...env })
  const logger = createLogger({ service: 'wardline-cli', level: env.WARDLINE_LOG_LEVEL ?? 'silent' })
  return {
    settings,
    logger,
    kafka: createKafka(settings.broker, 'wardline-cli', logger),
    registry: new SchemaRegistry(settings.registry),
  }
}

function localStack(env: NodeJS.ProcessEnv): Record<string, string> {
  if (env.WARDLINE_BROKERS) return {}
  const file = new URL('stack.json', STACK_FOLDER)
  if (!existsSync(file)) {
    throw new InvalidSettings(
      'no broker to talk to: start the local stack with `bin/wardline up`, or set WARDLINE_BROKERS and WARDLINE_REGISTRY_URL',
    )
  }
  const { brokers, registryUrl } = JSON.parse(readFileSync(file, 'utf8')) as {
    brokers: string[]
    registryUrl: string
  }
  return { WARDLINE_BROKERS: brokers.join(','), WARDLINE_REGISTRY_URL: registryUrl }
}

/** Every committed record of a topic as it stands now, partition by partition, in offset order. */
export async function* readTopic(
  reader: PartitionReader,
  topic: string,
): AsyncGenerator<{ partition: number; message: FetchedMessage }> {
  for (const partition of await reader.partitions(topic)) {
    const { start, end } = await reader.bounds(topic, partition)
    for await (const messages of reader.read(topic, partition, start, end)) {
      for (const message of messages) yield { partition, message }
    }
  }
}

/** Last value of a header as text. */
export function headerText(message: FetchedMessage, name: string): string | undefined {
  const value = message.headers?.[name]
  const last = Array.isArray(value) ? value.at(-1) : value
  return last?.toString()
}
