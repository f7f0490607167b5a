import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { campaignReport } from '@wardline/campaign'
import { publishProfiles } from '@wardline/cli/sample'
import { AFTERWARDS, LINES as STORY_LINES } from '@wardline/cli/story'
import { liftSection, readOrders, suspendSection } from '@wardline/control'
import {
  type AssessedEvent,
  DecodeFailure,
  type EnforcementDecision,
  type FeedEvent,
  RecordDecoder,
} from '@wardline/events'
import { FeedPublisher, readTopic } from '@wardline/records'
import { giveVerdict, nextItem, readFed, VerdictRefused } from '@wardline/review'
import {
  DEAD_LETTER_HEADERS,
  deadLetterTopic,
  groupId,
  PartitionReader,
  stateTopic,
  TOPICS,
} from '@wardline/stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TestChain } from './chain.ts'
import { plainEvent as plain } from './plain-event.ts'

const DAY = 86_400_000
let chain: TestChain
let publisher: FeedPublisher

beforeAll(async () => {
  chain = await TestChain.start()
  await chain.startAll()
  publisher = new FeedPublisher(chain.connection)
  await publisher.connect()
})

afterAll(async () => {
  await publisher?.close()
  await chain?.stop()
})

const feed = async (event: FeedEvent): Promise<void> => {
  const value = await publisher.encode(TOPICS.feedEvents, 'FeedEvent', event)
  await publisher.send(TOPICS.feedEvents, [{ key: event.actorId, value }])
}

async function read<Name extends 'EnforcementDecision' | 'AssessedEvent'>(
  topic: string,
  record: Name,
): Promise<(Name extends 'AssessedEvent' ? AssessedEvent : EnforcementDecision)[]> {
  const reader = new PartitionReader(chain.connection.kafka)
  const decoder = new RecordDecoder(record, chain.connection.registry)
  const all: unknown[] = []
  for await (const { message } of readTopic(reader, topic)) {
    await decoder.prepare([message])
    const value = decoder.decode(message.value!)
    if (!(value instanceof DecodeFailure)) all.push(value)
  }
  await reader.close()
  return all as never
}
const decisions = () => read(TOPICS.decisions, 'EnforcementDecision')
const decisionOn = async (eventId: string): Promise<EnforcementDecision> => {
  let found: EnforcementDecision | undefined
  await expect
    .poll(async () => (found = (await decisions()).find((each) => each.eventId === eventId)), {
      timeout: 30_000,
    })
    .toBeDefined()
  return found!
}
const scam = (actorId: string) => plain({ actorId, text: '时时彩计划群，稳赚不赔，加微信 wx8812345' })

describe('human inspection', () => {
  it('overturns a decision: one reversal that names it, and the same verdict again changes nothing', async () => {
    const event = scam('gambler')
    await feed(event)
    const decision = await decisionOn(event.eventId)
    expect(decision.statement).not.toBeNull()
    const given = await giveVerdict(chain.connection, decision.decisionId, 'OVERTURNED', {
      reviewerId: 'li',
      reason: 'no_violation',
    })
    expect(given.answer).toMatchObject({
      type: 'REVERSAL',
      reverses: decision.decisionId,
      causedBy: given.verdict.verdictId,
      verdict: 'ALLOW',
      strikes: 0,
    })
    await expect(
      giveVerdict(chain.connection, decision.decisionId, 'UPHELD', { reviewerId: 'wang', reason: null }),
    ).rejects.toThrow(VerdictRefused)
    // A tool that does not look first: the stage itself takes no second verdict.
    for (const verdictId of [given.verdict.verdictId, 'another']) {
      const value = await publisher.encode(TOPICS.verdicts, 'ReviewVerdict', { ...given.verdict, verdictId })
      await publisher.send(TOPICS.verdicts, [{ key: decision.actorId, value }])
    }
    const next = scam('gambler')
    await feed(next)
    expect(await decisionOn(next.eventId)).toMatchObject({ strikes: decision.strikes })
    const reversals = (await decisions()).filter(
      ({ type, actorId }) => type === 'REVERSAL' && actorId === 'gambler',
    )
    expect(reversals).toHaveLength(1)
    expect(await chain.metric('enforce', 'wardline_later_decisions_total', 'type="REVERSAL"')).toBe(1)
    expect(
      await chain.metric('enforce', 'wardline_rule_decisions_total', 'outcome="overturned"'),
    ).toBeGreaterThan(0)
  })

  it('gives one appeal to one of two inspectors who ask at once, with the text, until it is settled', async () => {
    const event = scam('appellant')
    await feed(event)
    const decision = await decisionOn(event.eventId)
    const appeal = {
      reportId: 'r',
      reporterId: 'appellant',
      reportedId: 'appellant',
      eventId: event.eventId,
      category: 'unclassified' as const,
      reportedAt: Date.now(),
    }
    await publisher.send(TOPICS.reports, [
      { key: 'appellant', value: await publisher.encode(TOPICS.reports, 'UserReport', appeal) },
    ])
    const given = await Promise.all(['zhao', 'qian'].map((name) => nextItem(chain.connection, name)))
    const mine = given.filter((item) => item?.decision.decisionId === decision.decisionId)
    expect(mine).toHaveLength(1)
    expect(mine[0]).toMatchObject({ reason: 'appeal' })
    expect((await readFed(chain.connection, mine[0]!.decision))?.text).toBe(event.text)
    const owner = mine[0]!.claimedBy!
    expect((await nextItem(chain.connection, owner))?.decision.decisionId).toBe(decision.decisionId)
    await giveVerdict(chain.connection, decision.decisionId, 'UPHELD', { reviewerId: owner, reason: null })
    expect((await nextItem(chain.connection, 'sun'))?.decision.decisionId).not.toBe(decision.decisionId)
  })
})

