import type { EnforcementDecision, PriorItem } from '@wardline/events'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decisionIdOf } from './decide.ts'
import { inForceAt } from './ladder.ts'
import { assessed, DAY, Harness, harmful, overturn, report, shippedEnforcement, T0 } from './testing.ts'

const child = { protectedIsMinor: true, protectedAgeBand: 'AGE_8_TO_11', kind: 'PRIVATE_MESSAGE' } as const
const prior = (eventId: string, change: Partial<PriorItem> = {}): PriorItem => ({
  eventId,
  kind: 'PRIVATE_MESSAGE',
  contentId: `content-${eventId}`,
  occurredAt: T0 - DAY,
  feedPartition: 1,
  feedOffset: 40,
  feedAppendedAt: T0 - DAY,
  category: 'grooming',
  score: 0.8,
  section: 'private-messages',
  ...change,
})
const upheld = (decision: EnforcementDecision) => overturn(decision, { outcome: 'UPHELD' })

describe('follow-ups', () => {
  const later = (...priorItems: PriorItem[]) =>
    harmful('grooming', 0.9, { ...child, eventId: 'later', priorItems })

  it('answer what came before anew, with the place of the earlier event and no second strike', () => {
    const stage = new Harness()
    const [decision, followUp, ...more] = stage.take({ event: later(prior('first')) })
    expect(more).toEqual([])
    expect(decision).toMatchObject({ type: 'DECISION', eventId: 'later', strikes: 1 })
    expect(followUp).toMatchObject({
      type: 'FOLLOW_UP',
      decisionId: decisionIdOf('FOLLOW_UP', 'first', 'later'),
      eventId: 'first',
      causedBy: 'later',
      contentId: 'content-first',
      feedPartition: 1,
      feedOffset: 40,
      accountAction: 'NONE',
      ruleIds: ['later_events'],
      strikes: 1,
    })
    expect(['HIDE', 'REMOVE']).toContain(followUp!.verdict)
    expect(followUp!.statement!.decisionFactsZh).toContain('后来的内容')
  })

  it('come once an item, whichever later event brings it, and never soften what stands', () => {
    const stage = new Harness()
    expect(stage.take({ event: later(prior('first')) })).toHaveLength(2)
    stage.commit()
    const other = { ...later(prior('first', { score: 0.99 })), eventId: 'latest' }
    expect(stage.take({ event: other })).toHaveLength(1)
    const removed = stage.decide(harmful('grooming', 0.99, { ...child, eventId: 'removed' }))
    expect(removed.verdict).toBe('REMOVE')
    expect(stage.take({ event: { ...later(prior('removed')), eventId: 'x' } })).toHaveLength(1)
    expect(stage.take({ event: { ...later(prior('mild', { score: 0.1 })), eventId: 'y' } })).toHaveLength(1)
  })

  it('do not reach what a human found harmless', () => {
    const stage = new Harness()
    const held = stage.decide(harmful('grooming', 0.5, { ...child, eventId: 'held' }))
    expect(held.verdict).toBe('HOLD_FOR_REVIEW')
    expect(stage.take({ verdict: overturn(held) })).toHaveLength(1)
    expect(stage.take({ event: later(prior('held')) })).toHaveLength(1)
  })

  it('fall with the decision that they follow from, back to what stood before', () => {
    const stage = new Harness()
    stage.decide(harmful('grooming', 0.5, { ...child, eventId: 'held' }))
    const [decision] = stage.take({ event: later(prior('held'), prior('allowed')) })
    const reversals = stage.take({ verdict: overturn(decision!) })
    expect(reversals.map(({ eventId, type, verdict }) => [eventId, type, verdict])).toEqual([
      ['later', 'REVERSAL', 'ALLOW'],
      ['held', 'REVERSAL', 'HOLD_FOR_REVIEW'],
      ['allowed', 'REVERSAL', 'ALLOW'],
    ])
    expect(reversals[1]!.reverses).toBe(decisionIdOf('FOLLOW_UP', 'held', 'later'))
  })
})

