import {
  type AgeBand,
  type AssessedEvent,
  CATEGORY_SYMBOLS,
  type Category,
  type EventKind,
  VERDICT_SYMBOLS,
} from '@wardline/events'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decisionIdOf, isAdverse } from './decide.ts'
import { assessed, DAY, Harness, harmful, hit, NOW, overturn, report, type Step, T0 } from './testing.ts'

const SEVERITY: Readonly<Record<string, number>> = {
  ALLOW: 0,
  ALLOW_NOT_YOUTH: 1,
  LIMIT_REACH: 2,
  HOLD_FOR_REVIEW: 3,
  HIDE: 4,
  REMOVE: 5,
}
const decide = (event: Parameters<Harness['decide']>[0]) => new Harness().decide(event)
const minor = { protectedIsMinor: true, protectedAgeBand: 'AGE_8_TO_11' } as const

describe('the verdict', () => {
  it('follows the bands of the policy', () => {
    const verdicts = [0.3, 0.5, 0.6, 0.75, 0.95].map((risk) => decide(harmful('fraud', risk)).verdict)
    expect(verdicts).toEqual(['ALLOW_NOT_YOUTH', 'ALLOW_NOT_YOUTH', 'HOLD_FOR_REVIEW', 'HIDE', 'REMOVE'])
    expect(decide(harmful('fraud', 0.2)).verdict).toBe('ALLOW')
    expect(decide(assessed())).toMatchObject({
      verdict: 'ALLOW',
      accountAction: 'NONE',
      statement: null,
      ruleIds: [],
    })
  })

  it('is never milder for a minor or for a higher risk', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...CATEGORY_SYMBOLS),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (category, a, b) => {
          const severity = (risk: number, change = {}) =>
            SEVERITY[decide(harmful(category, risk, change)).verdict]!
          expect(severity(Math.max(a, b))).toBeGreaterThanOrEqual(severity(Math.min(a, b)))
          expect(severity(a, minor)).toBeGreaterThanOrEqual(severity(a))
          expect(severity(a, { ...minor, youthMode: true })).toBeGreaterThanOrEqual(severity(a, minor))
        },
      ),
    )
  })

  it('holds what has no reach to limit', () => {
    expect(decide(harmful('illegal_ads', 0.6)).verdict).toBe('LIMIT_REACH')
    expect(decide(harmful('illegal_ads', 0.6, { kind: 'PRIVATE_MESSAGE' })).verdict).toBe('HOLD_FOR_REVIEW')
  })

  it('names shadow rules and lets them do nothing', () => {
    const decision = decide(
      assessed({
        ruleHits: [
          hit('fraud', { mode: 'SHADOW', score: 1 }),
          hit('fraud', { ruleId: 'x', mode: 'UNKNOWN' }),
        ],
      }),
    )
    expect(decision).toMatchObject({
      verdict: 'ALLOW',
      ruleIds: [],
      items: [],
      shadowRuleIds: ['fraud-rule', 'x'],
      strikes: 0,
    })
  })

  it('rests on the rules and findings of its category', () => {
    const decision = decide(
      harmful('grooming', 0.8, {
        ...minor,
        ruleHits: [hit('grooming', { item: '3.1' }), hit('fraud')],
        findings: [{ code: 'staged_approach', item: '3.3', category: 'grooming', score: 0.85 }],
      }),
    )
    expect(decision).toMatchObject({ ruleIds: ['grooming-rule', 'staged_approach'], items: ['3.1', '3.3'] })
    expect(decision.statement).toMatchObject({ campaignItem: '3.3' })
  })

  it('answers targeted abuse once, with the rule that saw the line itself, and says so in both languages', () => {
    const decision = decide(
      harmful('abuse_bullying', 0.7, {
        ...minor,
        ruleHits: [hit('abuse_bullying', { item: '2.1' })],
        findings: [{ code: 'targeted_abuse', item: '2.2', category: 'abuse_bullying', score: 0.66 }],
      }),
    )
    expect(decision).toMatchObject({
      verdict: 'HIDE',
      ruleIds: ['abuse_bullying-rule', 'targeted_abuse'],
      items: ['2.1', '2.2'],
    })
    expect(decision.statement!.decisionFacts).toContain('It attacks one account')
    expect(decision.statement!.decisionFactsZh).toContain('针对特定账号')
  })

  it('takes its id from the type, the event and the cause', () => {
    expect(decide(assessed({ eventId: 'e' })).decisionId).toBe(decisionIdOf('DECISION', 'e', null))
    // printf 'DECISION|e|' | sha256sum
    expect(decisionIdOf('DECISION', 'e', null)).toBe('b14b40fa96feb59db35112eac59d708b')
    expect(decisionIdOf('REVERSAL', 'e', 'v')).not.toBe(decisionIdOf('REVERSAL', 'e', 'w'))
  })
})

