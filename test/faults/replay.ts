import {
  DecodeFailure,
  type PolicyControl,
  RecordDecoder,
  type RecordName,
  recordType,
} from '@wardline/events'
import { SeenWindow } from '@wardline/normalize'
import { type Connection, readTopic } from '@wardline/records'
import {
  type FetchedMessage,
  PartitionReader,
  type RecordContext,
  type Stage,
  type StageResult,
  type StateStore,
  stateTopic,
} from '@wardline/stream'

/** What a stage wrote, held against what its logic says over the input that it read. */
export interface ReplayReport {
  readonly stage: string
  readonly inputs: number
  readonly outputs: number
  /** Versions of the policy that the outputs name; empty for a stage that uses none. */
  readonly policyVersions: readonly string[]
  /** Outputs that differ, are missing, are too many or stand in another order of their key: at most the first 20. */
  readonly differences: readonly string[]
  /** State keys whose value on the compacted topic is not what the replay has: at most the first 20. */
  readonly stateDifferences: readonly string[]
}

/** Names the lane of an output; see replayStage. */
export type LaneOf = (output: unknown) => string

/** WARDLINE_MAX_TRANSACTION_RECORDS where nobody sets it. */
const MAX_TRANSACTION_RECORDS = 4_000
/** How the replay of a stage runs each record under the very version of the policy that its output names. */
export interface ReplayPolicy {
  /** The input record that gave an output, by any name that `inputOf` gives it too; null where another output tells. */
  readonly causeOf: (output: unknown) => string | null
  readonly inputOf: (value: unknown) => string | null
  readonly versionOf: (output: unknown) => string
  /** What takeControl is given to have the stage run a version; undefined where nobody published it. */
  readonly recordOf: (
    version: string,
  ) => { readonly key: string; readonly record: PolicyControl | null } | undefined
}

type AnyStage = Stage<RecordName, Record<string, StateStore>>

/** Fields that the clock of the run goes into. */
const CLOCK_FIELDS = new Set(['decidedAt', 'applicationDate'])
const plain = (value: unknown) =>
  JSON.stringify(value, (key, field: unknown) => (CLOCK_FIELDS.has(key) ? undefined : field))

/**
 * Runs a stage's logic without Kafka and without faults over the very records that the running stage read, partition
 * by partition in offset order (tables first), and compares outputs and state. Order is compared within a lane: outputs
 * of one key that come from one input partition, since partitions run at their own pace. Equal means: nothing lost, nothing
 * twice, nothing out of order, whatever happened to the processes. A stage that uses a policy runs each record under the
 * version that its output names: which record met which version is nobody's to say, but it is one of those published.
 */
export async function replayStage(
  connection: Connection,
  stage: AnyStage,
  laneOf: LaneOf,
  policy?: ReplayPolicy,
): Promise<ReplayReport> {
  const reader = new PartitionReader(connection.kafka)
  try {
    /** Version by the input record that it was used for. */
    const versions = new Map<string, string>()
    const actual = new Map<string, string[]>()
    /** What is repartitioned stands in its topic once more, whatever the lane: the same records are expected there. */
    const { repartition } = stage.output
    const [copiesExpected, copies] = [new Map<string, string[]>(), new Map<string, string[]>()]
    let outputs = 0
    const outputDecoder = new RecordDecoder<RecordName>(stage.output.record, connection.registry)
    for await (const { message } of readTopic(reader, stage.output.topic)) {
      await outputDecoder.prepare([message])
      const value = outputDecoder.decode(message.value!)
      // Bytes that a test put there itself are no output of the stage before.
      if (value instanceof DecodeFailure) continue
      outputs++
      append(actual, laneOf(value), plain(value))
      const cause = policy?.causeOf(value)
      if (policy && typeof cause === 'string') versions.set(cause, policy.versionOf(value))
    }
    if (repartition)
      for await (const { message } of readTopic(reader, repartition.topic)) {
        await outputDecoder.prepare([message])
        const value = outputDecoder.decode(message.value!)
        if (!(value instanceof DecodeFailure)) append(copies, repartition.key(value), plain(value))
      }
    const unpublished = [...new Set(versions.values())].filter((version) => !policy?.recordOf(version))
    let running: string | undefined
    /** A record without an output runs under the version of the one before it. */
    const useVersionFor = (value: unknown) => {
      const version = versions.get(policy?.inputOf(value) ?? '')
      if (version === undefined || version === running) return
      const control = policy!.recordOf(version)
      if (!control) return
      stage.takeControl!(control.record, control.key)
      running = version
    }

    const expected = new Map<string, string[]>()
    const stores = new Map<number, Record<string, StateStore>>()
    /** Greatest append time to the feed so far, ms, by partition: what state expires by. */
    const eventTimes = new Map<number, number>()
    // Scores are 32-bit on the wire: what is expected goes over the wire too.
    const type = recordType(stage.output.record)
    const overTheWire = (output: unknown) => type.fromBuffer(type.toBuffer(output)) as unknown
    let inputs = 0
    const tables = stage.inputs.filter((input) => input.role === 'table')
    const events = stage.inputs.filter((input) => input.role === 'events')
    for (const input of [...tables, ...events]) {
      const decoder = new RecordDecoder<RecordName>(input.record, connection.registry)
      for await (const { partition, message } of readTopic(reader, input.topic)) {
        await decoder.prepare([message])
        let state = stores.get(partition)
        if (!state) stores.set(partition, (state = stage.createState()))
        inputs++
        const result = handle(stage, input, decoder, state, partition, message, eventTimes, useVersionFor)
        if (result?.kind !== 'forward') continue
        for (const output of result.outputs) {
          const written = plain(overTheWire(output))
          append(expected, laneOf(output), written)
          if (repartition?.when(output as never))
            append(copiesExpected, repartition.key(output as never), written)
        }
      }
    }

    return {
      stage: stage.name,
      inputs,
      outputs,
      policyVersions: [...new Set(versions.values())],
      differences: [
        ...unpublished.map((version) => `outputs name the policy ${version}, which nobody published`),
        ...compare(expected, actual),
        // Records of one key come from several partitions of the stage, at their own pace.
        ...compare(sorted(copiesExpected), sorted(copies)),
      ],
      stateDifferences: await compareState(reader, stage, stores),
    }
  } finally {
    await reader.close()
  }
}