describe('what a human confirms', () => {
  it('is acted upon where it was held, with its strike, once', () => {
    const stage = new Harness()
    const held = stage.decide(harmful('grooming', 0.5, child))
    expect(held.review).toEqual(['hold'])
    const [followUp, ...more] = stage.take({ verdict: upheld(held) })
    expect(more).toEqual([])
    expect(followUp).toMatchObject({
      type: 'FOLLOW_UP',
      causedBy: 'v-up',
      verdict: 'HIDE',
      accountAction: 'WARN',
      strikes: 1,
      statement: { automatedDecision: 'AUTOMATED_DECISION_NOT_AUTOMATED' },
    })
    expect(stage.take({ verdict: upheld(held) })).toEqual([])
    const [reversal] = stage.take({ verdict: overturn(held) })
    expect(reversal).toMatchObject({ reverses: followUp!.decisionId, verdict: 'ALLOW', strikes: 0 })
    for (const verdict of [upheld(held), overturn(held, { verdictId: 'v-2' })])
      expect(stage.take({ verdict })).toEqual([])
  })

  it('never strikes for self-harm', () => {
    const stage = new Harness()
    const held = stage.decide(harmful('self_harm', 0.9, child))
    expect(stage.take({ verdict: upheld(held) })[0]).toMatchObject({ accountAction: 'NONE', strikes: 0 })
  })

  it('or finds harmful among what was allowed, is hidden without a strike', () => {
    const all = shippedEnforcement()
    const stage = new Harness({ ...all, review: { ...all.review, sampleRate: 1 } })
    const [good, bad] = [stage.decide(assessed()), stage.decide(assessed())]
    expect(good).toMatchObject({ verdict: 'ALLOW', review: ['sample'], statement: null })
    expect(stage.take({ verdict: upheld(good) })).toEqual([])
    expect(stage.take({ verdict: overturn(bad) })[0]).toMatchObject({
      type: 'REVERSAL',
      verdict: 'HIDE',
      accountAction: 'NONE',
      statement: { automatedDecision: 'AUTOMATED_DECISION_NOT_AUTOMATED' },
    })
    expect(stage.decide(assessed({ kind: 'USAGE' })).review).toEqual([])
  })

  it('is drawn at the rate of the policy, the same in every replay', () => {
    const all = shippedEnforcement()
    const draw = () => {
      const stage = new Harness({ ...all, review: { ...all.review, sampleRate: 0.1 } })
      return Array.from(
        { length: 2_000 },
        (_, i) => stage.decide(assessed({ eventId: `s-${i}` })).review.length,
      )
    }
    const drawn = draw()
    expect(draw()).toEqual(drawn)
    expect(drawn.reduce((sum, each) => sum + each, 0)).toBeGreaterThan(140)
    expect(drawn.reduce((sum, each) => sum + each, 0)).toBeLessThan(260)
  })
})

describe('reporters', () => {
  const doubtful = () => assessed({ risk: 0.4, scores: [{ category: 'fraud', score: 0.4 }] })
  const three = (stage: Harness) => {
    for (const reporter of ['a', 'b', 'c']) stage.take({ report: report(reporter) })
  }

  it('lose weight by reports that a human found unfounded, once a verdict, and win it back by founded ones', () => {
    const stage = new Harness()
    three(stage)
    const held = stage.decide(doubtful())
    expect(held.verdict).toBe('HOLD_FOR_REVIEW')
    for (let i = 0; i < 3; i++) stage.take({ verdict: overturn(held) })
    expect(stage.state.reporters.entries + [...stage.state.reporters.current()].length).toBe(3)
    expect([...stage.state.reporters.current()].map(([, { unfounded }]) => unfounded)).toEqual([1, 1, 1])
    expect(stage.decide(doubtful()).verdict).toBe('ALLOW_NOT_YOUTH')
    for (const reporter of ['d', 'e']) stage.take({ report: report(reporter) })
    const again = stage.decide(doubtful())
    expect(again.verdict).toBe('HOLD_FOR_REVIEW')
    stage.take({ verdict: upheld(again) })
    expect([...stage.state.reporters.current()].map(([, { unfounded }]) => unfounded)).toEqual([
      0, 0, 0, 0, 0,
    ])
  })

  it('are judged by the event that they name, too', () => {
    const stage = new Harness()
    const hidden = stage.decide(harmful('fraud', 0.75))
    stage.take({ report: report('a', { eventId: hidden.eventId }) })
    stage.take({ report: report('b') })
    stage.take({ verdict: overturn(hidden) })
    expect([...stage.state.reporters.current()]).toHaveLength(1)
  })
})

