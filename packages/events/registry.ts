import { readFileSync } from 'node:fs'
import { SchemaRegistry as RegistryClient } from '@kafkajs/confluent-schema-registry'
import { type Schema, Type } from './avro.ts'
import type { SchemaSource } from './codec.ts'
import { type RecordName, readSchema } from './schemas.ts'

/** The registry did not answer, or answered that it is broken. An outage: wait and try again. */
export class RegistryUnavailable extends Error {
  override readonly name = 'RegistryUnavailable'
}

/** The registry answered, but has not our schema under the subject. */
export class SchemaNotRegistered extends Error {
  override readonly name = 'SchemaNotRegistered'
}

/** The registry answers but does not let us in: waiting does not help, a setting does. */
export class RegistryRefused extends Error {
  override readonly name = 'RegistryRefused'
  /** Tells the command line to print the message alone. */
  readonly remedy = true
}

export interface RegistryOptions {
  /** Base address of the Confluent-compatible API, such as http://127.0.0.1:18081/apis/ccompat/v7. */
  readonly url: string
  readonly username?: string
  /** File that holds the password, so that it is in no environment listing. */
  readonly passwordFile?: string
}

export function registryClient(options: RegistryOptions): RegistryClient {
  const auth =
    options.username !== undefined && options.passwordFile !== undefined
      ? { auth: { username: options.username, password: readFileSync(options.passwordFile, 'utf8').trim() } }
      : {}
  // Waiting is the caller's: it logs and stays unready, which a client's own silent retries would hide.
  return new RegistryClient({ host: options.url, retry: { retries: 1 }, ...auth })
}

/** What the services need of the registry: writer schemas by id and the ids of their own schemas. */
export class SchemaRegistry implements SchemaSource {
  readonly #client: RegistryClient
  readonly #url: string

  constructor(options: RegistryOptions) {
    this.#client = registryClient(options)
    this.#url = options.url
  }

  async schemaById(id: number): Promise<Schema | 'not_avro' | null> {
    try {
      const type: unknown = await this.#client.getSchema(id)
      return Type.isType(type) ? ((type as Type).schema() as Schema) : 'not_avro'
    } catch (error) {
      const status = statusOf(error)
      if (status === 404) return null
      if (status === undefined && !isConnectionError(error)) return 'not_avro'
      throw this.#failure(error)
    }
  }

  /** Id of our own schema under the subject of the topic. Throws SchemaNotRegistered, RegistryRefused or RegistryUnavailable. */
  async idOf(topic: string, record: RecordName): Promise<number> {
    const subject = `${topic}-value`
    try {
      return await this.#client.getRegistryIdBySchema(subject, readSchema(record) as never)
    } catch (error) {
      if (
        statusOf(error) === 404 ||
        (error instanceof Error && error.name === 'ConfluentSchemaRegistryError')
      ) {
        throw new SchemaNotRegistered(
          `schemas/${record}.avsc is not registered under ${subject} at ${this.#url}; run: bin/wardline schemas register`,
        )
      }
      throw this.#failure(error)
    }
  }

  #failure(error: unknown): RegistryRefused | RegistryUnavailable {
    const status = statusOf(error)
    if (status === 401 || status === 403) {
      return new RegistryRefused(
        `the schema registry at ${this.#url} refused the login (${status}): check WARDLINE_REGISTRY_USERNAME and the password in WARDLINE_REGISTRY_PASSWORD_FILE`,
        { cause: error },
      )
    }
    const why = error instanceof Error ? error.message : String(error)
    return new RegistryUnavailable(`the schema registry at ${this.#url} does not answer: ${why}`, {
      cause: error,
    })
  }
}

export function statusOf(error: unknown): number | undefined {
  const status = (error as { status?: unknown } | null)?.status
  return typeof status === 'number' ? status : undefined
}

function isConnectionError(error: unknown): boolean {
  const { code, name } = error as { code?: unknown; name?: unknown }
  return typeof code === 'string' || name === 'ResponseError'
}