describe('a follow-up', () => {
  it('answers an earlier event because of a later one, once, and the books still balance', async () => {
    const early = plain({ actorId: 'stranger', subjectId: 'child', kind: 'PRIVATE_MESSAGE', text: '你好呀' })
    await feed(early)
    const first = await decisionOn(early.eventId)
    expect(first.verdict).toBe('ALLOW')
    expect((await chain.settled()).missing).toEqual([])
    const [assessed] = (await read(TOPICS.assessed, 'AssessedEvent')).filter(
      (e) => e.eventId === early.eventId,
    )
    const later = (eventId: string): AssessedEvent => ({
      ...assessed!,
      eventId,
      riskCategory: 'grooming',
      risk: 0.95,
      protectedIsMinor: true,
      protectedAgeBand: 'AGE_8_TO_11',
      priorItems: [
        {
          eventId: early.eventId,
          kind: early.kind,
          contentId: early.eventId,
          occurredAt: early.occurredAt,
          feedPartition: first.feedPartition,
          feedOffset: first.feedOffset,
          feedAppendedAt: first.feedAppendedAt,
          category: 'grooming',
          score: 0.97,
          section: first.section,
        },
      ],
    })
    // comment-risk's own records, so that the test needs no pattern that its model may come to judge otherwise.
    for (const eventId of ['later-1', 'later-2']) {
      const value = await publisher.encode(TOPICS.assessed, 'AssessedEvent', {
        ...later(eventId),
        feedOffset: 1_000_000 + Number(eventId.at(-1)),
      })
      await publisher.send(TOPICS.assessed, [{ key: 'stranger', value }])
      await decisionOn(eventId)
    }
    const followUps = (await decisions()).filter(({ type }) => type === 'FOLLOW_UP')
    expect(followUps).toHaveLength(1)
    expect(followUps[0]).toMatchObject({ eventId: early.eventId, causedBy: 'later-1', verdict: 'REMOVE' })
    expect(await chain.settled()).toMatchObject({ followUps: 1, doubled: [], missing: [] })
  })
})