describe('what a reversal says of the account', () => {
  it('lifts a mute that came from the decision alone', () => {
    const stage = new Harness()
    const first = stage.decide(harmful('fraud', 0.95))
    expect(first.accountAction).toBe('MUTE')
    expect(stage.take({ verdict: overturn(first) })[0]).toMatchObject({
      liftedAction: 'MUTE',
      accountAction: 'NONE',
      actionSeconds: null,
    })
  })

  it('lifts nothing that has ended by itself', () => {
    const stage = new Harness()
    const first = stage.decide(harmful('fraud', 0.95))
    expect(stage.take({ verdict: overturn(first, { reviewedAt: T0 + 2 * DAY }) })[0]).toMatchObject({
      liftedAction: 'NONE',
      accountAction: 'NONE',
    })
  })

  it('ends a ban that the rest does not reach', () => {
    const stage = new Harness()
    const all = Array.from({ length: 4 }, () => stage.decide(harmful('fraud', 0.95)))
    expect(all.at(-1)!.accountAction).toBe('BAN')
    expect(stage.take({ verdict: overturn(all[0]!) })[0]).toMatchObject({
      liftedAction: 'BAN',
      accountAction: 'SUSPEND',
    })
  })

  it('restores the initial standing once everything is taken back, in any order', () => {
    const { areas } = shippedEnforcement()
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            category: fc.constantFrom(
              'fraud' as const,
              'hate' as const,
              'grooming' as const,
              'obscene' as const,
            ),
            risk: fc.double({ min: 0.4, max: 1, noNaN: true }),
            occurredAt: fc.integer({ min: T0 - 7 * DAY, max: T0 }),
          }),
          { minLength: 1, maxLength: 15 },
        ),
        fc.infiniteStream(fc.nat()),
        (list, picks) => {
          const stage = new Harness()
          const left = list
            .map(({ category, risk, occurredAt }) =>
              stage.decide(harmful(category, risk, { ...child, occurredAt })),
            )
            .filter(({ verdict }) => !verdict.startsWith('ALLOW'))
          while (left.length > 0) {
            const [decision] = left.splice(picks.next().value! % left.length, 1)
            const [reversal] = stage.take({
              verdict: overturn(decision!, { verdictId: `v-${left.length}`, reviewedAt: T0 + 1 }),
            })
            expect(reversal).toMatchObject({ type: 'REVERSAL', reverses: decision!.decisionId })
          }
          const actor = stage.state.actors.get('actor')
          expect(actor?.strikes ?? []).toEqual([])
          for (const area of areas.values()) expect(inForceAt(actor?.strikes ?? [], area, T0)).toBeUndefined()
          expect(stage.decide(harmful('fraud', 0.75, { occurredAt: T0 }))).toMatchObject({
            accountAction: 'WARN',
            strikes: 1,
          })
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe('the order of unrelated actors', () => {
  it('does not matter to what each of them gets', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            actor: fc.constantFrom('a', 'b', 'c'),
            risk: fc.double({ min: 0.3, max: 1, noNaN: true }),
          }),
          { maxLength: 25 },
        ),
        (list) => {
          const events = list.map(({ actor, risk }, i) =>
            harmful('fraud', risk, { actorId: actor, eventId: `o-${i}`, occurredAt: T0 + i }),
          )
          const answers = (order: typeof events) => {
            const stage = new Harness()
            return new Map(order.map((event) => [event.eventId, stage.decide(event)]))
          }
          const grouped = [...events].sort((a, b) =>
            a.actorId < b.actorId ? -1 : a.actorId > b.actorId ? 1 : 0,
          )
          expect(answers(grouped)).toEqual(answers(events))
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe('a replay', () => {
  const timeless = (decision: EnforcementDecision) => ({
    ...decision,
    decidedAt: 0,
    statement: decision.statement && { ...decision.statement, applicationDate: 0 },
  })

  it('of events, reports and verdicts in the same order gives the same, whatever the clock, the batches and the repeats', () => {
    const step = fc.record({
      risk: fc.double({ min: 0.2, max: 1, noNaN: true }),
      actor: fc.constantFrom('a', 'b'),
      reach: fc.option(fc.nat(20)),
      report: fc.option(fc.constantFrom('r', 's', 't', 'u')),
      verdict: fc.option(
        fc.record({ on: fc.nat(20), outcome: fc.constantFrom('UPHELD' as const, 'OVERTURNED' as const) }),
      ),
    })
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 1, max: 6 }),
        (steps, size) => {
          const run = (clock: number, batch: number, times: number) => {
            const stage = new Harness()
            const seen: EnforcementDecision[] = []
            const all: EnforcementDecision[] = []
            steps.forEach(({ risk, actor, reach, report: by, verdict }, i) => {
              if (by !== null) {
                const told = report(by, {
                  reportId: `${i}`,
                  reportedId: actor,
                  eventId: `e-${i}`,
                  reportedAt: T0 - i,
                })
                for (let n = 0; n < times; n++) stage.take({ report: told }, clock)
              }
              const own = reach !== null && reach < i && steps[reach]!.actor === actor
              const priorItems = !own ? [] : [prior(`e-${reach}`)]
              const event = harmful('grooming', risk, {
                ...child,
                actorId: actor,
                eventId: `e-${i}`,
                priorItems,
              })
              const outputs = stage.take({ event }, clock)
              seen.push(outputs[0]!)
              all.push(...outputs)
              const on = verdict && seen[verdict.on % seen.length]!
              if (verdict && on) {
                const given = overturn(on, { outcome: verdict.outcome, verdictId: `v-${i}` })
                for (let n = 0; n < times; n++) all.push(...stage.take({ verdict: given }, clock))
              }
              if (i % batch === 0) stage.commit()
            })
            expect(new Set(all.map(({ decisionId }) => decisionId)).size).toBe(all.length)
            return all.map(timeless)
          }
          expect(run(T0 + DAY, size, 2)).toEqual(run(T0, 1, 1))
        },
      ),
      { numRuns: 80 },
    )
  })
})

