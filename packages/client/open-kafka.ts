import { createKafka, createLogger } from '@wardline/stream'
import type { Kafka } from 'kafkajs'
import type { ClientSettings } from './settings.ts'

export function openKafka(settings: ClientSettings): Kafka {
  const logger = createLogger({ service: settings.clientId, level: settings.logLevel ?? 'silent' })
  return createKafka(settings, settings.clientId, logger)
}
