import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import type { Kafka as KafkaClient, KafkaConfig, LogEntry, SASLOptions } from 'kafkajs'
import type { Logger } from 'pino'
import { FetchedBatch } from './fetched-batch.ts'
import {
  loadKafkajs,
  replaceConsumerGroup,
  replaceModule,
  replaceRecordDecoder,
  replaceRequestEncoder,
} from './kafkajs-internals.ts'
import { decodeRecordBatches, isRecordBatch } from './record-batches.ts'
import { rememberSockets, trackedSockets } from './sockets.ts'

// No import of kafkajs's values here: it would be loaded first.
export const { AssignerProtocol, ConfigResourceTypes, Kafka, KafkaJSProtocolError, logLevel } = loadKafkajs(
  () => {
    replaceModule('kafkajs/src/consumer/batch', FetchedBatch)
    replaceRecordDecoder((bytes) => (isRecordBatch(bytes) ? decodeRecordBatches(bytes) : null))
    replaceRequestEncoder()
    replaceConsumerGroup()
  },
)

/** How to reach the broker. */
export interface BrokerSettings {
  readonly brokers: readonly string[]
  readonly tls?: { readonly caFile?: string; readonly certFile?: string; readonly keyFile?: string }
  readonly sasl?: {
    readonly mechanism: 'scram-sha-256' | 'scram-sha-512'
    readonly username: string
    readonly passwordFile: string
  }
}

/** kafkajs levels are numbers; these are pino's names for them. */
const PINO_LEVEL: Record<number, 'error' | 'warn' | 'info' | 'debug'> = {
  1: 'error',
  2: 'warn',
  4: 'info',
  5: 'debug',
}

/**
 * A Kafka client that logs through pino. Retries start at a few milliseconds: the broker answers
 * CONCURRENT_TRANSACTIONS whenever a transaction begins right after the last one ended, and kafkajs's
 * default of 300 ms would be most of an event's age.
 */
export function createKafka(settings: BrokerSettings, clientId: string, logger: Logger): KafkaClient {
  const log = logger.child({ component: 'kafkajs' })
  const sockets = new Set<Socket>()
  const config: KafkaConfig = {
    clientId,
    socketFactory: trackedSockets(sockets),
    brokers: [...settings.brokers],
    connectionTimeout: 3_000,
    // A broker that reloads its group coordinator forgets who was joining and never answers: the wait for that is this long.
    requestTimeout: 8_000,
    retry: { initialRetryTime: 5, maxRetryTime: 1_000, multiplier: 2, factor: 0.2, retries: 8 },
    logLevel: logLevel.WARN,
    logCreator:
      () =>
      ({ namespace, level, log: { message, timestamp: _, logger: __, stack: ___, ...rest } }: LogEntry) => {
        // An error answer also reaches whoever asked, who knows whether it matters; CONCURRENT_TRANSACTIONS is everyday.
        const isAnswer = namespace === 'Connection' && message.startsWith('Response ')
        log[isAnswer ? 'debug' : (PINO_LEVEL[level] ?? 'info')]({ namespace, ...rest }, message)
      },
  }
  if (settings.tls) {
    const { caFile, certFile, keyFile } = settings.tls
    config.ssl = {
      ...(caFile === undefined ? {} : { ca: [readFileSync(caFile, 'utf8')] }),
      ...(certFile === undefined ? {} : { cert: readFileSync(certFile, 'utf8') }),
      ...(keyFile === undefined ? {} : { key: readFileSync(keyFile, 'utf8') }),
    }
  }
  if (settings.sasl) {
    const { mechanism, username, passwordFile } = settings.sasl
    config.sasl = { mechanism, username, password: readFileSync(passwordFile, 'utf8').trim() } as SASLOptions
  }
  const kafka = new Kafka(config)
  rememberSockets(kafka, sockets)
  return kafka
}
