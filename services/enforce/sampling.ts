/**
 * Whether a human looks at this allowed decision. By the seed and the decision's id alone, so that a replay draws the
 * same sample and nobody can guess it from the event.
 */
export function isSampled(decisionId: string, rate: number, seed: string): boolean {
  return rate > 0 && mixed(seed, decisionId) < rate * 0x1_0000_0000
}

/** FNV-1a over seed and id, then the finalizer of MurmurHash3: FNV's high bits alone are not even enough. 32 bits. */
function mixed(seed: string, id: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < seed.length; i++) hash = Math.imul(hash ^ seed.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ 0xff, 0x01000193)
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
