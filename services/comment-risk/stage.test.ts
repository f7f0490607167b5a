import type { AgeBand, AssessedEvent, ClassifiedEvent, EnforcementDecision } from '@wardline/events'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { accountCodec } from './account.ts'
import { unpackPair } from './pair.ts'
import { DAY, event, Harness, HOUR, MINUTE, profile, reversal, type Step, T0, watching } from './testing.ts'

const harness = (...profiles: Parameters<typeof profile>[0][]) => {
  const made = new Harness()
  for (const each of profiles.length > 0 ? profiles : [{}]) made.know(profile(each))
  return made
}
const finding = (assessed: { findings: { code: string; score: number }[] }, code: string) =>
  assessed.findings.find((each) => each.code === code)?.score ?? 0

/** A conversation, an hour between messages; the last answer. */
function talk(signals: string[][], actorAgeBand: AgeBand = 'ADULT', ageBand: AgeBand = 'AGE_12_TO_15') {
  const stage = harness({ ageBand })
  return signals
    .map((each, i) => stage.assess(event({ signals: each, actorAgeBand, occurredAt: T0 + i * HOUR })))
    .at(-1)!
}
const APPROACH = [['contact'], ['rapport'], ['ask_age'], ['secrecy'], ['gift'], ['ask_picture'], ['move_app']]
/** A line of an approach: what it shows, and how such lines sound. */
const said = (signals: string[], change: Partial<ClassifiedEvent> = {}) =>
  event({ signals, tones: { approach: 1, recruiting: -4, hostile: -4 }, ...change })

describe('profiles', () => {
  it('gives the age band and the youth mode of the protected account', () => {
    expect(harness().assess(event())).toMatchObject({
      protectedAgeBand: 'AGE_8_TO_11',
      protectedIsMinor: true,
      youthMode: true,
    })
    expect(new Harness().assess(event())).toMatchObject({
      protectedAgeBand: 'UNKNOWN',
      protectedIsMinor: false,
      youthMode: false,
    })
  })

  it('takes the word of the producer on an actor that is its own protected account', () => {
    const own = event({ kind: 'POST', actorId: 'x', protectedId: 'x', actorAgeBand: 'AGE_3_TO_7' })
    expect(new Harness().assess(own)).toMatchObject({
      protectedAgeBand: 'AGE_3_TO_7',
      protectedIsMinor: true,
    })
  })

  it('forgets an erased account', () => {
    const stage = harness()
    stage.assess(watching(60, T0))
    stage.know(null, 'child')
    stage.commit()
    expect(stage.assess(event())).toMatchObject({ protectedAgeBand: 'UNKNOWN', youthMode: false })
    expect([stage.state.profiles.entries, stage.state.accounts.entries]).toEqual([0, 0])
  })

  it('forgets the pairs of an erased account, whichever side of them it is', () => {
    const stage = harness({ ageBand: 'AGE_8_TO_11' })
    stage.assess(event())
    stage.assess(event({ actorId: 'other|one' }))
    stage.commit()
    expect(stage.state.pairs.entries).toBe(2)
    stage.know(null, 'other|one')
    stage.commit()
    expect(stage.state.pairs.entries).toBe(1)
    stage.know(null, 'child')
    stage.commit()
    expect(stage.state.pairs.entries).toBe(0)
  })

  it('writes nothing for a repeated profile', () => {
    const stage = harness()
    expect(stage.commit()).toBe(1)
    stage.know(profile({ updatedAt: T0 }))
    expect(stage.commit()).toBe(0)
  })
})

describe('the score of classify', () => {
  const abuse = {
    category: 'abuse_bullying',
    score: 0.6,
    scores: [{ category: 'abuse_bullying', score: 0.6 }],
    kind: 'COMMENT',
  } as const
  const risk = (ageBand: AgeBand, change: Partial<ClassifiedEvent> = {}) =>
    harness({ ageBand }).assess(event({ ...abuse, scores: [...abuse.scores], ...change })).risk

  it('is raised for minors, more for the younger', () => {
    expect(risk('ADULT')).toBe(0.6)
    expect(risk('AGE_16_TO_17')).toBeGreaterThan(0.6)
    expect(risk('AGE_12_TO_15')).toBeGreaterThan(risk('AGE_16_TO_17'))
    expect(risk('AGE_8_TO_11')).toBeGreaterThan(risk('AGE_12_TO_15'))
  })

  it('is not raised for what minors say to nobody', () => {
    expect(risk('AGE_8_TO_11', { kind: 'POST', actorId: 'child' })).toBe(0.6)
  })

  it('makes a category of what is only just below its threshold for an adult', () => {
    const nearly = {
      category: 'benign',
      score: 0.55,
      scores: [{ category: 'obscene', score: 0.55 }],
    } as const
    const assess = (ageBand: AgeBand) =>
      harness({ ageBand }).assess(event({ ...nearly, scores: [...nearly.scores] }))
    expect(assess('ADULT')).toMatchObject({ riskCategory: 'benign', risk: 0.55 })
    expect(assess('AGE_3_TO_7').riskCategory).toBe('obscene')
  })

  it('counts an approach for less between those who know one another', () => {
    const line = (score: number, change: Partial<ClassifiedEvent>, guardianIds: string[] = []) =>
      harness({ ageBand: 'AGE_12_TO_15', guardianIds }).assess(
        event({ category: 'grooming', score, scores: [{ category: 'grooming', score }], ...change }),
      ).riskCategory
    expect(line(0.75, {})).toBe('grooming')
    expect(line(0.75, { actorAgeBand: 'AGE_12_TO_15' })).toBe('benign')
    expect(line(0.9, { actorAgeBand: 'AGE_12_TO_15' })).toBe('grooming')
    expect(line(0.75, {}, ['adult'])).toBe('benign')
    const scores = [
      { category: 'grooming', score: 0.75 } as const,
      { category: 'abuse_bullying', score: 0.6 } as const,
    ]
    expect(line(0.75, { actorAgeBand: 'AGE_12_TO_15', scores })).toBe('abuse_bullying')
  })

  it('keeps its score where nothing passes', () => {
    expect(
      harness({ ageBand: 'ADULT' }).assess(
        event({ score: 0.2, scores: [{ category: 'fraud', score: 0.2 }] }),
      ),
    ).toMatchObject({
      riskCategory: 'benign',
      risk: 0.2,
      findings: [],
    })
  })
})

