import type { ClassifiedEvent } from '@wardline/events'
import type { RiskPolicy } from '@wardline/policy/risk'
import type { KeyedStore } from '@wardline/stream'
import { ByteReader, ByteWriter } from '@wardline/stream'
import {
  countWithin,
  type Distinct,
  latestIn,
  NOBODY_YET,
  readDistinct,
  withAccount,
  writeDistinct,
} from './distinct.ts'
import { hashOf } from './ids.ts'

const HOUR = 3_600_000

/**
 * Minors on this partition who got one text or one contact handle, whoever sent it. A partition sees its share of the minors
 * only, so of a spread over all of them by many accounts; what one account sends to many is enforce's to see, which is keyed
 * by the actor.
 */
export type Spread = Distinct

/**
 * Counts what the event carries and returns the highest count within the window, this event's minor included; 0 where it carries nothing
 * that is counted. A text is counted only where it shows something (`telling`): thanks and greetings are copies, too.
 */
export function countSpread(
  store: KeyedStore<Spread>,
  event: ClassifiedEvent,
  telling: boolean,
  policy: RiskPolicy,
): number {
  const windowMs = policy.spread.windowHours * HOUR
  const minor = hashOf(event.protectedId)
  let most = 0
  const count = (key: string) => {
    const known = store.get(key) ?? NOBODY_YET
    const next = withAccount(known, minor, event.occurredAt)
    if (next !== known) store.put(key, next)
    most = Math.max(most, countWithin(next, event.occurredAt, windowMs))
  }
  for (const hash of event.contactHashes) count(`c${hash}`)
  if (telling && event.fingerprint !== null) count(`t${event.fingerprint.toString(36)}`)
  return most
}

export const spreadExpiresAt = (spread: Spread, policy: RiskPolicy): number =>
  latestIn(spread) + policy.spread.windowHours * HOUR

const writer = new ByteWriter()
export const spreadCodec = {
  encode(spread: Spread): Buffer {
    writeDistinct(writer, spread)
    return writer.copied()
  },
  decode: (bytes: Buffer): Spread => readDistinct(new ByteReader(bytes)),
}