describe('the youth pool', () => {
  it.each([
    [assessed(), []],
    [assessed({ kind: 'PROMOTION' }), ['promotion']],
    [assessed({ kind: 'USAGE' }), ['kind']],
    [
      assessed({ risk: 0.5, scores: [{ category: 'fraud', score: 0.5 }] }),
      ['risk', 'category:fraud', 'verdict'],
    ],
    [harmful('fraud', 0.4), ['category:fraud', 'verdict']],
  ])('gives its reasons (%#)', (event, reasons) => {
    expect(decide(event).youthPool).toMatchObject({ eligible: reasons.length === 0, reasons })
  })

  it('is stricter the younger they are: by who is addressed, and with the age from which on it may be shown', () => {
    const score = (category: Category, value: number, change = {}) =>
      assessed({ risk: 0, scores: [{ category, score: value }], ...change })
    expect(decide(assessed()).youthPool.fromAge).toBe(0)
    expect(decide(score('fraud', 0.2)).youthPool).toEqual({ eligible: true, reasons: [], fromAge: 8 })
    expect(decide(score('fraud', 0.28)).youthPool.fromAge).toBe(16)
    expect(decide(score('fraud', 0.28, minor))).toMatchObject({
      verdict: 'ALLOW_NOT_YOUTH',
      youthPool: { eligible: false, reasons: ['category:fraud', 'verdict'], fromAge: null },
    })
    const bands = ['UNDER_3', 'AGE_3_TO_7', 'AGE_8_TO_11', 'AGE_12_TO_15', 'AGE_16_TO_17'] as const
    fc.assert(
      fc.property(
        fc.constantFrom(...CATEGORY_SYMBOLS),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (category, value) => {
          const eligible = bands.map(
            (protectedAgeBand) =>
              decide(score(category, value, { protectedIsMinor: true, protectedAgeBand })).youthPool.eligible,
          )
          for (let i = 1; i < eligible.length; i++)
            expect(Number(eligible[i])).toBeGreaterThanOrEqual(Number(eligible[i - 1]))
        },
      ),
    )
  })

  it('leaves a harmless promotion allowed', () => {
    expect(decide(assessed({ kind: 'PROMOTION' })).verdict).toBe('ALLOW')
  })
})

describe('strikes', () => {
  const ladder = (area: Category, times: number, change = {}) => {
    const stage = new Harness()
    return Array.from({ length: times }, () => stage.decide(harmful(area, 0.95, change)))
  }

  it('lead up the ladder', () => {
    expect(
      ladder('fraud', 4).map(({ accountAction, actionSeconds, strikes }) => [
        accountAction,
        actionSeconds,
        strikes,
      ]),
    ).toEqual([
      ['MUTE', 86_400, 1],
      ['SUSPEND', 604_800, 2],
      ['SUSPEND', 604_800, 3],
      ['BAN', null, 4],
    ])
  })

  it('count in their own area', () => {
    const stage = new Harness()
    stage.decide(harmful('fraud', 0.95))
    expect(stage.decide(harmful('hate', 0.75))).toMatchObject({ accountAction: 'WARN', strikes: 1 })
  })

  it('expire by event time', () => {
    const stage = new Harness()
    stage.decide(harmful('fraud', 0.95))
    stage.commit()
    expect(stage.decide(harmful('fraud', 0.75, { occurredAt: T0 + 181 * DAY }))).toMatchObject({
      accountAction: 'WARN',
      strikes: 1,
    })
  })

  it('mute a minor at most', () => {
    expect(ladder('fraud', 6, { actorAgeBand: 'AGE_12_TO_15' as AgeBand }).at(-1)).toMatchObject({
      accountAction: 'MUTE',
      strikes: 6,
    })
  })

  it('are never given for self-harm, nor for what somebody searched', () => {
    expect(ladder('self_harm', 3).at(-1)).toMatchObject({
      verdict: 'HOLD_FOR_REVIEW',
      accountAction: 'NONE',
      strikes: 0,
    })
    expect(ladder('obscene', 3, { kind: 'SEARCH_RESULT' as EventKind }).at(-1)).toMatchObject({
      verdict: 'REMOVE',
      accountAction: 'NONE',
    })
  })

  it('are given once, even where the event comes again', () => {
    const stage = new Harness()
    const event = harmful('fraud', 0.75)
    expect(stage.decide(event)).toEqual(stage.decide(event))
  })
})

