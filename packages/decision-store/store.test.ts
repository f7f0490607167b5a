import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ReviewQueue } from '@wardline/review'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import {
  accountOf,
  campaignFromStore,
  DecisionStore,
  decisionHistory,
  decisionPage,
  letterGroups,
  RETENTION,
  type Retention,
  ruleCounts,
  StoredQueue,
  type Taken,
} from './index.ts'
import { assessedOf, decisionOf, NOW, plainOf, taken, verdictOf } from './testing.ts'

const folder = mkdtempSync(join(tmpdir(), 'wardline-store-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const areaOf = (category: string) => category
const memory = (retention?: Retention) => DecisionStore.open(':memory:', 'cluster', retention)
let offset = 0
const take = (store: DecisionStore, ...records: Taken[]) =>
  store.take({ topic: 't', partition: 0, next: ++offset, records, skipped: 0 })

describe('the store', () => {
  it('keeps records and positions together, over a restart', () => {
    const file = join(folder, 'restart.sqlite')
    const first = DecisionStore.open(file, 'a')
    first.take({ topic: 'x', partition: 2, next: 7, records: [taken.decision(decisionOf())], skipped: 1 })
    first.close()
    const second = DecisionStore.open(file, 'a')
    expect(second.position('x', 2)).toBe(7)
    expect(second.position('x', 1)).toBe(0)
    expect(decisionPage(second, {}, 10).decisions).toMatchObject([decisionOf()])
    second.close()
  })

  it('takes nothing of a batch that fails in the middle', () => {
    const store = memory()
    const broken = {
      kind: 'decision',
      value: { ...decisionOf({ eventId: 'b' }), actorId: undefined },
    } as never
    const before = store.position('x', 0)
    expect(() =>
      store.take({
        topic: 'x',
        partition: 0,
        next: 2,
        records: [taken.decision(decisionOf()), broken],
        skipped: 0,
      }),
    ).toThrow()
    expect(store.position('x', 0)).toBe(before)
    expect(decisionPage(store, {}, 10).decisions).toEqual([])
  })

  it('is made anew for another broker, and where the file is no store', () => {
    const file = join(folder, 'other.sqlite')
    const first = DecisionStore.open(file, 'a')
    first.take({ topic: 'x', partition: 0, next: 7, records: [taken.decision(decisionOf())], skipped: 0 })
    first.close()
    const other = DecisionStore.open(file, 'b')
    expect(other.position('x', 0)).toBe(0)
    expect(decisionPage(other, {}, 10).decisions).toEqual([])
    other.close()
    writeFileSync(file, 'this is no database at all, but long enough to be looked at as one')
    const again = DecisionStore.open(file, 'b')
    take(again, taken.decision(decisionOf()))
    expect(decisionPage(again, {}, 10).decisions).toHaveLength(1)
    again.close()
    expect(existsSync(file)).toBe(true)
  })

  it('finds decisions by verdict, category, account, rule and kind of answer, page by page', () => {
    const store = memory()
    for (let i = 0; i < 30; i++) {
      const eventId = `e${i}`
      take(
        store,
        taken.decision(
          i % 3 === 0
            ? decisionOf({ eventId, actorId: `a${i % 2}` })
            : plainOf({ eventId, shadowRuleIds: i === 1 ? ['s'] : [] }),
        ),
      )
    }
    take(
      store,
      taken.decision(decisionOf({ eventId: 'e0', type: 'REVERSAL', verdict: 'ALLOW', statement: null })),
    )
    const ids = (filter: Parameters<typeof decisionPage>[1]) =>
      decisionPage(store, filter, 100).decisions.map(({ eventId }) => eventId)
    expect(ids({ verdict: 'REMOVE' })).toHaveLength(10)
    expect(ids({ verdict: 'REMOVE', actor: 'a1' })).toEqual(['e27', 'e21', 'e15', 'e9', 'e3'])
    expect(ids({ category: 'benign' })).toHaveLength(20)
    expect(ids({ type: 'REVERSAL' })).toEqual(['e0'])
    expect(ids({ rule: 's' })).toEqual(['e1'])
    expect(ids({ notable: true })).toHaveLength(12)
    const first = decisionPage(store, {}, 20)
    const rest = decisionPage(store, {}, 20, first.older!)
    expect(rest.older).toBeNull()
    expect(new Set([...first.decisions, ...rest.decisions].map(({ seq }) => seq)).size).toBe(31)
  })

  it('tells the whole story of one event', () => {
    const store = memory()
    take(
      store,
      taken.assessment(assessedOf()),
      taken.decision(decisionOf()),
      taken.verdict(verdictOf({ outcome: 'OVERTURNED' })),
    )
    take(
      store,
      taken.decision(decisionOf({ type: 'REVERSAL', verdict: 'ALLOW', statement: null, causedBy: 'v' })),
    )
    take(store, {
      kind: 'report',
      value: {
        reportId: 'r',
        reporterId: 'actor',
        reportedId: 'actor',
        eventId: 'e',
        category: 'fraud',
        reportedAt: NOW,
      },
    })
    const history = decisionHistory(store, 'd-e-DECISION')!
    expect(history.all.map(({ type }) => type)).toEqual(['DECISION', 'REVERSAL'])
    expect(history.verdicts.map(({ outcome }) => outcome)).toEqual(['OVERTURNED'])
    expect(history.reports).toHaveLength(1)
    expect(history.assessment?.ruleHits[0]?.spans).toEqual([{ start: 2, end: 4 }])
    expect(ruleCounts(store)).toEqual([
      { rule: 'fraud.terms', live: 2, adverse: 1, shadow: 0, overturned: 1 },
    ])
  })

  it('knows of an account its strikes, the action in force, minors and reports', () => {
    const store = memory()
    take(
      store,
      taken.decision(decisionOf({ strikes: 2, accountAction: 'MUTE', actionSeconds: 3_600 })),
      taken.assessment(assessedOf()),
      taken.assessment(assessedOf({ eventId: 'f', protectedId: 'other child' })),
      taken.assessment(assessedOf({ eventId: 'g', actorAgeBand: 'AGE_12_TO_15', protectedId: 'friend' })),
      {
        kind: 'report',
        value: {
          reportId: 'r',
          reporterId: 'child',
          reportedId: 'actor',
          eventId: null,
          category: 'fraud',
          reportedAt: NOW,
        },
      },
    )
    const account = accountOf(store, 'actor', { now: NOW + 1_000, areaOf })!
    expect(account).toMatchObject({
      minors: 2,
      reportersAgainst: 1,
      strikes: [{ area: 'fraud', strikes: 2 }],
      action: { action: 'MUTE', until: NOW + 100 + 3_600_000 },
    })
    expect(accountOf(store, 'actor', { now: NOW + 4_000_000, areaOf })!.action).toBeNull()
    take(
      store,
      taken.decision(
        decisionOf({ type: 'REVERSAL', verdict: 'ALLOW', statement: null, liftedAction: 'MUTE', strikes: 0 }),
      ),
    )
    expect(accountOf(store, 'actor', { now: NOW + 1_000, areaOf })).toMatchObject({
      action: null,
      strikes: [],
    })
    expect(accountOf(store, 'nobody', { now: NOW, areaOf })).toBeUndefined()
  })

  it('forgets an account that is erased, also when what was decided before comes later', () => {
    const store = memory()
    take(
      store,
      taken.decision(decisionOf({ review: ['hold'] })),
      taken.decision(decisionOf({ eventId: 'other', actorId: 'somebody', protectedId: 'somebody' })),
      taken.assessment(assessedOf()),
      taken.verdict(verdictOf()),
    )
    take(store, { kind: 'erasure', account: 'actor', at: NOW + 60_000 })
    take(store, taken.decision(decisionOf({ eventId: 'late' })))
    expect(decisionPage(store, {}, 10).decisions.map(({ eventId }) => eventId)).toEqual(['other'])
    for (const table of ['assessments', 'contacts', 'verdicts', 'waiting'])
      expect(store.get(`SELECT count(*) AS n FROM ${table}`)!.n, table).toBe(0)
    expect(accountOf(store, 'actor', { now: NOW, areaOf })).toBeUndefined()
    take(store, taken.decision(decisionOf({ eventId: 'new', decidedAt: NOW + 70_000 })))
    expect(accountOf(store, 'actor', { now: NOW, areaOf })!.counts.decisions).toBe(1)
  })

  it('stays within its bounds, plain decisions and others apart', () => {
    const store = memory({ ...RETENTION, plainDecisions: 10, decisions: 5, assessments: 3, deadLetters: 2 })
    for (let i = 0; i < 40; i++) {
      take(
        store,
        taken.decision(plainOf({ eventId: `p${i}` })),
        taken.decision(decisionOf({ eventId: `n${i}`, review: ['hold'] })),
        taken.assessment(assessedOf({ eventId: `n${i}`, occurredAt: NOW + i })),
        letter(i),
      )
    }
    while (store.prune(NOW + 1_000)) {}
    const kept = decisionPage(store, {}, 100).decisions.map(({ eventId }) => eventId)
    expect(kept.filter((id) => id.startsWith('p'))).toEqual(
      Array.from({ length: 10 }, (_, i) => `p${39 - i}`),
    )
    expect(kept.filter((id) => id.startsWith('n'))).toEqual(Array.from({ length: 5 }, (_, i) => `n${39 - i}`))
    const count = (table: string) => store.get(`SELECT count(*) AS n FROM ${table}`)!.n
    expect([count('waiting'), count('rule_hits'), count('assessments'), count('dead_letters')]).toEqual([
      5, 5, 3, 2,
    ])
    store.prune(NOW + RETENTION.decisionsMs + 60_000)
    expect(decisionPage(store, {}, 100).decisions.every(({ eventId }) => eventId.startsWith('p'))).toBe(true)
  })

  it('groups dead letters and notes what was replayed', () => {
    const store = memory()
    take(store, letter(1), letter(2), { kind: 'replayMark', stage: 'normalize', partition: 0, offset: 1 })
    expect(letterGroups(store)).toMatchObject([
      { stage: 'normalize', reason: 'invalid', letters: 2, replayed: 1 },
    ])
  })

  it("makes the regulator's table", () => {
    const store = memory()
    take(store, taken.decision(decisionOf()), taken.decision(plainOf({ eventId: 'p' })))
    expect(campaignFromStore(store, NOW - 1, NOW + 1).total).toMatchObject({
      seen: 1,
      actedOn: 1,
      medianMs: 100,
    })
    expect(campaignFromStore(store, NOW + 1, NOW + 2).total).toMatchObject({ seen: 0 })
  })
})

const letter = (i: number): Taken => ({
  kind: 'deadLetter',
  at: NOW + i,
  value: {
    stage: 'normalize',
    partition: 0,
    offset: i,
    reason: 'invalid',
    error: 'occurredAt: too old',
    from: { topic: 'feed.events', partition: 0, offset: i, timestamp: NOW },
    message: { value: Buffer.from('bytes') } as never,
  },
})

describe('the queue of the store', () => {
  const step = fc.oneof(
    fc.record({
      step: fc.constant('decide' as const),
      event: fc.integer({ min: 0, max: 4 }),
      type: fc.constantFrom('DECISION' as const, 'FOLLOW_UP' as const, 'REVERSAL' as const),
      adverse: fc.boolean(),
      review: fc.constantFrom([], ['hold'], ['sample']),
      selfHarm: fc.boolean(),
      risk: fc.integer({ min: 0, max: 3 }),
    }),
    fc.record({
      step: fc.constant('find' as const),
      event: fc.integer({ min: 0, max: 4 }),
      outcome: fc.constantFrom('CLAIMED' as const, 'UPHELD' as const, 'OVERTURNED' as const),
      reviewer: fc.constantFrom('li', 'wang'),
      back: fc.boolean(),
    }),
    fc.record({
      step: fc.constant('appeal' as const),
      event: fc.integer({ min: 0, max: 4 }),
      own: fc.boolean(),
    }),
    fc.record({ step: fc.constant('wait' as const), minutes: fc.integer({ min: 1, max: 2_000 }) }),
  )

  it('is the same queue as the one that is read from the topics', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const store = memory()
        const stored = new StoredQueue(store)
        const queue = new ReviewQueue()
        let now = NOW
        let n = 0
        const decided: { decisionId: string; eventId: string }[] = []
        for (const each of steps) {
          now += 1_000
          switch (each.step) {
            case 'decide': {
              const known = decided.some(({ eventId }) => eventId === `e${each.event}`)
              // The first answer to an event is a decision, later ones are not.
              const type = known ? (each.type === 'DECISION' ? 'FOLLOW_UP' : each.type) : 'DECISION'
              const decision = (each.adverse ? decisionOf : plainOf)({
                eventId: `e${each.event}`,
                decisionId: `d${n++}`,
                type,
                review: [...each.review],
                category: each.selfHarm ? 'self_harm' : 'fraud',
                risk: each.risk / 4,
                decidedAt: now,
              })
              decided.push(decision)
              queue.takeDecision(decision)
              take(store, taken.decision(decision))
              break
            }
            case 'find': {
              const on = decided.findLast(({ eventId }) => eventId === `e${each.event}`)
              if (!on) break
              const verdict = verdictOf({
                decisionId: on.decisionId,
                eventId: on.eventId,
                verdictId: `v${n++}`,
                outcome: each.outcome,
                reviewerId: each.reviewer,
                reviewedAt: each.back ? now - 15 * 60_000 : now,
              })
              queue.takeVerdict(verdict)
              take(store, taken.verdict(verdict))
              break
            }
            case 'appeal': {
              const value = {
                reportId: `r${n++}`,
                reporterId: each.own ? 'actor' : 'child',
                reportedId: 'actor',
                eventId: `e${each.event}`,
                category: 'fraud' as const,
                reportedAt: now,
              }
              queue.takeReport(value)
              take(store, { kind: 'report', value })
              break
            }
            case 'wait':
              now += each.minutes * 60_000
          }
          const open = queue
            .open(now)
            .map(({ decision, reason, since, claimedBy }) => [decision.decisionId, reason, since, claimedBy])
          expect(
            stored
              .open(now)
              .map(({ decisionId, reason, since, claimedBy }) => [decisionId, reason, since, claimedBy]),
          ).toEqual(open)
          for (const reviewer of ['li', 'wang'])
            expect(stored.next(reviewer, now)?.decision.decisionId).toBe(
              queue.next(reviewer, now)?.decision.decisionId,
            )
          for (const { decisionId, eventId } of decided) {
            const known = queue.standingOf(decisionId)
            if (known) expect(stored.standingOf(decisionId)?.decisionId).toBe(known.decisionId)
            expect(stored.claimOf(eventId, now)).toBe(queue.claimOf(eventId, now))
            expect(stored.findingsOf(eventId)).toEqual(queue.findingsOf(eventId))
          }
        }
        store.close()
      }),
      { numRuns: 150 },
    )
  })
})
