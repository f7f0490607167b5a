import { setTimeout as delay } from 'node:timers/promises'
import {
  DecodeFailure,
  type EnforcementDecision,
  type FeedEvent,
  RecordDecoder,
  type ReviewVerdict,
} from '@wardline/events'
import { PartitionReader, TOPICS } from '@wardline/stream'
import { type Command, InvalidArgumentError } from 'commander'
import { type Connection, connect } from './connection.ts'
import { FeedPublisher } from './feed-publisher.ts'
import { readRecords } from './read-records.ts'
import { type ReviewItem, ReviewQueue, refusalOf, verdictIdOf } from './review-queue.ts'

/** The verdict would change nothing, or there is no such decision. */
export class VerdictRefused extends Error {
  override readonly name = 'VerdictRefused'
  /** Tells the command line to print the message alone. */
  readonly remedy = true
}

/** Reads the queue as the topics have it now. */
export async function readQueue(connection: Connection): Promise<ReviewQueue> {
  const reader = new PartitionReader(connection.kafka)
  const queue = new ReviewQueue()
  try {
    // Verdicts last: one that is given meanwhile is then known, and its item not handed out.
    for await (const { value } of readRecords(connection, reader, TOPICS.decisions, 'EnforcementDecision'))
      if (value) queue.takeDecision(value)
    for await (const { value } of readRecords(connection, reader, TOPICS.reports, 'UserReport'))
      if (value) queue.takeReport(value)
    for await (const { value } of readRecords(connection, reader, TOPICS.verdicts, 'ReviewVerdict'))
      if (value) queue.takeVerdict(value)
    return queue
  } finally {
    await reader.close()
  }
}

/**
 * The next item for this inspector, claimed for a quarter of an hour; what the inspector has in hand already comes first.
 * Undefined: nothing waits that nobody else has in hand.
 */
export async function nextItem(
  connection: Connection,
  reviewerId: string,
  clock: () => number = Date.now,
): Promise<ReviewItem | undefined> {
  for (;;) {
    const open = (await readQueue(connection)).open(clock())
    const own = open.find(({ claimedBy }) => claimedBy === reviewerId)
    if (own) return own
    const free = open.find(({ claimedBy }) => claimedBy === null)
    if (!free) return undefined
    await sendVerdict(connection, verdictOn(free.decision, reviewerId, 'CLAIMED', null, clock()))
    // Another may have claimed it first: the log decides, and the loop looks again.
  }
}

export interface GivenVerdict {
  readonly verdict: ReviewVerdict
  /** What enforce made of it: a reversal, a follow-up; undefined where nothing follows or it did not come in time. */
  readonly answer: EnforcementDecision | undefined
}

/** Gives a verdict on a decision and waits for what follows from it. Throws VerdictRefused where it would change nothing. */
export async function giveVerdict(
  connection: Connection,
  decisionId: string,
  outcome: 'UPHELD' | 'OVERTURNED',
  options: { reviewerId: string; reason: string | null; withinMs?: number; clock?: () => number },
): Promise<GivenVerdict> {
  const { reviewerId, reason, withinMs = 15_000, clock = Date.now } = options
  const queue = await readQueue(connection)
  const standing = queue.standingOf(decisionId)
  if (!standing)
    throw new VerdictRefused(
      `there is no adverse or drawn decision ${decisionId}: \`wardline review next\` shows ids`,
    )
  const refusal = refusalOf(standing, queue.findingsOf(standing.eventId), outcome)
  if (refusal) throw new VerdictRefused(`${decisionId}: ${refusal}`)
  const verdict = verdictOn(standing, reviewerId, outcome, reason, clock())
  await sendVerdict(connection, verdict)
  const follows = outcome === 'OVERTURNED' || standing.verdict === 'HOLD_FOR_REVIEW'
  const until = performance.now() + withinMs
  while (follows && performance.now() < until) {
    await delay(200)
    const now = (await readQueue(connection)).standingOf(decisionId)
    if (now?.causedBy === verdict.verdictId) return { verdict, answer: now }
  }
  return { verdict, answer: undefined }
}

const verdictOn = (
  decision: EnforcementDecision,
  reviewerId: string,
  outcome: ReviewVerdict['outcome'],
  reason: string | null,
  reviewedAt: number,
): ReviewVerdict => ({
  verdictId: verdictIdOf(decision.decisionId, reviewerId, outcome),
  decisionId: decision.decisionId,
  eventId: decision.eventId,
  actorId: decision.actorId,
  outcome,
  reviewerId,
  reason,
  reviewedAt,
})

async function sendVerdict(connection: Connection, verdict: ReviewVerdict): Promise<void> {
  const publisher = new FeedPublisher(connection)
  await publisher.connect()
  try {
    const value = await publisher.encode(TOPICS.verdicts, 'ReviewVerdict', verdict)
    await publisher.send(TOPICS.verdicts, [{ key: verdict.actorId, value }])
  } finally {
    await publisher.close()
  }
}

