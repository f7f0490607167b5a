import { DecodeFailure, type PolicyControl, RecordDecoder, RecordEncoder } from '@wardline/events'
import {
  controlRecord,
  filesOf,
  loadBundle,
  openControlRecord,
  type PolicyBundle,
  type PolicyFiles,
  PolicyRefused,
  ruleSetKey,
  ruleSetOf,
} from '@wardline/policy'
import { type Connection, readTopic } from '@wardline/records'
import { PartitionReader, TOPICS } from '@wardline/stream'

/** Bytes a record of policy.control may have; the topic takes 32 MiB, overhead included. */
const MOST_BYTES = 31 * 1_048_576

/** What cannot be done with the policy as things are; the message names the remedy. */
export class PolicyUnavailable extends Error {
  override readonly name = 'PolicyUnavailable'
  /** Tells the command line to print the message alone. */
  readonly remedy = true
}

/** A record of policy.control about a rule set, as it stands in the topic. */
export interface PublishedRecord {
  readonly name: string
  readonly partition: number
  readonly offset: number
  /** When the broker took it, ms since 1970 UTC. */
  readonly publishedAt: number
  /** Null where it takes the rule set back; absent where it cannot be decoded. */
  readonly record?: PolicyControl | null
  /** Why the stages of this build would not use it; null where they do. */
  readonly refusal: string | null
}

/** Every record about rule sets that compaction has left, oldest first. */
export async function publishedRecords(connection: Connection): Promise<PublishedRecord[]> {
  const reader = new PartitionReader(connection.kafka)
  const decoder = new RecordDecoder('PolicyControl', connection.registry)
  const records: PublishedRecord[] = []
  try {
    for await (const { partition, message } of readTopic(reader, TOPICS.control)) {
      const name = ruleSetOf(message.key?.toString('utf8') ?? '')
      if (name === null) continue
      await decoder.prepare([message])
      const decoded = message.value === null ? null : decoder.decode(message.value)
      const at = { partition, offset: Number(message.offset), publishedAt: Number(message.timestamp) }
      if (decoded instanceof DecodeFailure) records.push({ name, ...at, refusal: decoded.error })
      else records.push({ name, ...at, record: decoded, refusal: publicationRefusal(decoded) })
    }
  } finally {
    await reader.close()
  }
  return records.sort(
    (a, b) => a.publishedAt - b.publishedAt || a.partition - b.partition || a.offset - b.offset,
  )
}

/** Why the stages of this build would not use a record; null where they do. Compiles the policy: about 100 ms. */
export function publicationRefusal(record: PolicyControl | null): string | null {
  if (record === null) return null
  try {
    openControlRecord(record)
    return null
  } catch (error) {
    if (error instanceof PolicyRefused) return `${error.reason}: ${error.message}`
    throw error
  }
}

/** The record of a rule set that the stages use: the newest that they do not refuse; undefined where the folder's policy runs. */
export function inForce(records: readonly PublishedRecord[], name: string): PolicyControl | undefined {
  const newest = records.findLast((each) => each.name === name && each.refusal === null)
  return newest?.record ?? undefined
}

/** The files of the version in force, or of another that still stands in the topic. Throws PolicyUnavailable. */
export function publishedFiles(
  records: readonly PublishedRecord[],
  name: string,
  version?: string,
): PolicyFiles {
  const record =
    version === undefined
      ? inForce(records, name)
      : records.findLast((each) => each.name === name && each.record?.version === version)?.record
  if (!record) {
    throw new PolicyUnavailable(
      version === undefined
        ? `nothing is published as ${name}: compare with a folder (--against FOLDER), or publish first`
        : `version ${version} of ${name} is no longer in ${TOPICS.control}: check its commit out and publish the folder`,
    )
  }
  return filesOf(record)
}

/** The policy of these files. Throws PolicyUnavailable with every problem. */
export function usablePolicy(files: PolicyFiles, from: string): PolicyBundle {
  const loaded = loadBundle(files)
  if (loaded.ok) return loaded.bundle
  const lines = loaded.problems.map(({ file, line, message }) => `  ${file}:${line}: ${message}`)
  throw new PolicyUnavailable(`the policy of ${from} is not valid:\n${lines.join('\n')}`)
}

/** Puts the files on policy.control. They must have been checked. Returns what was written. */
export async function publishPolicy(
  connection: Connection,
  files: PolicyFiles,
  options: { readonly name: string; readonly issuedBy: string; readonly now: number },
): Promise<PolicyControl> {
  const record = controlRecord(files, { ...options, issuedAt: options.now })
  const encoder = new RecordEncoder('PolicyControl', await controlSchema(connection))
  const value = encoder.encode(record)
  if (value.length > MOST_BYTES) {
    throw new PolicyUnavailable(
      `the policy takes ${value.length} bytes and ${TOPICS.control} carries ${MOST_BYTES}: make its lexicons smaller`,
    )
  }
  await send(connection, ruleSetKey(options.name), value)
  return record
}

/** Takes a rule set back: the stages run their folder's policy again. */
export async function withdrawPolicy(connection: Connection, name: string): Promise<void> {
  await send(connection, ruleSetKey(name), null)
}

const controlSchema = ({ registry }: Connection) => registry.idOf(TOPICS.control, 'PolicyControl')

async function send({ kafka }: Connection, key: string, value: Buffer | null): Promise<void> {
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  try {
    await producer.send({ topic: TOPICS.control, acks: -1, messages: [{ key, value }] })
  } finally {
    await producer.disconnect()
  }
}
