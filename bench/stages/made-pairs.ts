import { afterAnswer, afterMessage, NEW_PAIR, type Pair } from '@wardline/comment-risk/parts'
import type { RiskPolicy } from '@wardline/policy/risk'
import type { Random } from '@wardline/sample-feed'

/** When the first of the pairs begin, ms since 1970-01-01 UTC. */
export const T0 = Date.UTC(2026, 8, 21)
export const MINUTE = 60_000

/** Pairs as they come about: most are a few harmless lines, one in twenty shows something, one in a hundred has items kept. */
export function makePair(random: Random, policy: RiskPolicy): Pair {
  let pair = NEW_PAIR
  let at = T0 + random.below(30 * 1440) * MINUTE
  const messages = 1 + Math.floor(random.exponential(4))
  const shows = random.chance(0.05)
  for (let i = 0; i < messages; i++) {
    at += Math.floor(random.exponential(30)) * MINUTE
    const eventHash = random.next()
    if (random.chance(0.4)) pair = afterAnswer(pair, at, eventHash, random.chance(0.02), policy)
    const markBits = shows && random.chance(0.5) ? 1 << random.below(11) : 0
    const tones = { approach: random.float() * 2 - 2, recruiting: -1, hostile: -1 }
    pair = afterMessage(
      pair,
      { at, eventHash: random.next(), markBits, harm: 0, tones, night: random.chance(0.2) },
      policy,
    )
  }
  if (!random.chance(0.01)) return pair
  const item = (i: number) => ({
    eventId: `01932f5e-7a1b-7c3d-9e4f-${String(i).padStart(12, '0')}`,
    kind: 'PRIVATE_MESSAGE' as const,
    contentId: `c-01932f5e${i}`,
    occurredAt: at,
    feedPartition: 3,
    feedOffset: 1_234_567 + i,
    feedAppendedAt: at + 40,
    category: 'benign' as const,
    score: 0.2,
    section: 'private-messages',
  })
  return { ...pair, items: Array.from({ length: 1 + random.below(8) }, (_, i) => item(i)) }
}
/** Key of the i-th pair, as comment-risk has it: protected account, then the other. */
export const keyOf = (i: number) => `u${10_000_000 + (i % 200_000)}|u${20_000_000 + i}`
