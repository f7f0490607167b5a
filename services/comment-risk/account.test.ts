import { PILE_ON_FEATURES } from '@wardline/policy/risk'
import { describe, expect, it } from 'vitest'
import {
  accountCodec,
  afterSaid,
  kept,
  NEW_ACCOUNT,
  type ProtectedAccount,
  pileOnFeatures,
} from './account.ts'

const T0 = Date.UTC(2026, 8, 21, 4)

const threadOf = (tones: readonly number[], hostility: number): ProtectedAccount =>
  tones.reduce(
    (account, tone, i) =>
      kept(
        afterSaid(account, {
          at: T0 + i * 60_000,
          eventHash: i + 1,
          actorHash: 100 + i,
          thread: 7,
          hostility,
          attack: hostility >= 0.4,
          tone,
        }),
      ),
    NEW_ACCOUNT,
  )

const featuresOf = (account: ProtectedAccount): Record<string, number> => {
  const features = new Float64Array(PILE_ON_FEATURES.length)
  pileOnFeatures(account, T0 + 3_600_000, account.threads[0], 0.5, features)
  return Object.fromEntries(PILE_ON_FEATURES.map((name, i) => [name, features[i]!]))
}

describe('a protected account', () => {
  it('sums the hostile tones of a thread, and those above 0 apart', () => {
    const [thread] = threadOf([2, -3, 1.5], 0.5).threads
    expect(thread!.tone).toBeCloseTo(0.5, 1)
    expect(thread!.toneAbove).toBeCloseTo(3.5, 1)
  })

  it('sees more in a thread whose tones are hostile than in one that is as long and has as many attackers', () => {
    const hostile = featuresOf(threadOf([2, 2, 2, 2], 0.5))
    const mild = featuresOf(threadOf([-2, -2, -2, -2], 0.5))
    for (const name of ['hour', 'day', 'week', 'thread', 'share', 'sharpest'])
      expect(hostile[name], name).toBe(mild[name])
    expect(hostile.tone).toBeGreaterThan(mild.tone!)
    expect(hostile.toneAbove).toBeGreaterThan(mild.toneAbove!)
    const most = featuresOf(threadOf(new Array(40).fill(6), 1))
    for (const name of ['share', 'sharpest', 'tone', 'toneAbove'])
      expect(most[name], name).toBeLessThanOrEqual(1)
  })

  it('takes one comment for a smaller share than a thread as hostile, and for as much by its tone', () => {
    const [one, three] = [featuresOf(threadOf([2], 0.5)), featuresOf(threadOf([2, 2, 2], 0.5))]
    expect(one.share).toBeLessThan(three.share!)
    expect(one.tone).toBeCloseTo(three.tone!, 1)
  })

  it('reads what was written before threads had the sum of tones above 0', () => {
    const account = threadOf([2, -3, 1.5], 0.5)
    const bytes = accountCodec.encode(account)
    expect(accountCodec.decode(bytes)).toEqual(account)
    const [thread] = account.threads
    // The sum comes last: two bytes for one thread.
    const before = accountCodec.decode(bytes.subarray(0, bytes.length - 2))
    expect(before).toEqual({ ...account, threads: [{ ...thread, toneAbove: 0 }] })
  })
})
