import { CATEGORY_SYMBOLS, type Category } from '@wardline/events'
import { StageMetrics } from '@wardline/stream'
import { beforeEach, expect, it } from 'vitest'
import { createBreakerAlert } from '../../services/enforce/breaker-alert.ts'
import { createDecisionCounter } from '../../services/enforce/decision-counter.ts'
import { Harness, harmful, hit } from '../../services/enforce/testing.ts'

// What the feed and the policy can put into a record must not become series: thousands of rules, sections, accounts.

const DECISIONS = 4_000
/** Of one enforce process, docs/operating.md states it. */
const MOST_SERIES = 4_000

let metrics: StageMetrics
beforeEach(() => {
  metrics = new StageMetrics('enforce')
})

const scrape = async () =>
  (await metrics.registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
const labelValues = (lines: readonly string[], label: string) =>
  new Set(lines.flatMap((line) => new RegExp(`[{,]${label}="((?:[^"\\\\]|\\\\.)*)"`).exec(line)?.[1] ?? []))

it('hostile rule ids, sections and accounts make no more series than the bound, and none is named', async () => {
  const count = createDecisionCounter(metrics.registry)
  const alert = createBreakerAlert(metrics.registry, { warn: () => {}, info: () => {} }, Date.now)
  const stage = new Harness()
  const hostile = ['\n', '"', '\\', '{a="b"}', '💥'.repeat(30), 'x'.repeat(10_000)]
  for (let i = 0; i < DECISIONS; i++) {
    const category = CATEGORY_SYMBOLS[i % CATEGORY_SYMBOLS.length] as Category
    const id = `${hostile[i % hostile.length]}-rule-${i}`
    const event = harmful('fraud', 0.99, {
      eventId: `secret-event-${i}`,
      actorId: `secret-account-${i}`,
      protectedId: `secret-account-${i + 1}`,
      section: `secret-section-${i}-${hostile[i % hostile.length]}`,
      ruleHits: [
        hit('fraud', { ruleId: id, score: 0.99 }),
        hit('hate', { ruleId: `shadow-${id}`, mode: 'SHADOW' }),
      ],
    })
    const decision = stage.decide(event)
    metrics.age[category].observe(i / 1_000, i, '')
    for (const each of [decision, { ...decision, review: [`breaker/rule/${id}`] }]) {
      count(each)
      alert(each)
    }
  }
  const lines = await scrape()
  expect(lines.length).toBeLessThan(MOST_SERIES)
  // That there are rules at all: what is counted nowhere is bounded too.
  expect(labelValues(lines, 'rule').size).toBe(301)
  expect(labelValues(lines, 'name').size).toBeLessThanOrEqual(301)
  expect(labelValues(lines, 'rule')).toContain('other')
  expect([...labelValues(lines, 'category')].sort()).toEqual([...CATEGORY_SYMBOLS].sort())
  const text = lines.join('\n')
  expect(text).not.toContain('secret-')
  expect(text).not.toContain('x'.repeat(200))
  for (const line of lines)
    expect(line).toMatch(/^[a-z_0-9]+(\{([a-z_]+="([^"\\\n]|\\["\\n])*",?)*\})? [-+0-9.eInfNa]+$/)
})

it('the labels of a stage are those of the documentation, whatever it counts', async () => {
  metrics.setLag(3, 1)
  metrics.setStore('actors', 1, 0)
  metrics.setPolicyVersion('v1')
  metrics.setPolicyVersion('v2')
  metrics.policyRefused('hash')
  const own = (await scrape()).filter((line) => line.startsWith('wardline_'))
  const labels = new Set(
    own.flatMap((line) => [...line.matchAll(/[{,]([a-z_]+)="/g)].map(([, name]) => name)),
  )
  expect([...labels].sort()).toEqual(
    ['category', 'le', 'outcome', 'partition', 'reason', 'result', 'stage', 'store', 'version'].sort(),
  )
  expect(own.filter((line) => line.startsWith('wardline_policy_info'))).toEqual([
    'wardline_policy_info{version="v2"} 1',
  ])
})