describe('staged approach', () => {
  it('rises along the stages, by signals alone', () => {
    const scores = APPROACH.map((_, i) => finding(talk(APPROACH.slice(0, i + 1)), 'staged_approach'))
    expect(scores).toEqual(scores.toSorted((a, b) => a - b))
    expect(scores[0]).toBeLessThan(0.1)
    expect(scores.at(-1)).toBeGreaterThan(0.4)
  })

  it('is found by signals and how the lines sound, whatever each line is', () => {
    const after = (lines: readonly string[][]) => {
      const stage = harness({ ageBand: 'AGE_12_TO_15' })
      return lines.map((signals, i) => stage.assess(said(signals, { occurredAt: T0 + i * HOUR }))).at(-1)!
    }
    expect(finding(after(APPROACH), 'staged_approach')).toBeGreaterThan(0.8)
    expect(after(APPROACH)).toMatchObject({ riskCategory: 'grooming' })
    expect(after(APPROACH.slice(0, 6))).toMatchObject({ riskCategory: 'sexual_enticement' })
  })

  it('weighs a late stage after earlier ones more than alone', () => {
    const alone = finding(talk([['move_app']]), 'staged_approach')
    const after = talk([['contact'], ['rapport'], ['ask_alone'], ['secrecy'], ['move_app']])
    expect(finding(after, 'staged_approach')).toBeGreaterThan(Math.max(0.1, 4 * alone))
  })

  it('weighs the same words between peers much less, and between adults nothing', () => {
    expect(finding(talk(APPROACH, 'AGE_12_TO_15'), 'staged_approach')).toBeLessThan(0.25)
    expect(talk(APPROACH, 'AGE_12_TO_15').riskCategory).toBe('benign')
    expect(talk(APPROACH, 'ADULT', 'ADULT')).toMatchObject({ riskCategory: 'benign', findings: [] })
  })

  it('lets a teacher ask for the school and a meeting', () => {
    expect(talk([['contact'], ['rapport'], ['ask_school'], ['meet']]).riskCategory).toBe('benign')
  })

  it('carries over to lines that say nothing, and fades', () => {
    const stage = harness({ ageBand: 'AGE_12_TO_15' })
    APPROACH.forEach((signals, i) => {
      stage.assess(said(signals, { occurredAt: T0 + i * HOUR }))
    })
    const soon = finding(stage.assess(event({ occurredAt: T0 + 8 * HOUR })), 'staged_approach')
    const later = finding(stage.assess(event({ occurredAt: T0 + 4 * DAY })), 'staged_approach')
    expect(soon).toBeGreaterThan(0.5)
    expect(later).toBeLessThan(soon / 2)
    expect(stage.assess(event({ occurredAt: T0 + 90 * DAY })).findings).toEqual([
      expect.objectContaining({ code: 'first_contact_by_adult' }),
    ])
  })

  it('keeps pairs apart, even with bars in their ids', () => {
    const stage = harness({ accountId: 'a|b' }, { accountId: 'a' })
    for (const signals of APPROACH) stage.assess(event({ protectedId: 'a|b', actorId: 'c', signals }))
    const other = stage.assess(event({ protectedId: 'a', actorId: 'b|c' }))
    expect(finding(other, 'staged_approach')).toBe(0)
  })
})

describe('first contact', () => {
  it('is an adult’s only, and only once', () => {
    const stage = harness()
    expect(finding(stage.assess(event()), 'first_contact_by_adult')).toBeGreaterThan(0)
    expect(finding(stage.assess(event()), 'first_contact_by_adult')).toBe(0)
    expect(finding(harness().assess(event({ actorAgeBand: 'AGE_8_TO_11' })), 'first_contact_by_adult')).toBe(
      0,
    )
  })

  it('does not make a greeting a risk', () => {
    expect(harness().assess(event({ signals: ['contact'] })).riskCategory).toBe('benign')
  })
})

