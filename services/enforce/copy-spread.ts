import type { AssessedEvent } from '@wardline/events'
import type { Enforcement } from '@wardline/policy/enforcement'
import { hashOf } from './recent-ids.ts'

/**
 * What one actor sent to which minors lately: what (a contact hash, or a fingerprint plus COPY), hash of the minor and time
 * (ms) in turn, oldest addition first. Flat, so that it is small in memory and as JSON.
 */
export type Copies = readonly number[]
const FIELDS = 3

/** Most remembered of one actor. */
export const COPIES_LIMIT = 96

/** Added to a fingerprint (52 bits), so that it is no contact hash (32 bits, either sign); exact in a double. */
const COPY = 2 ** 52
/** Bits in which fingerprints of one copied text may differ: 86 % of texts with one character changed, two in a million unrelated pairs (docs/risk.md). */
const NEAR_BITS = 8
const LOW = 2 ** 32

export interface CopySpread {
  readonly copies: Copies
  /** Most distinct minors within the window who got one thing of this event, this event's included. */
  readonly minors: number
}

/** The actor's copies with this event in them. Asks nothing of what the event says: a harmless text is counted, too. */
export function withCopies(
  copies: Copies,
  event: AssessedEvent,
  policy: Enforcement['copySpread'],
): CopySpread {
  const { contactHashes, fingerprint, protectedId, occurredAt } = event
  if (contactHashes.length === 0 && fingerprint === null) return { copies, minors: 0 }
  const things = fingerprint === null ? contactHashes : [...contactHashes, fingerprint + COPY]
  const minor = hashOf(protectedId)
  const next = copies.slice()
  let most = 0
  for (const thing of things) {
    let at = next.length
    for (let i = 0; i < next.length; i += FIELDS) if (next[i] === thing && next[i + 1] === minor) at = i
    if (at === next.length) next.push(thing, minor, occurredAt)
    else if (next[at + 2]! < occurredAt) next[at + 2] = occurredAt
    const minors = new Set<number>()
    for (let i = 0; i < next.length; i += FIELDS)
      if (next[i + 2]! > occurredAt - policy.windowMs && isSame(next[i]!, thing)) minors.add(next[i + 1]!)
    most = Math.max(most, minors.size)
  }
  const over = next.length - FIELDS * COPIES_LIMIT
  return { copies: over > 0 ? next.slice(over) : next, minors: most }
}

/** One handle, or texts whose fingerprints are near. Halves, because bit operators see 32 bits. */
function isSame(a: number, b: number): boolean {
  if (a === b) return true
  if (a < COPY || b < COPY) return false
  const [x, y] = [a - COPY, b - COPY]
  return bits((x % LOW) ^ (y % LOW)) + bits(Math.floor(x / LOW) ^ Math.floor(y / LOW)) <= NEAR_BITS
}

function bits(word: number): number {
  let count = 0
  for (let rest = word >>> 0; rest !== 0; rest &= rest - 1) count++
  return count
}

export function latestCopy(copies: Copies): number {
  let latest = 0
  for (let i = 2; i < copies.length; i += FIELDS) if (copies[i]! > latest) latest = copies[i]!
  return latest
}