describe('a reversal', () => {
  const CHILDREN = ['pupil-1', 'pupil-2'] as const
  const say = async (child: (typeof CHILDREN)[number], text: string) => {
    const event = plain({
      kind: 'PRIVATE_MESSAGE',
      actorId: `coach-of-${child}`,
      subjectId: child,
      subjectAgeBand: 'AGE_8_TO_11',
      text,
    })
    await feed(event)
    return await decisionOn(event.eventId)
  }
  /** Waits until comment-risk has read everything that is in the topic now. */
  const untilRead = async (topic: string) => {
    const reader = new PartitionReader(chain.connection.kafka)
    const admin = chain.connection.kafka.admin()
    await admin.connect()
    try {
      const records = new Map<number, number>()
      for await (const { partition, message } of readTopic(reader, topic))
        records.set(partition, Number(message.offset) + 1)
      expect(records.size).toBeGreaterThan(0)
      const behind = async () => {
        const [read] = await admin.fetchOffsets({ groupId: groupId('comment-risk'), topics: [topic] })
        return read!.partitions.filter(
          ({ partition, offset }) => Number(offset) < (records.get(partition) ?? -1),
        )
      }
      await expect.poll(behind, { timeout: 30_000 }).toEqual([])
    } finally {
      await admin.disconnect()
      await reader.close()
    }
  }
  /** What comment-risk has written about the pair, in order. */
  const written = async (child: (typeof CHILDREN)[number]) => {
    const reader = new PartitionReader(chain.connection.kafka)
    const values: string[] = []
    for await (const { message } of readTopic(reader, stateTopic('comment-risk')))
      if (String(message.key) === `pairs/${child}|coach-of-${child}`)
        values.push(message.value!.toString('base64'))
    await reader.close()
    return values
  }

  it('of a pattern frees the next line of that pair alone, once, and after a restart', async () => {
    await publishProfiles(
      publisher,
      CHILDREN.map((accountId) => ({
        accountId,
        ageBand: 'AGE_8_TO_11',
        youthMode: true,
        utcOffsetMinutes: 480,
        dailyLimitMinutes: null,
        restStartMinute: 1_320,
        restEndMinute: 360,
        guardianIds: [],
        updatedAt: Date.now(),
      })),
    )
    await untilRead(TOPICS.profiles)
    const [overturned, other] = CHILDREN
    let last: EnforcementDecision | undefined
    for (const line of STORY_LINES) for (const child of [other, overturned]) last = await say(child, line)
    expect(last!.ruleIds).toContain('staged_approach')
    expect(last!.statement).not.toBeNull()

    const { brokers, registryUrl } = chain.stack
    const env = { ...process.env, WARDLINE_BROKERS: brokers.join(','), WARDLINE_REGISTRY_URL: registryUrl }
    const given = spawnSync(
      fileURLToPath(new URL('../../bin/wardline', import.meta.url)),
      ['review', 'overturn', last!.decisionId, '--reviewer', 'li', '--reason', 'no_violation'],
      { encoding: 'utf8', env },
    )
    expect(given).toMatchObject({ status: 0, stderr: '' })
    expect(given.stdout).toContain('REVERSAL ALLOW')
    await untilRead(TOPICS.reversals)
    const after = await written(overturned)

    const [reversal] = (await read(TOPICS.reversals, 'EnforcementDecision')).filter(
      ({ protectedId }) => protectedId === overturned,
    )
    expect(reversal).toEqual((await decisions()).find(({ reverses }) => reverses === last!.decisionId))
    for (let i = 0; i < 2; i++) {
      const value = await publisher.encode(TOPICS.reversals, 'EnforcementDecision', reversal!)
      await publisher.send(TOPICS.reversals, [{ key: overturned, value }])
    }
    await untilRead(TOPICS.reversals)
    expect(await written(overturned)).toEqual(after)

    expect(await say(overturned, AFTERWARDS)).toMatchObject({ verdict: 'ALLOW', category: 'benign' })
    const held = await say(other, AFTERWARDS)
    expect(['HOLD_FOR_REVIEW', 'HIDE', 'REMOVE']).toContain(held.verdict)
    expect(held.ruleIds).toEqual(['staged_approach'])

    await chain.services.get('comment-risk')!.child.stop()
    await chain.launch('comment-risk').ready()
    expect(await say(overturned, AFTERWARDS)).toMatchObject({ verdict: 'ALLOW' })
    // A table that ends in marks of transactions is read to its end all the same.
    const log = readFileSync(join(chain.stack.logFolder, 'comment-risk.log'), 'utf8')
    expect(log).not.toContain('tables brought nothing new')
    expect(await chain.settled()).toMatchObject({ doubled: [], missing: [], otherDeadLetters: 0 })

    // One that comment-risk could not take would be no second answer to the event that it names.
    const value = await publisher.encode(TOPICS.reversals, 'EnforcementDecision', reversal!)
    const headers = { [DEAD_LETTER_HEADERS.topic]: TOPICS.reversals }
    await publisher.send(deadLetterTopic('comment-risk'), [{ key: overturned, value, headers }])
    expect(await chain.settled()).toMatchObject({ doubled: [], missing: [], otherDeadLetters: 1 })
  })
})

describe('a section order', () => {
  it('holds every new item of its section while it lasts, and ends when it is lifted', async () => {
    const now = Date.now()
    const inZone = () => plain({ actorId: 'player', section: 'game-zone' })
    const order = { days: 30, reference: 'CAC-17', from: now - 60_000, issuedBy: 'ops', now }
    await suspendSection(chain.connection, 'game-zone', order)
    await expect(
      suspendSection(chain.connection, 'game-zone', { ...order, reference: 'CAC-18' }),
    ).rejects.toThrow(/CAC-17/)
    let held: EnforcementDecision | undefined
    await expect
      .poll(
        async () => {
          const event = inZone()
          await feed(event)
          held = await decisionOn(event.eventId)
          return held.verdict
        },
        { timeout: 30_000 },
      )
      .toBe('HOLD_SECTION_SUSPENDED')
    expect(held!.statement!.decisionFactsZh).toContain('CAC-17')
    const elsewhere = plain({ actorId: 'player' })
    await feed(elsewhere)
    expect((await decisionOn(elsewhere.eventId)).verdict).toBe('ALLOW')

    // The order is known after a restart before the first event is answered.
    await chain.services.get('enforce')!.child.stop()
    const whileDown = inZone()
    await feed(whileDown)
    await chain.launch('enforce').ready()
    expect((await decisionOn(whileDown.eventId)).verdict).toBe('HOLD_SECTION_SUSPENDED')

    await liftSection(chain.connection, 'game-zone', { issuedBy: 'ops', now: Date.now() })
    expect((await readOrders(chain.connection)).get('game-zone')!.effectiveUntil).toBeLessThan(now + DAY)
    await expect
      .poll(
        async () => {
          const event = inZone()
          await feed(event)
          return (await decisionOn(event.eventId)).verdict
        },
        { timeout: 30_000 },
      )
      .toBe('ALLOW')
  })
})

it("the regulator's table counts what happened", async () => {
  const report = await campaignReport(chain.connection, Date.now() - DAY, Date.now() + DAY)
  expect(report.items).toHaveLength(24)
  expect(report.total.actedOn).toBeGreaterThanOrEqual(3)
  expect(report.total.overturned).toBe(2)
  expect(report.total.medianMs).toBeGreaterThanOrEqual(0)
  expect(report.rules.some(({ overturned }) => overturned === 1)).toBe(true)
})