describe('persistence', () => {
  const answer = (occurredAt: number, signals: string[] = []) =>
    event({
      actorId: 'child',
      actorAgeBand: 'AGE_8_TO_11',
      protectedId: 'child',
      subjectId: 'adult',
      signals,
      occurredAt,
    })
  const refusal = (occurredAt: number) => answer(occurredAt, ['refusal'])

  it('is contact that goes on after a refusal', () => {
    const stage = harness()
    expect(finding(stage.assess(event()), 'persistence')).toBe(0)
    stage.assess(refusal(T0 + MINUTE))
    const scores = [2, 3, 4, 5].map((i) =>
      finding(stage.assess(event({ occurredAt: T0 + i * MINUTE })), 'persistence'),
    )
    expect(scores).toEqual(scores.toSorted((a, b) => a - b))
    expect(scores[0]).toBeGreaterThan(0)
    expect(scores.at(-1)).toBeGreaterThan(0.5)
    expect(finding(stage.assess(event({ occurredAt: T0 + 40 * DAY })), 'persistence')).toBe(0)
  })

  it('is not what a guardian says after a no', () => {
    const stage = harness({ guardianIds: ['adult'] })
    stage.assess(event())
    stage.assess(refusal(T0 + MINUTE))
    const scores = [2, 3, 4, 5, 6, 7].map(
      (i) => stage.assess(event({ occurredAt: T0 + i * MINUTE })).riskCategory,
    )
    expect(new Set(scores)).toEqual(new Set(['benign']))
  })

  it('counts what went unanswered', () => {
    const [answered, unanswered] = [
      harness({ ageBand: 'AGE_12_TO_15' }),
      harness({ ageBand: 'AGE_12_TO_15' }),
    ]
    let last = [0, 0]
    for (let i = 0; i < 8; i++) {
      const signals = [['secrecy'], ['ask_alone'], ['gift'], ['sexual_talk']][i % 4]!
      const line = event({ signals, occurredAt: T0 + i * HOUR })
      last = [answered, unanswered].map((stage) => finding(stage.assess(line), 'staged_approach'))
      answered.assess(answer(T0 + i * HOUR + MINUTE))
    }
    expect(last[1]).toBeGreaterThan(last[0]!)
  })

  it('is harm that one actor repeats', () => {
    const stage = harness()
    const insult = (i: number) =>
      event({
        kind: 'COMMENT',
        category: 'abuse_bullying',
        score: 0.6,
        scores: [{ category: 'abuse_bullying', score: 0.6 }],
        actorAgeBand: 'AGE_8_TO_11',
        occurredAt: T0 + i * MINUTE,
      })
    const risks = [0, 1, 2, 3, 4, 5].map((i) => stage.assess(insult(i)))
    expect(finding(risks[1]!, 'persistence')).toBe(0)
    expect(finding(risks[5]!, 'persistence')).toBeGreaterThan(0.7)
  })
})

describe('pile-on', () => {
  const attack = (i: number, occurredAt = T0 + i * MINUTE) =>
    event({
      kind: 'COMMENT',
      actorId: `bully-${i}`,
      actorAgeBand: 'UNKNOWN',
      category: 'abuse_bullying',
      score: 0.55,
      scores: [{ category: 'abuse_bullying', score: 0.55 }],
      occurredAt,
    })

  it('counts distinct attackers within the window', () => {
    const stage = harness()
    const all = Array.from({ length: 8 }, (_, i) => finding(stage.assess(attack(i)), 'pile_on'))
    expect(all[0]).toBe(0)
    expect(all).toEqual(all.toSorted((a, b) => a - b))
    // Two may quarrel with one; from the third on, with nobody else in the thread, it is several against one.
    expect(all[1]).toBeLessThan(0.5)
    expect(all[7]).toBeGreaterThan(0.6)
  })

  it('does not count one attacker twice, and those of another day less', () => {
    const stage = harness()
    for (let i = 0; i < 10; i++) expect(finding(stage.assess(attack(1, T0 + i)), 'pile_on')).toBe(0)
    for (let i = 2; i < 7; i++) stage.assess(attack(i))
    expect(finding(stage.assess(attack(9, T0 + 3 * DAY)), 'pile_on')).toBe(0)
  })

  it('calls what one alone does to a minor targeted abuse, more the more often and the sharper it is', () => {
    const sharp = (score: number, i: number): ClassifiedEvent => ({
      ...attack(1, T0 + i * MINUTE),
      conversationId: 'post',
      modelVersion: 'research-dd2aa631c2fd',
      score,
      scores: [{ category: 'abuse_bullying', score }],
      tones: { approach: -4, recruiting: -4, hostile: 2 },
    })
    const [mild, strong] = [harness(), harness()]
    const all = Array.from({ length: 6 }, (_, i) => [
      finding(mild.assess(sharp(0.5, i)), 'targeted_abuse'),
      finding(strong.assess(sharp(0.95, i)), 'targeted_abuse'),
    ])
    const ofMild = all.map(([score]) => score!)
    expect(ofMild[0]).toBeGreaterThan(0)
    expect(ofMild).toEqual(ofMild.toSorted((a, b) => a - b))
    for (const [less, more] of all) expect(more).toBeGreaterThan(less!)

    const second = strong.assess({ ...sharp(0.95, 7), actorId: 'bully-2' })
    expect(finding(second, 'pile_on')).toBeGreaterThan(0)
    expect(finding(second, 'targeted_abuse')).toBe(0)
    const adult = harness({ ageBand: 'ADULT' })
    expect(adult.assess(sharp(0.95, 0)).findings).toEqual([])
  })

  it('weighs what the research model classified by weights of their own', () => {
    const last = (modelVersion: string | null) => {
      const stage = harness()
      let score = 0
      for (let i = 0; i < 4; i++) score = finding(stage.assess({ ...attack(i), modelVersion }), 'pile_on')
      return score
    }
    expect(last('open-45ad637ca851')).toBe(last(null))
    expect(last('research-dd2aa631c2fd')).not.toBe(last(null))
  })

  it('sees a thread turn on a minor', () => {
    const said = (change: Partial<ClassifiedEvent>, i: number) =>
      event({
        kind: 'COMMENT',
        conversationId: 'post',
        actorAgeBand: 'UNKNOWN',
        actorId: `u${i}`,
        occurredAt: T0 + i * MINUTE,
        ...change,
      })
    const hostile = { signals: ['hostile'] }
    const [turned, mixed] = [harness(), harness()]
    let last = [0, 0]
    for (let i = 0; i < 24; i++) {
      last = [turned, mixed].map((stage, which) => {
        const attacks = which === 0 || i % 4 === 0
        return finding(stage.assess(said(attacks ? hostile : {}, i)), 'pile_on')
      })
    }
    expect(last[0]).toBeGreaterThan(0.7)
    expect(last[1]).toBeLessThan(last[0]!)
  })

  it('has bounded memory however many attack, in however many threads', () => {
    const stage = harness()
    for (let i = 0; i < 500; i++)
      stage.assess({ ...attack(i, T0 + i * 1000), conversationId: `thread-${i % 50}` })
    const account = stage.state.accounts.get('child')!
    expect(account.attackers.values).toHaveLength(128)
    expect(account.threads).toHaveLength(4)
    expect(accountCodec.encode(account).length).toBeLessThan(2_000)
    expect(accountCodec.decode(accountCodec.encode(account))).toEqual(account)
  })
})

