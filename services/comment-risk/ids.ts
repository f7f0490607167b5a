/** FNV-1a, 32 bits, over UTF-16 code units: tells ids of one account apart, nothing more. */
export function hashOf(id: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193)
  // FNV leaves low bits of ids that count up close together; what is taken modulo a power of two needs them mixed.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** The list with this hash at its end and at most `most` hashes in it. */
export function withRecent(recent: readonly number[], hash: number, most: number): readonly number[] {
  const next = recent.length >= most ? recent.slice(recent.length - most + 1) : recent.slice()
  next.push(hash)
  return next
}
