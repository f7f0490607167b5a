import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { campaignReport } from '@wardline/campaign'
import type { AccountProfile, EnforcementDecision, FeedEvent } from '@wardline/events'
import { freePorts, startStack } from '@wardline/local'
import { type Connection, FeedPublisher, readRecords } from '@wardline/records'
import { giveVerdict, nextItem, readFed } from '@wardline/review'
import { recordKey } from '@wardline/sample-feed'
import { PartitionReader, TOPICS } from '@wardline/stream'
import { audit, balances } from './audit.ts'
import { connect } from './connection.ts'
import { reviewLines } from './review.ts'
import { publishProfiles } from './sample.ts'

const STORY = new URL('../docs/story.md', import.meta.url)
const COACH = 'coach'
const CHILD = 'child-in-his-group'
/** Written for the story. Each line is harmless by itself. */
export const LINES = [
  '你好呀，我是暑期游泳班的教练',
  '你几岁，上几年级？要按年龄分组',
  '你在哪上学，几点放学？我好排训练时间',
  '你比同龄人成熟，动作学得很快',
  '周六给队友准备了生日惊喜，先别告诉她',
  '发张照片看看泳衣合不合身，照片里要看得到肩带',
  '加我微信，我把训练计划发给你，我们见面再细说',
] as const
export const AFTERWARDS = '明天的训练照常，三点开始'
const ANSWERED_WITHIN_MS = 60_000
/** Until comment-risk has read the reversals: some transactions' time. */
const REACHED_AFTER_MS = 2_000

