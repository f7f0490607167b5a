import { COMPATIBILITY } from '@kafkajs/confluent-schema-registry'
import { type RegistryOptions, RegistryUnavailable, registryClient, statusOf } from './registry.ts'
import { type RecordName, readSchema } from './schemas.ts'

/** The registry holds a version of the subject that the schema in the repository cannot read. */
export class IncompatibleSchema extends Error {
  override readonly name = 'IncompatibleSchema'
  /** Tells the command line to print the message alone. */
  readonly remedy = true
}

/**
 * Registers each record's schema under its subject, BACKWARD_TRANSITIVE. Done already, it changes nothing. Returns ids
 * by subject. Throws IncompatibleSchema or RegistryUnavailable.
 */
export async function registerSchemas(
  options: RegistryOptions,
  subjects: readonly { readonly subject: string; readonly record: RecordName }[],
): Promise<Map<string, number>> {
  const client = registryClient(options)
  const ids = new Map<string, number>()
  for (const { subject, record } of subjects) {
    try {
      const { id } = await client.register(readSchema(record) as never, {
        subject,
        compatibility: COMPATIBILITY.BACKWARD_TRANSITIVE,
      })
      ids.set(subject, id)
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      const status = statusOf(error)
      if (status === 409 || (status === undefined && /ompatib/.test(why))) {
        throw new IncompatibleSchema(
          `schemas/${record}.avsc cannot follow what is registered under ${subject}: ${why}`,
          { cause: error },
        )
      }
      throw new RegistryUnavailable(`the schema registry at ${options.url} did not take ${subject}: ${why}`, {
        cause: error,
      })
    }
  }
  return ids
}
