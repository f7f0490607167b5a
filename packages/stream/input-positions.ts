import type { PartitionReader } from './client/partition-reader.ts'

/**
 * Key of the record in a stage's state topic that says how far the stage has read its inputs. It is part of every
 * transaction, so it can never disagree with the state and the outputs; the group's committed offsets can be lost by
 * themselves (a coordinator whose log lost its end, retention of offsets, a group that somebody deleted).
 */
export const POSITION_KEY = 'position/inputs'

/** Next offset to read of each input topic. */
export type InputPositions = ReadonlyMap<string, number>

export const encodePositions = (positions: InputPositions): Buffer =>
  Buffer.from(JSON.stringify(Object.fromEntries(positions)))

export function decodePositions(value: Buffer): InputPositions {
  const parsed = JSON.parse(value.toString('utf8')) as Record<string, number>
  return new Map(Object.entries(parsed))
}

/** A transaction's last records are these few; the window grows where aborted ones lie behind it. */
const FIRST_WINDOW = 64
const GROWTH = 16

/** The positions that the stage last wrote to its state topic; null where it has written none. Only after the fence. */
export async function readPositions(
  reader: PartitionReader,
  topic: string,
  partition: number,
): Promise<InputPositions | null> {
  const { start, end } = await reader.bounds(topic, partition)
  for (let window = FIRST_WINDOW, until = end; until > start; window *= GROWTH) {
    const from = Math.max(start, until - window)
    let last: Buffer | null = null
    for await (const messages of reader.read(topic, partition, from, until)) {
      for (const { key, value } of messages)
        if (value !== null && key?.toString('utf8') === POSITION_KEY) last = value
    }
    if (last) return decodePositions(last)
    until = from
  }
  return null
}

export interface JoinedPositions {
  readonly positions: Map<string, number>
  /** Topics whose committed offset was behind what the stage has done. */
  readonly lost: readonly string[]
  /** Topics whose committed offset is ahead of what the state topic says: the state may lack changes. */
  readonly ahead: readonly string[]
}

/**
 * Where to go on: by the group's committed offsets (-1: none), or where the stage's own record is further, by that. A
 * record beyond the end of its topic speaks of a topic that was deleted and made anew, and does not count.
 */
export function joinPositions(
  committed: InputPositions,
  own: InputPositions | null,
  ends: InputPositions,
): JoinedPositions {
  const positions = new Map(committed)
  const lost: string[] = []
  const ahead: string[] = []
  for (const [topic, offset] of committed) {
    const known = own?.get(topic)
    if (known === undefined || known === offset || known > (ends.get(topic) ?? known)) continue
    if (known > offset) {
      positions.set(topic, known)
      lost.push(topic)
    } else ahead.push(topic)
  }
  return { positions, lost, ahead }
}
