import { readFileSync } from 'node:fs'
import type { Schema } from './avro.ts'

/** Every record of the contract, each in `schemas/<name>.avsc`. */
export const RECORD_NAMES = [
  'FeedEvent',
  'NormalizedEvent',
  'ClassifiedEvent',
  'AssessedEvent',
  'EnforcementDecision',
  'AccountProfile',
  'UserReport',
  'ReviewVerdict',
  'PolicyControl',
] as const
export type RecordName = (typeof RECORD_NAMES)[number]

/** Folder that holds the .avsc files. */
export const SCHEMA_FOLDER = new URL('../../schemas/', import.meta.url)

/** The schema as it stands in the repository. Throws where the file is missing or is no JSON. */
export function readSchema(name: RecordName): Schema {
  return JSON.parse(readFileSync(new URL(`${name}.avsc`, SCHEMA_FOLDER), 'utf8')) as Schema
}