describe('contact spread', () => {
  const hello = (i: number, change = {}) =>
    assessed({
      ...minor,
      kind: 'PRIVATE_MESSAGE',
      protectedId: `child-${i}`,
      findings: [
        { code: 'first_contact_by_adult', item: '3.3', category: 'contact_solicitation', score: 0.25 },
      ],
      ...change,
    })

  it('raises what an adult shows of contact after many distinct minors', () => {
    const stage = new Harness()
    const decisions = Array.from({ length: 12 }, (_, i) => stage.decide(hello(i)))
    expect(decisions.slice(0, 5).every(({ verdict }) => verdict === 'ALLOW')).toBe(true)
    expect(decisions[5]).toMatchObject({
      verdict: 'HOLD_FOR_REVIEW',
      category: 'contact_solicitation',
      ruleIds: ['first_contact_by_adult', 'contact_spread'],
    })
    expect(decisions[11]!.risk).toBeGreaterThan(decisions[5]!.risk)
  })

  it('counts a minor once, forgets after the window, and leaves teachers and peers alone', () => {
    const stage = new Harness()
    for (let i = 0; i < 20; i++) expect(stage.decide(hello(1)).verdict).toBe('ALLOW')
    for (let i = 0; i < 20; i++)
      expect(stage.decide(hello(i, { occurredAt: T0 + i * 2 * DAY })).verdict).toBe('ALLOW')
    const teacher = new Harness()
    for (let i = 0; i < 40; i++) expect(teacher.decide(hello(i, { findings: [] })).verdict).toBe('ALLOW')
    const peer = new Harness()
    for (let i = 0; i < 40; i++)
      expect(peer.decide(hello(i, { actorAgeBand: 'AGE_8_TO_11' })).verdict).toBe('ALLOW')
  })

  it('keeps a bounded set', () => {
    const stage = new Harness()
    for (let i = 0; i < 500; i++) stage.decide(hello(i))
    expect(stage.state.actors.get('actor')!.minors).toHaveLength(128)
  })
})

describe('copies', () => {
  const text = (child: string, change = {}) =>
    assessed({
      ...minor,
      kind: 'PRIVATE_MESSAGE',
      protectedId: child,
      risk: 0.3,
      riskCategory: 'contact_solicitation',
      scores: [{ category: 'contact_solicitation', score: 0.3 }],
      ...change,
    })
  const spread = (change: (i: number) => object) => {
    const stage = new Harness()
    return Array.from({ length: 5 }, (_, i) => stage.decide(text(`child-${i}`, change(i))))
  }
  const raised = (decisions: readonly { ruleIds: string[] }[]) =>
    decisions.map(({ ruleIds }) => ruleIds.includes('copy_spread'))

  it('of one handle or one text, nearly unchanged, to many minors raise what the event shows of contact', () => {
    expect(raised(spread(() => ({ contactHashes: [-7] })))).toEqual([false, false, false, true, true])
    const near = [0b0, 0b1, 0b10, 2 ** 51, 0b100]
    const decisions = spread((i) => ({ fingerprint: near[i]! }))
    expect(raised(decisions)).toEqual([false, false, false, true, true])
    expect(decisions[3]).toMatchObject({ verdict: 'HOLD_FOR_REVIEW', items: ['3.3'] })
    expect(decisions[3]!.statement!.decisionFactsZh).toContain('相同的内容或联系方式')
  })

  it('count one minor once, and leave alone other texts, minors among themselves and what shows nothing of contact', () => {
    const none = [false, false, false, false, false]
    expect(raised(spread(() => ({ contactHashes: [1], protectedId: 'child' })))).toEqual(none)
    expect(raised(spread((i) => ({ fingerprint: 0b1111111 * 2 ** (i * 8) })))).toEqual(none)
    expect(raised(spread(() => ({ contactHashes: [1], actorAgeBand: 'AGE_12_TO_15' })))).toEqual(none)
    expect(raised(spread(() => ({ contactHashes: [1], risk: 0, scores: [] })))).toEqual(none)
    expect(raised(spread((i) => ({ contactHashes: [1], occurredAt: T0 + i * 8 * DAY })))).toEqual(none)
  })
})

