import { readFileSync } from 'node:fs'
import { COMPATIBILITY } from '@kafkajs/confluent-schema-registry'
import { type RegistryOptions, RegistryUnavailable, registryClient, statusOf } from './registry.ts'
import { type RecordName, readSchema } from './schemas.ts'

/** The registry holds a version of the subject that the schema in the repository cannot read. */
export class IncompatibleSchema extends Error {
  override readonly name = 'IncompatibleSchema'
  /** Tells the command line to print the message alone. */
  readonly remedy = true
}

/** The registry answered and will not have it, whatever we wait for: wrong credentials, no right to write, a bad schema. */
export class RegistrationRefused extends Error {
  override readonly name = 'RegistrationRefused'
  /** Tells the command line to print the message alone. */
  readonly remedy = true
}

const CONFIG_WITHIN_MS = 10_000

/**
 * Registers each record's schema under its subject, BACKWARD_TRANSITIVE (a subject that is FULL_TRANSITIVE stays so).
 * Done already, it changes nothing. Returns ids by subject. Throws IncompatibleSchema, RegistrationRefused or
 * RegistryUnavailable.
 */
export async function registerSchemas(
  options: RegistryOptions,
  subjects: readonly { readonly subject: string; readonly record: RecordName }[],
): Promise<Map<string, number>> {
  const client = registryClient(options)
  const ids = new Map<string, number>()
  for (const { subject, record } of subjects) {
    try {
      const compatibility = await ensureCompatibility(options, subject)
      const { id } = await client.register(readSchema(record) as never, { subject, compatibility })
      ids.set(subject, id)
    } catch (error) {
      throw meaningOf(error, options.url, subject, record)
    }
  }
  return ids
}

/**
 * Sets the subject's level before anything is registered. The client alone sets it after the first version, so a
 * process that ends in between, or a producer that registered its schema first, leaves a subject that takes anything,
 * and that the client then refuses for ever. Where Apicurio does not know the subject, the setting has no effect
 * and the client's own follows.
 */
async function ensureCompatibility(options: RegistryOptions, subject: string): Promise<COMPATIBILITY> {
  const level = await readLevel(options, subject)
  if (level === COMPATIBILITY.BACKWARD_TRANSITIVE || level === COMPATIBILITY.FULL_TRANSITIVE) return level
  if (level !== null && level !== COMPATIBILITY.NONE && level !== COMPATIBILITY.BACKWARD) {
    throw new RegistrationRefused(
      `${subject} is ${level} in the schema registry at ${options.url}; set it to BACKWARD_TRANSITIVE or FULL_TRANSITIVE there`,
    )
  }
  await configRequest(options, subject, { compatibility: COMPATIBILITY.BACKWARD_TRANSITIVE })
  return COMPATIBILITY.BACKWARD_TRANSITIVE
}

/** The subject's own level; null where it has none or does not exist. */
async function readLevel(options: RegistryOptions, subject: string): Promise<string | null> {
  const response = await configRequest(options, subject)
  if (response === null) return null
  const { compatibilityLevel } = response as { compatibilityLevel?: unknown }
  return typeof compatibilityLevel === 'string' ? compatibilityLevel.toUpperCase() : null
}

/** Reads or, with a body, writes a subject's settings. Null where the registry knows no such subject or setting. */
async function configRequest(
  options: RegistryOptions,
  subject: string,
  body?: { readonly compatibility: COMPATIBILITY },
): Promise<unknown> {
  const headers: Record<string, string> = { 'content-type': 'application/vnd.schemaregistry.v1+json' }
  if (options.username !== undefined && options.passwordFile !== undefined) {
    const password = readFileSync(options.passwordFile, 'utf8').trim()
    headers.authorization = `Basic ${Buffer.from(`${options.username}:${password}`).toString('base64')}`
  }
  const response = await fetch(`${options.url.replace(/\/$/, '')}/config/${encodeURIComponent(subject)}`, {
    method: body === undefined ? 'GET' : 'PUT',
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(CONFIG_WITHIN_MS),
  })
  if (response.status === 404) return null
  const text = await response.text()
  if (!response.ok) throw Object.assign(new Error(text), { status: response.status })
  return JSON.parse(text)
}

function meaningOf(error: unknown, url: string, subject: string, record: RecordName): Error {
  if (error instanceof RegistrationRefused) return error
  const why = reasonOf(error)
  const status = statusOf(error)
  if (status === 409) {
    return new IncompatibleSchema(
      `schemas/${record}.avsc cannot follow what is registered under ${subject}: ${why}`,
      { cause: error },
    )
  }
  if (status !== undefined && status >= 400 && status < 500 && status !== 408 && status !== 429) {
    return new RegistrationRefused(
      `the schema registry at ${url} refused ${subject} with status ${status}: ${why}`,
      { cause: error },
    )
  }
  return new RegistryUnavailable(`the schema registry at ${url} did not take ${subject}: ${why}`, {
    cause: error,
  })
}

/** What fetch says is only "fetch failed"; the reason is in its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message
}
