import type { EnforcementDecision, ReviewVerdict } from '@wardline/events'
import { describe, expect, it } from 'vitest'
import { CLAIM_MS, PROMISE_MS, ReviewQueue, refusalOf, verdictIdOf } from './queue.ts'

const NOW = Date.UTC(2026, 8, 21, 4)

const decision = (id: string, change: Partial<EnforcementDecision> = {}): EnforcementDecision =>
  ({
    decisionId: `d-${id}`,
    type: 'DECISION',
    eventId: id,
    actorId: 'actor',
    decidedAt: NOW,
    verdict: 'HOLD_FOR_REVIEW',
    category: 'fraud',
    risk: 0.5,
    statement: {} as EnforcementDecision['statement'],
    causedBy: null,
    review: ['hold'],
    ...change,
  }) as EnforcementDecision

const verdict = (
  id: string,
  outcome: ReviewVerdict['outcome'],
  reviewerId = 'li',
  reviewedAt = NOW,
): ReviewVerdict => ({
  verdictId: verdictIdOf(`d-${id}`, reviewerId, outcome),
  decisionId: `d-${id}`,
  eventId: id,
  actorId: 'actor',
  outcome,
  reviewerId,
  reason: null,
  reviewedAt,
})
const appeal = (eventId: string, by = 'actor', reportedAt = NOW) => ({
  reportId: 'r',
  reporterId: by,
  reportedId: by,
  eventId,
  category: 'fraud' as const,
  reportedAt,
})
const open = (queue: ReviewQueue, now = NOW) => queue.open(now).map((each) => each.decision.eventId)

describe('the review queue', () => {
  it('has what is held, appealed or drawn, and nothing else', () => {
    const queue = new ReviewQueue()
    queue.takeDecision(decision('held'))
    queue.takeDecision(decision('hidden', { verdict: 'HIDE', review: [] }))
    queue.takeDecision(decision('appealed', { verdict: 'HIDE', review: [] }))
    queue.takeDecision(decision('drawn', { verdict: 'ALLOW', statement: null, review: ['sample'] }))
    queue.takeDecision(decision('allowed', { verdict: 'ALLOW', statement: null, review: [] }))
    queue.takeReport(appeal('appealed'))
    queue.takeReport(appeal('hidden', 'somebody-else'))
    queue.takeReport(appeal('allowed'))
    expect(queue.open(NOW).map(({ decision: { eventId }, reason }) => [eventId, reason])).toEqual([
      ['held', 'hold'],
      ['appealed', 'appeal'],
      ['drawn', 'sample'],
    ])
  })

  it('puts first who may hurt themselves, then what waited too long, then the riskier hold', () => {
    const queue = new ReviewQueue()
    queue.takeDecision(decision('mild', { risk: 0.4 }))
    queue.takeDecision(decision('strong', { risk: 0.8 }))
    queue.takeDecision(decision('old', { risk: 0.1, decidedAt: NOW - PROMISE_MS - 1 }))
    queue.takeDecision(decision('care', { category: 'self_harm', risk: 0.3 }))
    expect(open(queue)).toEqual(['care', 'old', 'strong', 'mild'])
  })

  it('closes with a verdict on what stands, and opens again with what comes later', () => {
    const queue = new ReviewQueue()
    queue.takeDecision(decision('e'))
    queue.takeVerdict(verdict('e', 'UPHELD'))
    expect(open(queue)).toEqual([])
    queue.takeDecision(decision('e', { decisionId: 'd-e2', type: 'FOLLOW_UP', verdict: 'HIDE', review: [] }))
    queue.takeReport(appeal('e', 'actor', NOW - 1))
    expect(open(queue)).toEqual([])
    queue.takeReport(appeal('e', 'actor', NOW + 1))
    expect(open(queue)).toEqual(['e'])
    queue.takeVerdict(verdict('e', 'OVERTURNED', 'li', NOW + 2))
    queue.takeDecision(decision('e', { decisionId: 'd-e3', type: 'REVERSAL', verdict: 'ALLOW', review: [] }))
    queue.takeReport(appeal('e', 'actor', NOW + 3))
    expect(open(queue)).toEqual([])
    expect(queue.standingOf('d-e')?.decisionId).toBe('d-e3')
  })

  it('gives an item to the first who claimed it, for a quarter of an hour', () => {
    const queue = new ReviewQueue()
    queue.takeDecision(decision('e'))
    queue.takeVerdict(verdict('e', 'CLAIMED', 'li', NOW))
    queue.takeVerdict(verdict('e', 'CLAIMED', 'wang', NOW + 1))
    expect(queue.open(NOW + 2)[0]!.claimedBy).toBe('li')
    expect(queue.open(NOW + CLAIM_MS)[0]!.claimedBy).toBeNull()
    queue.takeVerdict(verdict('e', 'CLAIMED', 'wang', NOW + CLAIM_MS))
    expect(queue.open(NOW + CLAIM_MS)[0]!.claimedBy).toBe('wang')
  })
})

describe('a verdict', () => {
  const held = decision('e')
  it('has one id by decision, inspector and outcome', () => {
    expect(verdictIdOf('d', 'li', 'UPHELD')).toBe(verdictIdOf('d', 'li', 'UPHELD'))
    expect(verdictIdOf('d', 'li', 'UPHELD')).not.toBe(verdictIdOf('d', 'li', 'OVERTURNED'))
  })

  it('is refused where it would change nothing', () => {
    expect(refusalOf(held, [], 'UPHELD')).toBeUndefined()
    expect(refusalOf(held, [verdict('e', 'UPHELD')], 'UPHELD')).toMatch(/upheld already/)
    expect(refusalOf(held, [verdict('e', 'UPHELD')], 'OVERTURNED')).toBeUndefined()
    for (const outcome of ['UPHELD', 'OVERTURNED'] as const)
      expect(refusalOf(held, [verdict('e', 'OVERTURNED')], outcome)).toMatch(/final/)
    const confirmed = decision('e', {
      decisionId: 'd-e2',
      type: 'FOLLOW_UP',
      causedBy: verdictIdOf('d-e', 'li', 'UPHELD'),
    })
    expect(refusalOf(confirmed, [verdict('e', 'UPHELD')], 'UPHELD')).toMatch(/upheld already/)
    expect(refusalOf(confirmed, [verdict('e', 'UPHELD')], 'OVERTURNED')).toBeUndefined()
  })
})