/** Plays the story on a chain of its own and writes docs/story.md from what came of it. Throws where it does not come out. */
export async function writeStory(print: (line: string) => void): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'wardline-story-'))
  const stack = await startStack({ folder, partitions: 2, ports: await freePorts(), log: print })
  try {
    const connection = connect({
      ...process.env,
      WARDLINE_BROKERS: stack.brokers.join(','),
      WARDLINE_REGISTRY_URL: stack.registryUrl,
    })
    const text = await stack.orInterrupted(play(connection))
    writeFileSync(STORY, text)
    print('docs/story.md')
  } finally {
    await stack.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function play(connection: Connection): Promise<string> {
  const out: string[] = []
  const say = (...lines: string[]) => out.push(...lines, '')
  const block = (...lines: string[]) => say('```', ...lines, '```')
  const startedAt = Date.now()
  const publisher = new FeedPublisher(connection)
  await publisher.connect()
  let number = 0
  const feed = async (text: string, from = COACH, to = CHILD) => {
    const event = message(`story-${++number}`, from, to, text)
    await publisher.send(TOPICS.feedEvents, [
      { key: recordKey(event), value: await publisher.encode(TOPICS.feedEvents, 'FeedEvent', event) },
    ])
    return await decided(connection, (each) => each.eventId === event.eventId)
  }
  try {
    await publishProfiles(publisher, [profile(COACH, 'ADULT'), profile(CHILD, 'AGE_8_TO_11')])
    await delay(2_000)

    say(
      '# A worked story: one account, from first contact to reversal',
      '',
      'Written by `make story`: broker, registry and the four services run, the messages below are published as a feed would, and everything in the boxes is what the chain answered. The people are invented.',
      '',
      'A swimming coach writes to a girl of his group, who is ten. Each of his lines is harmless. In their order they are what an approach looks like, and the chain cannot know that her parents sit beside her. It has to stop him, say why, and be able to take it back.',
    )

    say('## The messages')
    const rows: string[] = [
      '| message | verdict | account | category, risk | rests on |',
      '|---|---|---|---|---|',
    ]
    const first: EnforcementDecision[] = []
    for (const line of LINES) {
      const [decision] = await feed(line)
      first.push(decision!)
      rows.push(row(line, decision!))
    }
    say(...rows)
    const adverse = first.filter(({ statement }) => statement !== null)
    const hardest = adverse.at(-1)
    if (!hardest?.statement) throw new Error('no message of the story had an adverse decision')
    const followUps = await laterDecisions(connection, 'FOLLOW_UP')
    if (followUps.length > 0) {
      say(
        'What the last lines showed reached back: earlier messages got a second answer, each because of a later event.',
      )
      block(
        ...followUps.map(
          (each) =>
            `${each.eventId}  FOLLOW_UP  ${each.verdict}  caused by ${each.causedBy}, risk ${each.risk.toFixed(2)}`,
        ),
      )
    }

    say('## What he is told')
    say(`The statement of reasons of \`${hardest.eventId}\`, in both languages:`)
    say(`> ${hardest.statement.decisionFactsZh}`, '>', `> ${hardest.statement.decisionFacts}`)
    const { decisionFacts, decisionFactsZh, contentDate, applicationDate, ...fields } = hardest.statement
    block(JSON.stringify(fields, null, 2))

    say('## He appeals')
    for (const { eventId } of adverse) {
      const appeal = {
        reportId: `appeal-${eventId}`,
        reporterId: COACH,
        reportedId: COACH,
        eventId,
        category: 'unclassified' as const,
        reportedAt: Date.now(),
      }
      await publisher.send(TOPICS.reports, [
        { key: COACH, value: await publisher.encode(TOPICS.reports, 'UserReport', appeal) },
      ])
    }
    say(
      'Against each of them. An appeal is a report of an account on itself that names the event. An inspector takes items from the queue one by one, and sees the text that no record after classify carries:',
    )
    let item = await nextItem(connection, 'inspector-li')
    for (let seen = 0; item && item.decision.eventId !== hardest.eventId; seen++) {
      if (seen > LINES.length) throw new Error('the appeal did not come up in the queue')
      // What waits before it: his other messages. The inspector reads them too, calls the parents, and finds nothing.
      await giveVerdict(connection, item.decision.decisionId, 'OVERTURNED', {
        reviewerId: 'inspector-li',
        reason: 'no_violation',
      })
      item = await nextItem(connection, 'inspector-li')
    }
    if (!item) throw new Error('the appeal did not come up in the queue')
    block(
      '$ bin/wardline review next --reviewer inspector-li',
      ...reviewLines(item, await readFed(connection, item.decision)).filter(
        (line) => !line.startsWith('since'),
      ),
    )
    const other = await nextItem(connection, 'inspector-wang')
    say(
      other
        ? `A second inspector who asks meanwhile is given another item (\`${other.decision.eventId}\`).`
        : 'A second inspector who asks meanwhile is given nothing: the item is in hand.',
    )

    say('## The reversal')
    const given = await giveVerdict(connection, item.decision.decisionId, 'OVERTURNED', {
      reviewerId: 'inspector-li',
      reason: 'no_violation',
    })
    if (!given.answer) throw new Error('no reversal came')
    const { decisionId, type, verdict, accountAction, liftedAction } = given.answer
    block(
      `$ bin/wardline review overturn ${item.decision.decisionId} --reviewer inspector-li --reason no_violation`,
      `${given.verdict.verdictId}  OVERTURNED`,
      `${decisionId}  ${type} ${verdict}, account: ${accountAction}${liftedAction === 'NONE' ? '' : `, lifted: ${liftedAction}`}`,
    )
    const refused = await giveVerdict(connection, item.decision.decisionId, 'UPHELD', {
      reviewerId: 'inspector-wang',
      reason: null,
    }).catch((error: Error) => error.message)
    say('A second, different verdict changes nothing and is refused:')
    block(String(refused))
    say('All that was taken back, in order:')
    const reversals = await laterDecisions(connection, 'REVERSAL')
    block(
      ...reversals.map(
        (each) =>
          `${each.eventId}  REVERSAL  ${each.verdict}  lifted ${each.liftedAction}, stays ${each.accountAction}, strikes left ${each.strikes}`,
      ),
    )
    const lifting = reversals.find((each) => each.liftedAction !== 'NONE')
    if (!lifting || reversals.at(-1)!.strikes !== 0) throw new Error('the standing was not restored')
    say(
      'The first reversal that lifted an action, without what it repeats of the event. `reverses` names the decision. `accountAction` is what the strikes that remain lead to, as if it had never been.',
    )
    const { reverses, causedBy, strikes, youthPool } = lifting
    const ended = { liftedAction: lifting.liftedAction, accountAction: lifting.accountAction }
    block(
      JSON.stringify(
        { type: lifting.type, verdict: lifting.verdict, reverses, causedBy, ...ended, strikes, youthPool },
        null,
        2,
      ),
    )
    await delay(REACHED_AFTER_MS)
    const [after] = await feed(AFTERWARDS)
    if (after?.verdict !== 'ALLOW')
      throw new Error(`${AFTERWARDS}: ${after?.verdict}, though all was taken back`)
    say(
      'His next message finds his account without a strike, and the conversation without what was taken back: reversals reach comment-risk, too, over `enforcement.reversals`. That he has written to her, and how often, it still knows.',
      '',
      ...rows.slice(0, 2),
      row(AFTERWARDS, after),
    )

    say('## The books')
    const report = await audit(connection)
    if (!balances(report)) throw new Error('the books do not balance')
    block(
      `events in ${report.eventsIn}, decisions ${report.decisions}, missing ${report.missing.length}, doubled ${report.doubled.length}`,
      `beside them: follow-ups ${report.followUps}, reversals ${report.reversals}`,
    )
    const { items } = await campaignReport(connection, startedAt - 60_000, Date.now() + 60_000)
    say("The regulator's table (`bin/wardline report campaign`), items that were seen:")
    say(
      '| item | seen | acted on | accounts | overturned |',
      '|---|---|---|---|---|',
      ...items
        .filter(({ seen }) => seen > 0)
        .map(
          (each) =>
            `| ${each.item} | ${each.seen} | ${each.actedOn} | ${each.accounts} | ${each.overturned} |`,
        ),
    )
    return `${out.join('\n').trimEnd()}\n`
  } finally {
    await publisher.close()
  }
}

const row = (
  text: string,
  { verdict, accountAction, actionSeconds, category, risk, ruleIds }: EnforcementDecision,
) =>
  `| ${text} | ${verdict} | ${accountAction === 'NONE' ? '' : accountAction}${actionSeconds === null ? '' : ` ${actionSeconds / 3600} h`} | ${category} ${risk.toFixed(2)} | ${ruleIds.join(', ')} |`

/** The first decisions that fit, once there is one. */
async function decided(
  connection: Connection,
  fits: (decision: EnforcementDecision) => boolean,
): Promise<EnforcementDecision[]> {
  const until = performance.now() + ANSWERED_WITHIN_MS
  for (;;) {
    const found = (await allDecisions(connection)).filter((each) => each.type === 'DECISION' && fits(each))
    if (found.length > 0) return found
    if (performance.now() > until) throw new Error('the chain did not answer in time')
    await delay(200)
  }
}

const laterDecisions = async (connection: Connection, type: EnforcementDecision['type']) =>
  (await allDecisions(connection)).filter((each) => each.type === type)

async function allDecisions(connection: Connection): Promise<EnforcementDecision[]> {
  const reader = new PartitionReader(connection.kafka)
  const all: EnforcementDecision[] = []
  try {
    for await (const { value } of readRecords(connection, reader, TOPICS.decisions, 'EnforcementDecision'))
      if (value) all.push(value)
    return all
  } finally {
    await reader.close()
  }
}

const profile = (accountId: string, ageBand: AccountProfile['ageBand']): AccountProfile => ({
  accountId,
  ageBand,
  youthMode: ageBand !== 'ADULT',
  utcOffsetMinutes: 480,
  dailyLimitMinutes: null,
  restStartMinute: 1_320,
  restEndMinute: 360,
  guardianIds: [],
  updatedAt: Date.now(),
})

const message = (eventId: string, actorId: string, subjectId: string, text: string): FeedEvent => ({
  eventId,
  kind: 'PRIVATE_MESSAGE',
  occurredAt: Date.now(),
  actorId,
  actorAgeBand: 'ADULT',
  subjectId,
  subjectAgeBand: 'AGE_8_TO_11',
  contentId: null,
  parentId: null,
  conversationId: 'story',
  section: null,
  text,
  language: 'zh',
  media: [],
  links: [],
  mentions: [],
  searchQuery: null,
  device: 'PHONE',
  usage: null,
  promotion: null,
})
