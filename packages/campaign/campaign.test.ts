import type { EnforcementDecision } from '@wardline/events'
import { CAMPAIGN_ITEMS } from '@wardline/policy'
import { describe, expect, it } from 'vitest'
import { Campaign } from './campaign.ts'
import { ITEM_NAMES } from './items.ts'
import { campaignCsv, campaignPage } from './page.ts'

const FROM = Date.UTC(2026, 8, 1)
const TO = Date.UTC(2026, 9, 1)

const decision = (eventId: string, change: Partial<EnforcementDecision> = {}): EnforcementDecision =>
  ({
    decisionId: `d-${eventId}`,
    type: 'DECISION',
    eventId,
    actorId: 'a',
    feedAppendedAt: FROM,
    decidedAt: FROM + 100,
    verdict: 'HIDE',
    accountAction: 'WARN',
    items: ['4.2'],
    ruleIds: ['fraud.terms'],
    statement: {} as EnforcementDecision['statement'],
    ...change,
  }) as EnforcementDecision
const verdict = (eventId: string, outcome: 'UPHELD' | 'OVERTURNED') => ({
  verdictId: `v-${eventId}-${outcome}`,
  decisionId: `d-${eventId}`,
  eventId,
  actorId: 'a',
  outcome,
  reviewerId: 'li',
  reason: null,
  reviewedAt: FROM,
})

function filled(): Campaign {
  const campaign = new Campaign(FROM, TO)
  campaign.takeDecision(decision('1'))
  campaign.takeDecision(decision('2', { decidedAt: FROM + 300, items: ['4.2', '3.3'] }))
  campaign.takeDecision(decision('3', { actorId: 'b', decidedAt: FROM + 500 }))
  campaign.takeDecision(
    decision('4', { verdict: 'ALLOW', accountAction: 'NONE', statement: null, actorId: 'c' }),
  )
  campaign.takeDecision(decision('too early', { feedAppendedAt: FROM - 1 }))
  campaign.takeDecision(decision('too late', { feedAppendedAt: TO }))
  campaign.takeDecision(decision('harmless', { statement: null, items: [], ruleIds: [] }))
  campaign.takeDecision(decision('3', { type: 'REVERSAL', verdict: 'ALLOW', statement: null }))
  campaign.takeVerdict(verdict('3', 'OVERTURNED'))
  campaign.takeVerdict(verdict('1', 'UPHELD'))
  return campaign
}

describe('the campaign report', () => {
  it('counts by item, by when the event came, and by distinct account', () => {
    const { items, total, rules } = filled().report()
    expect(items.map(({ item }) => item)).toEqual(CAMPAIGN_ITEMS)
    expect(items.find(({ item }) => item === '4.2')).toEqual({
      item: '4.2',
      seen: 4,
      actedOn: 3,
      accounts: 2,
      overturned: 1,
      medianMs: 300,
      p99Ms: 500,
    })
    expect(items.find(({ item }) => item === '3.3')).toMatchObject({ seen: 1, actedOn: 1 })
    expect(items.find(({ item }) => item === '1.1')).toMatchObject({ seen: 0, medianMs: null, p99Ms: null })
    expect(total).toMatchObject({ seen: 4, actedOn: 3 })
    expect(rules).toEqual([
      { rule: 'fraud.terms', actedOn: 3, reviewed: 2, overturned: 1, overturnRate: 0.5 },
    ])
  })

  it('takes the time until the first decision that acted, a follow-up where it was one', () => {
    const campaign = new Campaign(FROM, TO)
    campaign.takeDecision(
      decision('1', { verdict: 'ALLOW', statement: null, items: [], accountAction: 'NONE' }),
    )
    const later: Partial<EnforcementDecision> = { type: 'FOLLOW_UP', accountAction: 'NONE', items: ['3.3'] }
    campaign.takeDecision(decision('1', { ...later, decidedAt: FROM + 60_000 }))
    campaign.takeDecision(decision('1', { ...later, decidedAt: FROM + 90_000 }))
    expect(campaign.report().items.find(({ item }) => item === '3.3')).toMatchObject({
      seen: 1,
      actedOn: 1,
      accounts: 0,
      medianMs: 60_000,
    })
  })

  it('counts a rest reminder as something done', () => {
    const campaign = new Campaign(FROM, TO)
    const rest = {
      statement: null,
      verdict: 'ALLOW',
      accountAction: 'REST_REMINDER',
      items: ['6.1'],
    } as const
    campaign.takeDecision(decision('1', { ...rest, items: [...rest.items] }))
    expect(campaign.report().items.find(({ item }) => item === '6.1')).toMatchObject({
      seen: 1,
      actedOn: 1,
      accounts: 1,
    })
  })

  it('is a table for spreadsheets and a page for people, in both languages', () => {
    const report = filled().report()
    const lines = campaignCsv(report).trimEnd().split('\r\n')
    expect(lines).toHaveLength(26)
    expect(lines[12]).toMatch(/^4\.2,"Free game gear.*",以免费装备.*,4,3,2,1,300,500$/)
    const page = campaignPage({ ...report, rules: [{ ...report.rules[0]!, rule: '<b>&' }] }, TO)
    for (const { zh } of Object.values(ITEM_NAMES)) expect(page).toContain(zh)
    expect(page).toContain('&lt;b&gt;&amp;')
    expect(page).not.toMatch(/<script|https?:\/\/|<b>/)
  })
})
