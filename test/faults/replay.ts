import { type Connection, readTopic } from '@wardline/cli/connection'
import { DecodeFailure, RecordDecoder, type RecordName, recordType } from '@wardline/events'
import { SeenWindow } from '@wardline/normalize'
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
  /** Outputs that differ, are missing, are too many or stand in another order of their key: at most the first 20. */
  readonly differences: readonly string[]
  /** State keys whose value on the compacted topic is not what the replay has: at most the first 20. */
  readonly stateDifferences: readonly string[]
}

/** Names the lane of an output; see replayStage. */
export type LaneOf = (output: unknown) => string

/** WARDLINE_MAX_TRANSACTION_RECORDS where nobody sets it. */
const MAX_TRANSACTION_RECORDS = 2_000

type AnyStage = Stage<RecordName, Record<string, StateStore>>

/** Fields that the clock of the run goes into. */
const CLOCK_FIELDS = new Set(['decidedAt', 'applicationDate'])
const plain = (value: unknown) =>
  JSON.stringify(value, (key, field: unknown) => (CLOCK_FIELDS.has(key) ? undefined : field))

/**
 * Runs a stage's logic without Kafka and without faults over the very records that the running stage read, partition
 * by partition in offset order (tables first), and compares outputs and state. Order is compared within a lane: outputs
 * of one key that come from one input partition, since partitions run at their own pace. Equal means: nothing lost, nothing
 * twice, nothing out of order, whatever happened to the processes.
 */
export async function replayStage(
  connection: Connection,
  stage: AnyStage,
  laneOf: LaneOf,
): Promise<ReplayReport> {
  const reader = new PartitionReader(connection.kafka)
  try {
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
        const result = handle(stage, input, decoder, state, partition, message, eventTimes)
        if (result?.kind !== 'forward') continue
        for (const output of result.outputs) append(expected, laneOf(output), plain(overTheWire(output)))
      }
    }

    const actual = new Map<string, string[]>()
    let outputs = 0
    const outputDecoder = new RecordDecoder<RecordName>(stage.output.record, connection.registry)
    for await (const { message } of readTopic(reader, stage.output.topic)) {
      await outputDecoder.prepare([message])
      const value = outputDecoder.decode(message.value!)
      // Bytes that a test put there itself are no output of the stage before.
      if (value instanceof DecodeFailure) continue
      outputs++
      append(actual, laneOf(value), plain(value))
    }
    return {
      stage: stage.name,
      inputs,
      outputs,
      differences: compare(expected, actual),
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

function handle(
  stage: AnyStage,
  input: AnyStage['inputs'][number],
  decoder: RecordDecoder<RecordName>,
  state: Record<string, StateStore>,
  partition: number,
  message: FetchedMessage,
  eventTimes: Map<number, number>,
): StageResult<unknown> | null {
  const value = message.value === null ? null : decoder.decode(message.value)
  if (value instanceof DecodeFailure || (value === null && input.role === 'events')) return null
  if (input.role === 'events') {
    const at = (value as { feedAppendedAt?: number }).feedAppendedAt ?? Number(message.timestamp)
    eventTimes.set(partition, Math.max(at, eventTimes.get(partition) ?? 0))
  }
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
