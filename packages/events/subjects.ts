import { readFileSync } from 'node:fs'
import type { Schema } from './avro.ts'
import type { RegistryOptions } from './registry.ts'

const ANSWER_WITHIN_MS = 10_000

/** What a subject holds. */
export interface Subject {
  /** Its own level, else the registry's; null where neither says one. */
  readonly compatibility: string | null
  /** Every version that is registered, oldest first. */
  readonly versions: readonly { readonly version: number; readonly schema: Schema }[]
}

/** A subject as the registry has it; null where there is none. While the registry is out: throws what fetch throws. */
export async function readSubject(options: RegistryOptions, subject: string): Promise<Subject | null> {
  const path = `/subjects/${encodeURIComponent(subject)}/versions`
  const numbers = (await registryRequest(options, path)) as number[] | null
  if (numbers === null) return null
  const versions: { version: number; schema: Schema }[] = []
  for (const version of numbers.toSorted((a, b) => a - b)) {
    const answer = (await registryRequest(options, `${path}/${version}`)) as { schema: string } | null
    if (answer !== null) versions.push({ version, schema: JSON.parse(answer.schema) as Schema })
  }
  const compatibility =
    (await readCompatibility(options, `/config/${encodeURIComponent(subject)}`)) ??
    (await readCompatibility(options, '/config'))
  return { compatibility, versions }
}

/** The level that is set at a path; null where none is. */
export async function readCompatibility(options: RegistryOptions, path: string): Promise<string | null> {
  const answer = (await registryRequest(options, path)) as { compatibilityLevel?: unknown } | null
  return typeof answer?.compatibilityLevel === 'string' ? answer.compatibilityLevel.toUpperCase() : null
}

/**
 * The registry's answer; with a body, writes. Null where it has nothing there (404). Throws an error with the HTTP
 * status where it refuses, and what fetch throws where it does not answer.
 */
export async function registryRequest(
  options: RegistryOptions,
  path: string,
  body?: object,
): Promise<unknown> {
  const headers: Record<string, string> = { 'content-type': 'application/vnd.schemaregistry.v1+json' }
  if (options.username !== undefined && options.passwordFile !== undefined) {
    const password = readFileSync(options.passwordFile, 'utf8').trim()
    headers.authorization = `Basic ${Buffer.from(`${options.username}:${password}`).toString('base64')}`
  }
  const response = await fetch(`${options.url.replace(/\/$/, '')}${path}`, {
    method: body === undefined ? 'GET' : 'PUT',
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
  })
  if (response.status === 404) return null
  const text = await response.text()
  if (!response.ok) throw Object.assign(new Error(text), { status: response.status })
  return JSON.parse(text)
}