describe('earlier items', () => {
  const line = (signals: string[], i: number, change: Partial<ClassifiedEvent> = {}) =>
    event({
      eventId: `line-${i}`,
      contentId: `content-${i}`,
      signals,
      occurredAt: T0 + i * HOUR,
      feedOffset: i,
      ...change,
    })

  it('are handed over once, with the event that shows what they were', () => {
    const stage = harness({ ageBand: 'AGE_12_TO_15' })
    const lines = [
      ['gift'],
      ['contact'],
      ['rapport'],
      ['ask_age'],
      ['ask_alone'],
      ['secrecy'],
      ['sexual_talk'],
      ['ask_picture'],
      ['meet'],
      ['secrecy', 'move_app'],
      ['ask_picture', 'secrecy'],
    ]
    const assessed = lines.map((signals, i) => stage.assess(line(signals, i)))
    const found = assessed.findIndex(({ riskCategory }) => riskCategory !== 'benign')
    expect(found).toBeGreaterThanOrEqual(3)
    const { priorItems, approachStages, findings } = assessed[found]!
    const score = findings.find(({ code }) => code === 'staged_approach')!.score
    const telling = assessed
      .slice(0, found)
      .filter(({ signals }) => signals.some((signal) => !['contact', 'rapport', 'ask_age'].includes(signal)))
    expect(priorItems.map(({ eventId }) => eventId)).toEqual(telling.map(({ eventId }) => eventId))
    expect(priorItems[0]).toMatchObject({
      contentId: 'content-0',
      feedOffset: 0,
      occurredAt: T0,
      section: 'private-messages',
      kind: 'PRIVATE_MESSAGE',
    })
    expect(priorItems.every((item) => item.score === score && item.category !== 'benign')).toBe(true)
    expect(approachStages.slice(0, 4)).toEqual(['gift', 'contact', 'rapport', 'asking'])
    for (const later of assessed.slice(found + 1)) expect(later.priorItems).toEqual([])
  })

  it('are at most eight, the latest', () => {
    const stage = harness({ ageBand: 'AGE_12_TO_15' })
    const weak = { actorAgeBand: 'ADULT' } as const
    for (let i = 0; i < 12; i++) stage.assess(line(['gift', 'openness'], i, weak))
    const packed = stage.state.pairs.get('child|adult')!
    expect(unpackPair(packed).items.map(({ eventId }) => eventId)).toEqual(
      Array.from({ length: 8 }, (_, i) => `line-${i + 4}`),
    )
  })

  it('are not kept between peers, nor where nothing tells', () => {
    const stage = harness({ ageBand: 'AGE_12_TO_15' })
    stage.assess(line(['gift'], 1, { actorAgeBand: 'AGE_12_TO_15', actorId: 'peer' }))
    stage.assess(line(['contact'], 2))
    for (const key of ['child|peer', 'child|adult'])
      expect(unpackPair(stage.state.pairs.get(key)!).items).toEqual([])
  })
})