describe('user reports', () => {
  const doubtful = () => assessed({ risk: 0.4, scores: [{ category: 'fraud', score: 0.4 }] })

  it('hold an allowed event of elevated risk once enough distinct users reported the actor', () => {
    const stage = new Harness()
    for (const reporter of ['a', 'a', 'a', 'b', 'actor']) stage.take({ report: report(reporter) })
    expect(stage.decide(doubtful()).verdict).toBe('ALLOW_NOT_YOUTH')
    stage.take({ report: report('c') })
    const decision = stage.decide(doubtful())
    expect(decision).toMatchObject({
      verdict: 'HOLD_FOR_REVIEW',
      category: 'fraud',
      accountAction: 'NONE',
      ruleIds: ['user_reports'],
    })
    expect(decision.statement).toMatchObject({
      sourceType: 'SOURCE_TYPE_OTHER_NOTIFICATION',
      automatedDetection: false,
    })
    expect(stage.decide(assessed()).verdict).toBe('ALLOW')
    expect(stage.decide(assessed({ ...doubtful(), occurredAt: T0 + 40 * DAY })).verdict).toBe(
      'ALLOW_NOT_YOUTH',
    )
  })

  it('write nothing when repeated, and are erased by a tombstone', () => {
    const stage = new Harness()
    const one = report('a')
    stage.take({ report: one })
    expect(stage.commit()).toBe(1)
    stage.take({ report: one })
    expect(stage.commit()).toBe(0)
    stage.take({ report: null })
    stage.commit()
    expect(stage.state.reports.entries).toBe(0)
  })

  it('a tombstone forgets strikes and decisions of the account too', () => {
    const stage = new Harness()
    stage.decide(harmful('fraud', 0.95))
    stage.commit()
    expect([stage.state.actors.entries, stage.state.answers.entries]).toEqual([1, 1])
    stage.take({ report: null })
    stage.commit()
    expect([stage.state.actors.entries, stage.state.answers.entries]).toEqual([0, 0])
  })
})

describe('usage', () => {
  const status = {
    localDay: '2026-09-21',
    usedSeconds: 3_700,
    limitSeconds: 3_600,
    overLimit: true,
    inRestHours: false,
    firstOverLimit: false,
  }
  const usage = (change: Partial<typeof status>, guardianIds: string[] = []) =>
    decide(
      assessed({
        kind: 'USAGE',
        actorId: 'child',
        riskCategory: 'addiction',
        risk: 0.95,
        usageStatus: { ...status, ...change },
        guardianIds,
      }),
    )

  it.each([
    ['nothing within the limit', { overLimit: false, usedSeconds: 60 }, [], 'NONE', []],
    ['a reminder at the limit', {}, [], 'REST_REMINDER', []],
    ['a notice to guardians when first over', { firstOverLimit: true }, ['g'], 'GUARDIAN_NOTICE', ['g']],
    ['a reminder where there is no guardian', { firstOverLimit: true }, [], 'REST_REMINDER', []],
    ['a lock well over', { usedSeconds: 4_500 }, ['g'], 'REST_LOCK', []],
    ['a lock with a notice', { usedSeconds: 4_500, firstOverLimit: true }, ['g'], 'REST_LOCK', ['g']],
    [
      'a lock in rest hours',
      { overLimit: false, usedSeconds: 60, inRestHours: true },
      ['g'],
      'REST_LOCK',
      [],
    ],
  ])('%s', (_, change, guardians, accountAction, noticeTo) => {
    expect(usage(change, guardians)).toMatchObject({
      verdict: 'ALLOW',
      accountAction,
      noticeTo,
      statement: null,
      strikes: 0,
      actionSeconds: accountAction === 'REST_LOCK' ? 1_800 : null,
    })
  })
})