describe('no later statement', () => {
  it('names an account, a content or a conversation', () => {
    const ids = {
      ...child,
      actorId: 'ACTOR-ID',
      protectedId: 'PROTECTED-ID',
      contentId: 'CONTENT-ID',
      conversationId: 'TALK-ID',
      eventId: 'EVENT-ID',
      guardianIds: ['GUARDIAN-ID'],
    }
    const stage = new Harness()
    const item = prior('PRIOR-ID', { contentId: 'CONTENT-ID' })
    const outputs = [...stage.take({ event: harmful('grooming', 0.9, { ...ids, priorItems: [item] }) })]
    const held = stage.decide(harmful('grooming', 0.5, { ...ids, eventId: 'HELD-ID' }))
    outputs.push(
      held,
      ...stage.take({ verdict: overturn(held, { outcome: 'UPHELD', reviewerId: 'REVIEWER-ID' }) }),
    )
    expect(outputs.map(({ type }) => type)).toEqual(['DECISION', 'FOLLOW_UP', 'DECISION', 'FOLLOW_UP'])
    for (const { statement } of outputs) {
      expect(statement).not.toBeNull()
      expect(JSON.stringify(statement)).not.toMatch(/[A-Z]+-ID\b|[{}]kind|\{duration|\{order|\{laws/)
    }
  })
})
