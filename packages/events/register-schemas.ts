import { COMPATIBILITY } from '@kafkajs/confluent-schema-registry'
import { type RegistryOptions, RegistryUnavailable, registryClient, statusOf } from './registry.ts'
import { type RecordName, readSchema } from './schemas.ts'
import { readCompatibility, registryRequest } from './subjects.ts'

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
  const path = `/config/${encodeURIComponent(subject)}`
  const level = await readCompatibility(options, path)
  if (level === COMPATIBILITY.BACKWARD_TRANSITIVE || level === COMPATIBILITY.FULL_TRANSITIVE) return level
  if (level !== null && level !== COMPATIBILITY.NONE && level !== COMPATIBILITY.BACKWARD) {
    throw new RegistrationRefused(
      `${subject} is ${level} in the schema registry at ${options.url}; set it to BACKWARD_TRANSITIVE or FULL_TRANSITIVE there`,
    )
  }
  await registryRequest(options, path, { compatibility: COMPATIBILITY.BACKWARD_TRANSITIVE })
  return COMPATIBILITY.BACKWARD_TRANSITIVE
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
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message
}
