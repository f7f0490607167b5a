/**
 * Who did something to an account lately: hash of the actor and last event time (ms) in turn, oldest
 * addition first. Flat, so that it is small in memory and as JSON.
 */
export type RecentActors = readonly number[]

/** Most actors remembered; who is beyond it makes no difference to any threshold. */
export const RECENT_ACTORS_LIMIT = 64

/** FNV-1a, 32 bits, over UTF-16 code units: tells actors apart within one account's ring, nothing more. */
export function hashOf(id: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193)
  return hash >>> 0
}

/** The ring with this actor in it. The same ring where the actor is in it with this time or a later one. */
export function withActor(ring: RecentActors, hash: number, at: number): RecentActors {
  for (let i = 0; i < ring.length; i += 2) {
    if (ring[i] !== hash) continue
    if (ring[i + 1]! >= at) return ring
    const next = ring.slice()
    next.splice(i, 2)
    next.push(hash, at)
    return next
  }
  const next = ring.length >= 2 * RECENT_ACTORS_LIMIT ? ring.slice(2) : ring.slice()
  next.push(hash, at)
  return next
}

/** Distinct actors within the window that ends at `at`; later ones (the event is late) do not count. */
export function countWithin(ring: RecentActors, at: number, windowMs: number): number {
  let count = 0
  for (let i = 1; i < ring.length; i += 2) {
    const time = ring[i]!
    if (time > at - windowMs && time <= at) count++
  }
  return count
}