describe('recruiting and spread', () => {
  const offer = (change: Partial<ClassifiedEvent> = {}) => event({ signals: ['recruiting'], ...change })

  it('needs words, and weighs a handle, repetition and who says it', () => {
    const score = (change: Partial<ClassifiedEvent>) =>
      finding(harness({ ageBand: 'AGE_12_TO_15' }).assess(event(change)), 'recruiting')
    // Above the everyday tone, and no more.
    const tones = { approach: -3, recruiting: -1, hostile: -3 }
    expect(score({ contactHashes: [1] })).toBe(0)
    expect(score({ contactHashes: [1], tones: { ...tones, recruiting: -4 } })).toBe(0)
    const words = score({ signals: ['recruiting'], tones })
    expect(words).toBeLessThan(0.5)
    expect(score({ signals: ['recruiting'], tones, contactHashes: [1] })).toBeGreaterThan(words)
    expect(score({ signals: ['recruiting'], tones, actorAgeBand: 'AGE_12_TO_15' })).toBeLessThan(words)
    expect(score({ signals: ['recruiting'], tones, actorAgeBand: 'UNKNOWN' })).toBeGreaterThan(words)
    expect(score({ tones: { ...tones, recruiting: 3 } })).toBeGreaterThan(words)
    const stage = harness({ ageBand: 'AGE_12_TO_15' })
    stage.assess(offer({ tones }))
    stage.assess(offer({ tones, occurredAt: T0 + MINUTE }))
    expect(stage.assess(offer({ tones, contactHashes: [1], occurredAt: T0 + 2 * MINUTE }))).toMatchObject({
      riskCategory: 'game_companion',
    })
  })

  it('sees one text or handle that many accounts send to many minors', () => {
    const children = Array.from({ length: 20 }, (_, i) => ({ accountId: `child-${i}` }))
    const stage = harness(...children)
    const sent = (i: number, change: Partial<ClassifiedEvent>) =>
      finding(
        stage.assess(offer({ protectedId: `child-${i}`, actorId: `sender-${i}`, ...change })),
        'copy_spread',
      )
    const handle = children.map((_, i) => sent(i, { contactHashes: [77] }))
    expect(handle.slice(0, 4)).toEqual([0, 0, 0, 0])
    expect(handle[4]).toBeGreaterThan(0.2)
    expect(handle[19]).toBeGreaterThan(handle[4]!)
    const text = children.map((_, i) => sent(i, { fingerprint: 123_456_789 }))
    expect(text[19]).toBeGreaterThan(0.5)
    // A window later it is another spread.
    expect(sent(0, { contactHashes: [77], occurredAt: T0 + 4 * DAY })).toBe(0)
  })

  it('does not count greetings that everybody sends', () => {
    const children = Array.from({ length: 12 }, (_, i) => ({ accountId: `child-${i}` }))
    const stage = harness(...children)
    for (let i = 0; i < 12; i++) stage.assess(event({ protectedId: `child-${i}`, fingerprint: 5 }))
    expect(stage.commit()).toBeGreaterThan(0)
    expect(stage.state.spreads.entries).toBe(0)
  })
})

describe('usage', () => {
  const noon = Date.UTC(2026, 8, 21, 4)
  it('finds the limit and names the guardians once', () => {
    const stage = harness()
    expect(stage.assess(watching(3_600, noon))).toMatchObject({
      riskCategory: 'benign',
      guardianIds: [],
      findings: [],
    })
    expect(stage.assess(watching(300, noon + HOUR))).toMatchObject({
      riskCategory: 'addiction',
      guardianIds: ['guardian'],
      findings: [{ code: 'usage_limit', item: '6.1', category: 'addiction' }],
      usageStatus: { usedSeconds: 3_900, firstOverLimit: true },
    })
    expect(stage.assess(watching(300, noon + 2 * HOUR))).toMatchObject({
      guardianIds: [],
      usageStatus: { firstOverLimit: false },
    })
  })

  it('finds rest hours', () => {
    expect(harness().assess(watching(60, T0))).toMatchObject({
      findings: [{ code: 'rest_hours' }],
      usageStatus: { inRestHours: true, overLimit: false },
    })
  })

  it('has no limits without youth mode or without a profile', () => {
    const stage = harness({ youthMode: false })
    expect(stage.assess(watching(80_000, T0))).toMatchObject({
      usageStatus: null,
      riskCategory: 'benign',
      guardianIds: [],
    })
    expect(new Harness().assess(watching(80_000, T0)).usageStatus).toBeNull()
  })
})

