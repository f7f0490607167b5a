/**
 * Distinct ids seen lately: hash and last event time (ms) in turn, oldest addition first. Flat, so that it is
 * small in memory and as JSON, and without the ids themselves.
 */
export type RecentIds = readonly number[]

/** Most ids remembered; no threshold of the policy may be above it. */
export const RECENT_IDS_LIMIT = 64

/** FNV-1a, 32 bits, over UTF-16 code units: tells ids apart within one account's ring, nothing more. */
export function hashOf(id: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193)
  return hash >>> 0
}

/** The ring with this id in it; the same ring where it is in it with this time or a later one. */
export function withId(ring: RecentIds, hash: number, at: number): RecentIds {
  for (let i = 0; i < ring.length; i += 2) {
    if (ring[i] !== hash) continue
    if (ring[i + 1]! >= at) return ring
    const next = ring.slice()
    next.splice(i, 2)
    next.push(hash, at)
    return next
  }
  const next = ring.length >= 2 * RECENT_IDS_LIMIT ? ring.slice(2) : ring.slice()
  next.push(hash, at)
  return next
}

/** Distinct ids whose last time is within the window before `at`. Later ones count: what is known by now is known. */
export function countSince(ring: RecentIds, at: number, windowMs: number): number {
  let count = 0
  for (let i = 1; i < ring.length; i += 2) if (ring[i]! > at - windowMs) count++
  return count
}

/** The greatest time in the ring; 0 where it is empty. */
export function latestOf(ring: RecentIds): number {
  let latest = 0
  for (let i = 1; i < ring.length; i += 2) if (ring[i]! > latest) latest = ring[i]!
  return latest
}
