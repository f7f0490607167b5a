import { SchemaRegistry } from '@wardline/events'
import { createKafka, createLogger, type Logger, type StageSettings } from '@wardline/stream'
import type { Kafka } from 'kafkajs'

/** Broker and registry that somebody outside of the chain talks to. */
export interface Connection {
  readonly settings: StageSettings
  readonly kafka: Kafka
  readonly registry: SchemaRegistry
  readonly logger: Logger
}

/** `name` is what the broker's log calls the client. */
export function openConnection(settings: StageSettings, name: string, logLevel = 'silent'): Connection {
  const logger = createLogger({ service: name, level: logLevel })
  return {
    settings,
    logger,
    kafka: createKafka(settings.broker, name, logger),
    registry: new SchemaRegistry(settings.registry),
  }
}