describe('the statement of reasons', () => {
  it('has the fields of the record and says what happened in both languages', () => {
    const decision = decide(harmful('fraud', 0.95, { mediaTypes: ['IMAGE', 'IMAGE', 'VIDEO'] }))
    expect(decision.statement).toEqual({
      decisionGround: 'ILLEGAL_CONTENT',
      decisionFacts:
        'This comment was found to bear the marks of fraud. It has been removed. The account may not post for 24 hours. Basis: PRC Law on the Protection of Minors, Art. 80; PRC Law on the Protection of Minors, Art. 127; PRC Regulation on the Protection of Minors in Cyberspace (State Council Order No. 766). You may object to this decision; a human will look at it.',
      decisionFactsZh:
        '经识别，该评论具有诈骗特征。该内容已被删除。该账号被禁言24小时。依据：《中华人民共和国未成年人保护法》第八十条、第一百二十七条、《未成年人网络保护条例》（国务院令第766号）。如有异议，可提出申诉，我们将安排人工复核。',
      legalBasis: [
        'PRC Law on the Protection of Minors, Art. 80',
        'PRC Law on the Protection of Minors, Art. 127',
        'PRC Regulation on the Protection of Minors in Cyberspace (State Council Order No. 766)',
      ],
      campaignItem: '4.1',
      category: 'STATEMENT_CATEGORY_SCAMS_AND_FRAUD',
      contentType: ['CONTENT_TYPE_TEXT', 'CONTENT_TYPE_IMAGE', 'CONTENT_TYPE_VIDEO'],
      contentDate: T0,
      applicationDate: NOW,
      automatedDetection: true,
      automatedDecision: 'AUTOMATED_DECISION_FULLY',
      sourceType: 'SOURCE_VOLUNTARY',
      puid: decision.decisionId,
    })
  })

  it('names no account', () => {
    const ids = {
      actorId: 'ACTOR-ID',
      protectedId: 'PROTECTED-ID',
      contentId: 'CONTENT-ID',
      conversationId: 'TALK-ID',
    }
    for (const category of CATEGORY_SYMBOLS) {
      const { statement } = decide(harmful(category, 0.99, { ...ids, ...minor }))
      expect(JSON.stringify(statement)).not.toMatch(/ACTOR-ID|PROTECTED-ID|CONTENT-ID|TALK-ID|\{kind/)
    }
  })
})

describe('reversals', () => {
  it('take a decision and its strikes back, once', () => {
    const stage = new Harness()
    const first = stage.decide(harmful('fraud', 0.95))
    const second = stage.decide(harmful('fraud', 0.95))
    stage.commit()
    const [reversal, ...rest] = stage.take({ verdict: overturn(second) })
    expect(rest).toEqual([])
    expect(reversal).toMatchObject({
      type: 'REVERSAL',
      decisionId: decisionIdOf('REVERSAL', second.eventId, 'v-1'),
      reverses: second.decisionId,
      causedBy: 'v-1',
      verdict: 'ALLOW',
      // The suspension came from both; the first alone leads to a day's mute, of which a second is gone.
      liftedAction: 'SUSPEND',
      accountAction: 'MUTE',
      actionSeconds: 86_399,
      statement: null,
      eventId: second.eventId,
      feedOffset: 7,
      actorId: 'actor',
      category: 'fraud',
      strikes: 1,
      decidedAt: NOW,
    })
    stage.commit()
    for (const verdictId of ['v-1', 'v-2']) {
      expect(stage.take({ verdict: overturn(second, { verdictId }) })).toEqual([])
      expect(stage.commit()).toBe(0)
    }
    expect(stage.decide(harmful('fraud', 0.95))).toMatchObject({ accountAction: 'SUSPEND', strikes: 2 })
    expect(stage.take({ verdict: overturn(first) })).toHaveLength(1)
    expect(stage.decide(harmful('fraud', 0.75))).toMatchObject({ accountAction: 'MUTE', strikes: 2 })
  })

  it('go to comment-risk by the protected account, where there is another one', () => {
    const { repartition } = new Harness().stage.output
    const taken = (change: Partial<AssessedEvent>) => {
      const stage = new Harness()
      const first = stage.decide(harmful('fraud', 0.9, change))
      expect(repartition!.when(first)).toBe(false)
      const [reversal] = stage.take({ verdict: overturn(first) })
      return repartition!.when(reversal!) ? repartition!.key(reversal!) : null
    }
    expect(repartition!.topic).toBe('enforcement.reversals')
    expect(taken({ actorId: 'adult', protectedId: 'child' })).toBe('child')
    expect(taken({ actorId: 'adult', protectedId: 'adult', kind: 'POST' })).toBeNull()
  })

  it('need a known adverse decision that was overturned in time', () => {
    const stage = new Harness()
    const allowed = stage.decide(assessed())
    const hidden = stage.decide(harmful('fraud', 0.75))
    expect(stage.take({ verdict: overturn(allowed) })).toEqual([])
    expect(stage.take({ verdict: overturn(hidden, { outcome: 'CLAIMED' }) })).toEqual([])
    expect(stage.take({ verdict: overturn(hidden, { outcome: 'UPHELD' }) })).toEqual([])
    expect(() => stage.take({ verdict: overturn(hidden, { decisionId: 'unknown' }) })).toThrow(/invalid/)
    expect(stage.take({ verdict: overturn(hidden, { reviewedAt: T0 + 181 * DAY }) })).toEqual([])
    expect(stage.take({ verdict: null })).toEqual([])
    expect(() => stage.take({ verdict: overturn(hidden, { actorId: 'another' }) })).toThrow(/invalid/)
    expect(stage.take({ verdict: overturn(hidden, { eventId: 'another' }) })).toEqual([])
    expect(stage.take({ verdict: overturn(hidden) })).toHaveLength(1)
  })
})

describe('the stage', () => {
  const event = fc
    .record({
      actorId: fc.constantFrom('actor', 'b'),
      protectedId: fc.constantFrom('actor', 'x', 'y', 'z', 'p', 'q', 'r', 's'),
      kind: fc.constantFrom<EventKind[]>(
        'POST',
        'COMMENT',
        'PRIVATE_MESSAGE',
        'PROMOTION',
        'SEARCH_RESULT',
        'USAGE',
      ),
      actorAgeBand: fc.constantFrom<AgeBand[]>('ADULT', 'AGE_12_TO_15', 'UNKNOWN'),
      riskCategory: fc.constantFrom(...CATEGORY_SYMBOLS),
      risk: fc.double({ min: 0, max: 1, noNaN: true }),
      protectedIsMinor: fc.boolean(),
      youthMode: fc.boolean(),
      occurredAt: fc.integer({ min: T0 - 7 * DAY, max: T0 }),
      shadow: fc.boolean(),
    })
    .map(({ shadow, ...change }) =>
      harmful(change.riskCategory, change.risk, {
        ...change,
        ruleHits: [hit(change.riskCategory), ...(shadow ? [hit('fraud', { mode: 'SHADOW' })] : [])],
      }),
    )
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 5, arbitrary: event.map((each) => ({ event: each })) },
    { weight: 1, arbitrary: fc.constantFrom('a', 'b', 'c', 'd').map((id) => ({ report: report(id) })) },
  )

  it('gives each event exactly one decision, with a statement exactly where it is adverse', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const stage = new Harness()
        for (const each of steps) {
          const outputs = stage.take(each)
          expect(outputs).toHaveLength('event' in each ? 1 : 0)
          for (const decision of outputs) {
            expect(VERDICT_SYMBOLS).toContain(decision.verdict)
            expect(decision.statement !== null).toBe(isAdverse(decision))
            expect(decision.youthPool.eligible).toBe(decision.youthPool.reasons.length === 0)
            expect(decision.risk >= 0 && decision.risk <= 1).toBe(true)
            if (decision.category === 'self_harm') expect(decision.accountAction).toBe('NONE')
          }
        }
      }),
    )
  })

  it('answers the same in a replay, whatever the clock and the batches', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.integer({ min: 1, max: 5 }), (steps, size) => {
        const whole = new Harness()
        const batched = new Harness()
        steps.forEach((each, i) => {
          const [first] = whole.take(each)
          const [again] = batched.take(each, NOW + DAY)
          if (i % size === 0) batched.commit()
          const timeless = (decision: typeof first) =>
            decision && {
              ...decision,
              decidedAt: 0,
              statement: decision.statement && { ...decision.statement, applicationDate: 0 },
            }
          expect(timeless(again)).toEqual(timeless(first))
        })
      }),
    )
  })

  it('changes nothing by repeated reports and verdicts', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const once = new Harness()
        const twice = new Harness()
        for (const each of steps) {
          const [first] = once.take(each)
          if ('report' in each) twice.take(each)
          expect(twice.take(each)[0]).toEqual(first)
          if (first && isAdverse(first) && first.risk > 0.8) {
            const verdict = overturn(first)
            expect(twice.take({ verdict })).toEqual(once.take({ verdict }))
            expect(twice.take({ verdict })).toEqual([])
          }
        }
      }),
    )
  })
})