/** The event as it was fed, where feed.events still has it. For the inspector's eyes. */
export async function readFed(
  connection: Connection,
  { feedPartition, feedOffset }: EnforcementDecision,
): Promise<FeedEvent | undefined> {
  const reader = new PartitionReader(connection.kafka)
  const decoder = new RecordDecoder('FeedEvent', connection.registry)
  try {
    for await (const messages of reader.read(TOPICS.feedEvents, feedPartition, feedOffset, feedOffset + 1)) {
      for (const message of messages) {
        if (Number(message.offset) !== feedOffset || message.value === null) continue
        await decoder.prepare([message])
        const event = decoder.decode(message.value)
        return event instanceof DecodeFailure ? undefined : event
      }
    }
    return undefined
  } finally {
    await reader.close()
  }
}

/** The item as a page of lines. */
export function reviewLines({ decision, reason, since }: ReviewItem, event: FeedEvent | undefined): string[] {
  const row = (name: string, value: string) => `${name.padEnd(12)} ${value}`
  const lines = [
    row('decision', decision.decisionId),
    row('why', [reason, ...decision.review.filter((code) => code.startsWith('breaker/'))].join(', ')),
    row('since', new Date(since).toISOString()),
    row('what', `${decision.kind} in ${decision.section}, ${new Date(decision.occurredAt).toISOString()}`),
    row(
      'verdict',
      decision.heldVerdict ? `${decision.verdict} (would be ${decision.heldVerdict})` : decision.verdict,
    ),
    row('account', decision.accountAction),
    row('category', `${decision.category} ${decision.risk.toFixed(2)}`),
    row('rests on', decision.ruleIds.join(', ') || 'nothing'),
  ]
  if (decision.statement) lines.push(row('reasons', decision.statement.decisionFactsZh))
  lines.push(row('text', event ? event.text || '(none)' : '(feed.events has it no more)'))
  if (event && event.media.length > 0)
    lines.push(row('media', event.media.map(({ type, mediaId }) => `${type} ${mediaId}`).join(', ')))
  return lines
}

const reasonCode = (text: string): string => {
  if (!/^[a-z][a-z_]{0,39}$/.test(text))
    throw new InvalidArgumentError(
      'is a code of small letters and underscores, such as no_violation: never a text',
    )
  return text
}

export function addReviewCommands(program: Command): void {
  const print = (line: string) => void process.stdout.write(`${line}\n`)
  const review = program.command('review').description('human inspection of decisions')
  review
    .command('next')
    .description('the next item that waits for a human; it is yours for a quarter of an hour')
    .requiredOption('--reviewer <name>', 'who inspects', process.env.WARDLINE_REVIEWER)
    .option('--json', 'as JSON')
    .action(async ({ reviewer, json }: { reviewer: string; json?: boolean }) => {
      const connection = connect()
      const item = await nextItem(connection, reviewer)
      if (!item) return print(json ? 'null' : 'nothing waits')
      const event = await readFed(connection, item.decision)
      if (json) return print(JSON.stringify({ ...item, event: event ?? null }))
      for (const line of reviewLines(item, event)) print(line)
      print('')
      print(`bin/wardline review uphold ${item.decision.decisionId} --reviewer ${reviewer}`)
      print(`bin/wardline review overturn ${item.decision.decisionId} --reviewer ${reviewer}`)
    })
  for (const [name, outcome, description] of [
    ['uphold', 'UPHELD', 'the decision is right; what was held is acted upon'],
    [
      'overturn',
      'OVERTURNED',
      'the decision is wrong; it is taken back with its strikes and what they led to',
    ],
  ] as const) {
    review
      .command(name)
      .description(description)
      .argument('<decision>', 'decision id')
      .requiredOption('--reviewer <name>', 'who inspected', process.env.WARDLINE_REVIEWER)
      .option('--reason <code>', 'short code, such as no_violation', reasonCode)
      .action(async (decisionId: string, { reviewer, reason }: { reviewer: string; reason?: string }) => {
        const given = await giveVerdict(connect(), decisionId, outcome, {
          reviewerId: reviewer,
          reason: reason ?? null,
        })
        print(`${given.verdict.verdictId}  ${outcome}`)
        if (given.answer)
          print(
            `${given.answer.decisionId}  ${given.answer.type} ${given.answer.verdict}, account: ${given.answer.accountAction}${given.answer.liftedAction === 'NONE' ? '' : `, lifted: ${given.answer.liftedAction}`}`,
          )
        else if (outcome === 'OVERTURNED')
          print('enforce has not answered yet: `wardline tail decisions` shows the reversal when it comes')
      })
  }
}