describe('a human’s verdict', () => {
  const PATTERN = { ruleIds: ['staged_approach'] }
  const later = (i: number, change: Partial<ClassifiedEvent> = {}) => ({
    occurredAt: T0 + i * HOUR,
    ...change,
  })
  /** An approach that is found, and its events. */
  function found() {
    const stage = harness({ ageBand: 'AGE_12_TO_15' })
    const events = APPROACH.map((signals, i) => said(signals, later(i)))
    const last = events.map((each) => stage.assess(each)).at(-1)!
    expect(finding(last, 'staged_approach')).toBeGreaterThan(0.6)
    return { stage, events }
  }
  const next = (stage: Harness, change: Partial<ClassifiedEvent> = {}) =>
    stage.assess(event(later(APPROACH.length, change)))

  it('that a pattern was none frees what is said next, though it was held before', () => {
    expect(next(found().stage)).toMatchObject({ riskCategory: 'grooming' })
    const { stage, events } = found()
    stage.reverse(reversal(events.at(-1)!, PATTERN))
    expect(next(stage)).toMatchObject({ riskCategory: 'benign', findings: [], priorItems: [] })
  })

  it('leaves what came after the event that was looked at, and what comes now', () => {
    const { stage, events } = found()
    stage.reverse(reversal(events[3]!, PATTERN))
    const kept = unpackPair(stage.state.pairs.get('child|adult')!)
    expect(kept.marks.map(({ mark }) => mark)).toEqual([5, 6, 7])
    const { stage: cleared, events: all } = found()
    cleared.reverse(reversal(all.at(-1)!, PATTERN))
    const again = APPROACH.map((signals, i) => cleared.assess(said(signals, later(10 + i)))).at(-1)!
    expect(finding(again, 'staged_approach')).toBeGreaterThan(0.6)
  })

  it('on one line takes that line alone out', () => {
    const { stage, events } = found()
    stage.reverse(reversal(events[3]!))
    const marks = unpackPair(stage.state.pairs.get('child|adult')!).marks.map(({ mark }) => mark)
    expect(marks).toEqual([0, 1, 2, 5, 6, 7])
  })

  it('keeps first contact, numbers of messages and answers, and that the minor refused', () => {
    const { stage } = found()
    const answer = { actorId: 'child', protectedId: 'child', subjectId: 'adult', signals: ['refusal'] }
    stage.assess(event(later(7, answer)))
    const insisting = Array.from({ length: 8 }, (_, i) => event(later(8 + i)))
    const scores = insisting.map((each) => finding(stage.assess(each), 'persistence'))
    expect(scores.at(-1)).toBeGreaterThan(0.5)
    const facts = () => {
      const pair = unpackPair(stage.state.pairs.get('child|adult')!)
      const { firstAt, lastAt, messages, today, answers, unanswered, refusals, refusedAt, recent } = pair
      return { firstAt, lastAt, messages, today, answers, unanswered, refusals, refusedAt, recent }
    }
    const before = facts()
    expect(before.refusals).toBeGreaterThan(0)
    stage.reverse(reversal(insisting.at(-1)!, { ruleIds: ['persistence'] }))
    expect(facts()).toEqual(before)
    // Who goes on after a refusal is counted anew.
    const again = Array.from({ length: 8 }, (_, i) => finding(next(stage, later(16 + i)), 'persistence'))
    expect(again[0]).toBeLessThan(0.5)
    expect(again.at(-1)).toBeGreaterThan(0.5)
  })

  it('that an earlier item is harmless keeps it from being named again', () => {
    const stage = harness({ ageBand: 'AGE_12_TO_15' })
    const gift = event({ signals: ['gift', 'openness'], ...later(0) })
    const other = event({ signals: ['gift', 'openness'], ...later(1) })
    stage.assess(gift)
    stage.assess(other)
    stage.reverse(reversal(gift, { ruleIds: ['some.rule'] }))
    const named = [...APPROACH, ...APPROACH]
      .flatMap((signals, i) => stage.assess(said(signals, later(2 + i))).priorItems)
      .map(({ eventId }) => eventId)
    expect(named).toContain(other.eventId)
    expect(named).not.toContain(gift.eventId)
  })

  it('that something allowed was harmful counts as harm in full, and outlives a clearing', () => {
    const stage = harness({ ageBand: 'AGE_12_TO_15' })
    const line = event(later(0))
    const bad: Partial<EnforcementDecision> = { verdict: 'HIDE', ruleIds: [] }
    stage.assess(line)
    stage.assess(event(later(1)))
    const harm = () => unpackPair(stage.state.pairs.get('child|adult')!).harm
    expect(harm()).toBe(0)
    stage.reverse(reversal(line, bad))
    expect(harm()).toBeCloseTo(1, 1)
    const once = harm()
    stage.reverse(reversal(line, bad))
    stage.reverse(reversal(event(later(1)), { ...PATTERN, verdict: 'ALLOW' }))
    expect(harm()).toBe(once)
    const repeated = harness({ ageBand: 'AGE_12_TO_15' })
    const lines = [0, 1].map((i) => event(later(i)))
    for (const each of lines) repeated.assess(each)
    for (const each of lines) repeated.reverse(reversal(each, bad))
    const insult: Partial<ClassifiedEvent> = {
      category: 'abuse_bullying',
      score: 0.55,
      scores: [{ category: 'abuse_bullying', score: 0.55 }],
    }
    expect(finding(next(repeated, insult), 'persistence')).toBeGreaterThan(0.5)
    expect(finding(next(harness({ ageBand: 'AGE_12_TO_15' }), insult), 'persistence')).toBe(0)
  })

  it.each<[string, Parameters<typeof reversal>[1]]>([
    ['a follow-up that fell back to a hold', { verdict: 'HOLD_FOR_REVIEW', ruleIds: ['later_events'] }],
    ['a follow-up that fell back to what was hidden', { verdict: 'HIDE', ruleIds: ['later_events'] }],
    ['a first decision', { type: 'DECISION', verdict: 'HIDE' }],
    ['a verdict of a later version', { verdict: 'UNKNOWN' }],
    ['an event of another pair', { actorId: 'somebody' }],
  ])('says nothing by %s', (_, change) => {
    const { stage, events } = found()
    stage.commit()
    stage.reverse(reversal(events.at(-1)!, change))
    stage.reverse(null)
    expect(stage.commit()).toBe(0)
  })

  it('is heard under an order on the section, too', () => {
    const { stage, events } = found()
    const held = { verdict: 'HOLD_SECTION_SUSPENDED', heldVerdict: 'ALLOW' } as const
    stage.reverse(reversal(events.at(-1)!, { ...PATTERN, ...held }))
    expect(next(stage).riskCategory).toBe('benign')
  })

  it('does not bring an erased account back', () => {
    const { stage, events } = found()
    stage.know(null, 'adult')
    stage.reverse(reversal(events.at(-1)!, { verdict: 'HIDE', ruleIds: [] }))
    stage.commit()
    expect(stage.state.pairs.entries).toBe(0)
  })

  it('holds for the event when that comes again', () => {
    const { stage, events } = found()
    stage.reverse(reversal(events[0]!, PATTERN))
    const before = stage.state.pairs.get('child|adult')
    // Longer ago than the repeats that a pair knows by themselves.
    stage.assess(events[0]!)
    expect(stage.state.pairs.get('child|adult')).toBe(before)
  })
})