function append(lists: Map<string, string[]>, key: string, value: string): void {
  const list = lists.get(key)
  if (list) list.push(value)
  else lists.set(key, [value])
}

const sorted = (lists: ReadonlyMap<string, string[]>): Map<string, string[]> =>
  new Map([...lists].map(([key, values]) => [key, values.toSorted()]))

function handle(
  stage: AnyStage,
  input: AnyStage['inputs'][number],
  decoder: RecordDecoder<RecordName>,
  state: Record<string, StateStore>,
  partition: number,
  message: FetchedMessage,
  eventTimes: Map<number, number>,
  useVersionFor: (value: unknown) => void,
): StageResult<unknown> | null {
  const value = message.value === null ? null : decoder.decode(message.value)
  if (value instanceof DecodeFailure || (value === null && input.role === 'events')) return null
  if (input.role === 'events') {
    const at = (value as { feedAppendedAt?: number }).feedAppendedAt ?? Number(message.timestamp)
    eventTimes.set(partition, Math.max(at, eventTimes.get(partition) ?? 0))
  }
  useVersionFor(value)
  const context: RecordContext<Record<string, StateStore>> = {
    key: message.key?.toString('utf8') ?? '',
    state,
    partition,
    offset: Number(message.offset),
    appendedAt: Number(message.timestamp),
    bytes: message.value?.length ?? 0,
    now: 0,
  }
  const all = Object.values(state)
  for (const store of all) store.beginRecord()
  let result: StageResult<unknown>
  try {
    result = input.handle(value as never, context as never)
  } catch {
    result = { kind: 'deadLetter', reason: 'processing_failed', error: stage.name }
  }
  if (result.kind !== 'forward') for (const store of all) store.undoRecord()
  for (const store of all) {
    store.changes(eventTimes.get(partition) ?? 0)
    store.merge()
  }
  return result
}

function compare(expected: ReadonlyMap<string, string[]>, actual: ReadonlyMap<string, string[]>): string[] {
  const differences: string[] = []
  for (const key of new Set([...expected.keys(), ...actual.keys()])) {
    const wanted = expected.get(key) ?? []
    const found = actual.get(key) ?? []
    if (wanted.length !== found.length)
      differences.push(`${wanted.length} outputs expected in a lane, ${found.length} found`)
    else if (wanted.some((value, i) => value !== found[i]))
      differences.push('an output differs or stands in another order')
    if (differences.length >= 20) break
  }
  return differences
}

/** The compacted topic, restored as a new owner would, against the stores of the replay: every entry of either in both. */
async function compareState(
  reader: PartitionReader,
  stage: AnyStage,
  replayed: ReadonlyMap<number, Record<string, StateStore>>,
): Promise<string[]> {
  const differences: string[] = []
  const restored = new Map<number, Record<string, StateStore>>()
  for await (const { partition, message } of readTopic(reader, stateTopic(stage.name))) {
    let state = restored.get(partition)
    if (!state) restored.set(partition, (state = stage.createState()))
    const key = message.key?.toString('utf8') ?? ''
    const slash = key.indexOf('/')
    state[key.slice(0, slash)]?.restore(key.slice(slash + 1), message.value)
  }
  for (const [partition, state] of replayed) {
    for (const [name, store] of Object.entries(state)) {
      const other = restored.get(partition)?.[name]
      const entries = other?.entries ?? 0
      if (store instanceof SeenWindow) {
        // Ids leave it a transaction's worth at a time, here one by one: it may still hold some of its oldest.
        const missing = [...store.ids()].filter((id) => !(other as SeenWindow | undefined)?.has(id)).length
        if (missing > 0 || entries - store.entries > MAX_TRANSACTION_RECORDS)
          differences.push(
            `${name} of partition ${partition}: ${store.entries} ids expected, ${entries} found, ${missing} missing`,
          )
      } else if (store.entries !== entries)
        differences.push(
          `${name} of partition ${partition}: ${store.entries} entries expected, ${entries} found`,
        )
      else if (other && store.digest() !== other.digest())
        differences.push(`${name} of partition ${partition}: entries differ`)
    }
  }
  return differences.slice(0, 20)
}