describe('the stage', () => {
  const single: fc.Arbitrary<Step> = fc.oneof(
    {
      weight: 6,
      arbitrary: fc
        .record({
          actorId: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
          protectedId: fc.constantFrom('a', 'b', 'c'),
          actorAgeBand: fc.constantFrom<AgeBand[]>('ADULT', 'AGE_8_TO_11', 'UNKNOWN'),
          kind: fc.constantFrom<ClassifiedEvent['kind'][]>('COMMENT', 'PRIVATE_MESSAGE', 'POST', 'USAGE'),
          category: fc.constantFrom<ClassifiedEvent['category'][]>('benign', 'abuse_bullying', 'grooming'),
          score: fc.double({ min: 0, max: 1, noNaN: true }),
          signals: fc.subarray([
            'contact',
            'ask_age',
            'secrecy',
            'ask_picture',
            'meet',
            'refusal',
            'unheard_of',
          ]),
          occurredAt: fc.integer({ min: T0 - 7 * DAY, max: T0 }),
          sessionSeconds: fc.integer({ min: 0, max: 10_000 }),
        })
        .map(({ sessionSeconds, ...rest }) => {
          const usage = rest.kind === 'USAGE' ? { sessionSeconds, endedAt: rest.occurredAt } : null
          const scores = rest.score > 0 ? [{ category: rest.category, score: rest.score }] : []
          return { event: event({ ...rest, scores, usage }) }
        }),
    },
    {
      weight: 1,
      arbitrary: fc
        .record({
          accountId: fc.constantFrom('a', 'b', 'c'),
          ageBand: fc.constantFrom<AgeBand[]>('ADULT', 'AGE_8_TO_11', 'AGE_16_TO_17'),
        })
        .map((change) => ({ profile: profile(change) })),
    },
  )
  /** Events and profiles, and verdicts on events that came before them. */
  const stepsOf = (maxLength: number): fc.Arbitrary<Step[]> =>
    fc
      .array(
        fc.oneof(
          { weight: 7, arbitrary: single },
          {
            weight: 2,
            arbitrary: fc.record({
              back: fc.integer({ min: 1, max: 20 }),
              verdict: fc.constantFrom<EnforcementDecision['verdict'][]>('ALLOW', 'HIDE'),
              ruleIds: fc.subarray(['grooming.model', 'staged_approach', 'later_events']),
            }),
          },
        ),
        { maxLength },
      )
      .map((all) =>
        all.flatMap((each, i): Step[] => {
          if (!('back' in each)) return [each]
          const { back, ...change } = each
          const on = all[i - back]
          return on && 'event' in on ? [{ reversal: reversal(on.event, change) }] : []
        }),
      )

  it('answers every event once, with risks from 0 to 1, and never below a minor’s score', () => {
    fc.assert(
      fc.property(stepsOf(60), (steps) => {
        const stage = new Harness()
        for (const each of steps) {
          const assessed = stage.take(each)
          if (!assessed) continue
          expect(assessed.risk).toBeGreaterThanOrEqual(0)
          expect(assessed.risk).toBeLessThanOrEqual(1)
          for (const { score } of assessed.findings) expect(score > 0 && score <= 1).toBe(true)
          if (assessed.category === 'abuse_bullying')
            expect(assessed.risk).toBeGreaterThanOrEqual(assessed.score)
        }
      }),
    )
  })

  it('answers the same in a replay, whatever the batches, and after a restore', () => {
    fc.assert(
      fc.property(stepsOf(60), fc.nat(60), (steps, cut) => {
        const whole = new Harness()
        const first = steps.map((each) => whole.take(each))

        // Small batches; at `cut` the state moves to another process by way of its compacted records.
        let batched = new Harness()
        const second = steps.map((each, i) => {
          if (i === cut) {
            const moved = new Harness()
            for (const [name, store] of Object.entries(batched.state)) {
              const target = moved.state[name as keyof typeof moved.state]
              for (const [key, bytes] of recorded.get(name) ?? []) target.restore(key, bytes)
              expect(target.entries).toBe(store.entries)
            }
            batched = moved
          }
          const answer = batched.take(each)
          for (const [name, store] of Object.entries(batched.state)) {
            const log = recorded.get(name) ?? new Map<string, Buffer | null>()
            for (const { key, value } of store.changes(T0)) log.set(key, value)
            recorded.set(name, log)
            store.merge()
          }
          return answer
        })
        recorded.clear()
        expect(second).toEqual(first)
      }),
      { numRuns: 50 },
    )
  })
  const recorded = new Map<string, Map<string, Buffer | null>>()

  it('changes nothing by events that come a second time soon after', () => {
    fc.assert(
      fc.property(stepsOf(40), fc.array(fc.nat(3), { maxLength: 40 }), (mixed, repeats) => {
        // What was not counted before a profile was known would be afterwards.
        const steps = [
          ...mixed.filter((each) => 'profile' in each),
          ...mixed.filter((each) => !('profile' in each)),
        ]
        const [once, twice] = [new Harness(), new Harness()]
        const first = steps.map((each) => once.take(each))
        const second = steps.map((each, i) => {
          const answer = twice.take(each)
          // One of the last few events again.
          const back = repeats[i]
          const again = back === undefined ? undefined : steps[i - back]
          if (again && 'event' in again) expect(twice.take(again)?.priorItems ?? []).toEqual([])
          if (again && 'reversal' in again) twice.take(again)
          return answer
        })
        expect(second).toEqual(first)
        for (const [name, store] of Object.entries(once.state)) {
          const other = twice.state[name as keyof typeof twice.state]
          expect([...other.current()].sort()).toEqual([...store.current()].sort())
        }
      }),
      { numRuns: 200 },
    )
  })

  it('does not care about the order of pairs that have nothing to do with one another', () => {
    const apart = fc.tuple(stepsOf(25), stepsOf(25), fc.array(fc.boolean(), { maxLength: 50 }))
    const renamed = (each: Step, world: string): Step =>
      'event' in each
        ? {
            event: {
              ...each.event,
              actorId: world + each.event.actorId,
              protectedId: world + each.event.protectedId,
            },
          }
        : 'reversal' in each
          ? {
              reversal: each.reversal && {
                ...each.reversal,
                actorId: world + each.reversal.actorId,
                protectedId: world + each.reversal.protectedId,
              },
            }
          : {
              profile: each.profile && { ...each.profile, accountId: world + each.profile.accountId },
              key: world + (each.profile?.accountId ?? ''),
            }
    fc.assert(
      fc.property(apart, ([left, right, turns]) => {
        const [one, another] = [
          left.map((each) => renamed(each, 'l')),
          right.map((each) => renamed(each, 'r')),
        ]
        const alone = new Harness()
        const expected = [one.map((each) => alone.take(each)), another.map((each) => alone.take(each))]
        const mixed = new Harness()
        const found: (AssessedEvent | undefined)[][] = [[], []]
        const rest = [one.slice(), another.slice()]
        for (let turn = 0; rest[0]!.length + rest[1]!.length > 0; turn++) {
          const side = rest[0]!.length === 0 ? 1 : rest[1]!.length === 0 ? 0 : turns[turn] ? 1 : 0
          found[side]!.push(mixed.take(rest[side]!.shift()!))
        }
        expect(found).toEqual(expected)
      }),
      { numRuns: 150 },
    )
  })

  it('lets go of the pairs that were written least lately where a partition is full, and says how many', () => {
    const stage = new Harness({ pairs: 10 })
    stage.know(profile())
    for (let i = 0; i < 25; i++) {
      stage.assess(event({ actorId: `adult-${i}`, occurredAt: T0 + i * MINUTE }))
      stage.commit(T0 + i * MINUTE)
    }
    expect([stage.state.pairs.entries, stage.state.pairs.evictions]).toEqual([10, 15])
    expect([...stage.state.pairs.current()].map(([key]) => key)).toContain('child|adult-24')
  })

  it('forgets pairs by event time', () => {
    const stage = harness()
    stage.assess(event())
    stage.commit(T0)
    stage.commit(T0 + 60 * DAY)
    expect(stage.state.pairs.entries).toBe(1)
    stage.commit(T0 + 69 * DAY)
    expect(stage.state.pairs.entries).toBe(0)
  })

  it('changes nothing by repeated profiles and verdicts', () => {
    fc.assert(
      fc.property(stepsOf(40), (steps) => {
        const once = new Harness()
        const twice = new Harness()
        for (const each of steps) {
          const answer = once.take(each)
          if (!('event' in each)) twice.take(each)
          expect(twice.take(each)).toEqual(answer)
        }
      }),
    )
  })
})
