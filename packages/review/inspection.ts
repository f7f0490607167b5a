import { setTimeout as delay } from 'node:timers/promises'
import {
  DecodeFailure,
  type EnforcementDecision,
  type FeedEvent,
  RecordDecoder,
  type ReviewVerdict,
} from '@wardline/events'
import { type Connection, FeedPublisher, readAt, readRecords } from '@wardline/records'
import { PartitionReader, TOPICS } from '@wardline/stream'
import { CLAIM_MS, type QueueView, type ReviewItem, ReviewQueue, refusalOf, verdictIdOf } from './queue.ts'

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

/** Where a verdict lies in review.verdicts. */
export interface VerdictPlace {
  readonly partition: number
  readonly offset: number
}

/** The queue with everything up to a verdict that has just been written, where one is named. */
export type QueueSource = (after?: VerdictPlace) => Promise<QueueView>

/** Reads the topics anew each time: what somebody without a store of their own does. */
export const fromTopics =
  (connection: Connection): QueueSource =>
  () =>
    readQueue(connection)

export interface InspectionOptions {
  /** Absent: from the topics. */
  readonly source?: QueueSource
  readonly clock?: () => number
}

/**
 * The next item for this inspector, claimed for a quarter of an hour; what the inspector has in hand already comes first.
 * Undefined: nothing waits that nobody else has in hand.
 */
export async function nextItem(
  connection: Connection,
  reviewerId: string,
  { source = fromTopics(connection), clock = Date.now }: InspectionOptions = {},
): Promise<ReviewItem | undefined> {
  let after: VerdictPlace | undefined
  for (;;) {
    const item = (await source(after)).next(reviewerId, clock())
    if (!item || item.claimedBy === reviewerId) return item
    after = await sendVerdict(connection, verdictOn(item.decision, reviewerId, 'CLAIMED', null, clock()))
    // Another may have claimed it first: the log decides, and the loop looks again.
  }
}

/** Claims one item. Throws VerdictRefused where somebody else has it in hand, or there is no such decision. */
export async function claimItem(
  connection: Connection,
  decisionId: string,
  reviewerId: string,
  { source = fromTopics(connection), clock = Date.now }: InspectionOptions = {},
): Promise<void> {
  const standing = standingOrRefuse(await source(), decisionId)
  const place = await sendVerdict(connection, verdictOn(standing, reviewerId, 'CLAIMED', null, clock()))
  refuseWhereClaimed(await source(place), standing, reviewerId, clock())
}

/** Gives an item back before its claim ends: a claim of the same inspector that began a quarter of an hour ago ends it. */
export async function releaseItem(
  connection: Connection,
  decisionId: string,
  reviewerId: string,
  { source = fromTopics(connection), clock = Date.now }: InspectionOptions = {},
): Promise<void> {
  const view = await source()
  const standing = standingOrRefuse(view, decisionId)
  const now = clock()
  if (view.claimOf(standing.eventId, now) !== reviewerId) return
  await source(
    await sendVerdict(connection, verdictOn(standing, reviewerId, 'CLAIMED', null, now - CLAIM_MS)),
  )
}

export interface GivenVerdict {
  readonly verdict: ReviewVerdict
  /** What enforce made of it: a reversal, a follow-up; undefined where nothing follows or it did not come in time. */
  readonly answer: EnforcementDecision | undefined
}

/**
 * Gives a verdict on a decision and waits for what follows from it. Throws VerdictRefused where it would change nothing, and
 * where somebody else has the item in hand.
 */
export async function giveVerdict(
  connection: Connection,
  decisionId: string,
  outcome: 'UPHELD' | 'OVERTURNED',
  options: InspectionOptions & { reviewerId: string; reason: string | null; withinMs?: number },
): Promise<GivenVerdict> {
  const { reviewerId, reason, withinMs = 15_000, source = fromTopics(connection), clock = Date.now } = options
  const view = await source()
  const standing = standingOrRefuse(view, decisionId)
  refuseWhereClaimed(view, standing, reviewerId, clock())
  const refusal = refusalOf(standing, view.findingsOf(standing.eventId), outcome)
  if (refusal) throw new VerdictRefused(`${decisionId}: ${refusal}`)
  const verdict = verdictOn(standing, reviewerId, outcome, reason, clock())
  const place = await sendVerdict(connection, verdict)
  const follows = outcome === 'OVERTURNED' || standing.verdict === 'HOLD_FOR_REVIEW'
  const until = performance.now() + withinMs
  let after: VerdictPlace | undefined = place
  while (follows && performance.now() < until) {
    const now = (await source(after)).standingOf(decisionId)
    if (now?.causedBy === verdict.verdictId) return { verdict, answer: now }
    after = undefined
    await delay(200)
  }
  if (!follows) await source(place)
  return { verdict, answer: undefined }
}

function standingOrRefuse(view: QueueView, decisionId: string): EnforcementDecision {
  const standing = view.standingOf(decisionId)
  if (standing) return standing
  throw new VerdictRefused(
    `there is no adverse or drawn decision ${decisionId}: \`wardline review next\` shows ids`,
  )
}

function refuseWhereClaimed(
  view: QueueView,
  { decisionId, eventId }: EnforcementDecision,
  reviewerId: string,
  now: number,
): void {
  const owner = view.claimOf(eventId, now)
  if (owner !== null && owner !== reviewerId)
    throw new VerdictRefused(`${decisionId}: ${owner} has it in hand`)
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

async function sendVerdict(connection: Connection, verdict: ReviewVerdict): Promise<VerdictPlace> {
  const publisher = new FeedPublisher(connection)
  await publisher.connect()
  try {
    const value = await publisher.encode(TOPICS.verdicts, 'ReviewVerdict', verdict)
    const [written] = await publisher.send(TOPICS.verdicts, [{ key: verdict.actorId, value }])
    return { partition: written!.partition, offset: Number(written!.baseOffset ?? written!.offset) }
  } finally {
    await publisher.close()
  }
}

/** The event as it was fed, where feed.events still has it. For the inspector's eyes. */
export async function readFed(
  connection: Connection,
  { feedPartition, feedOffset }: Pick<EnforcementDecision, 'feedPartition' | 'feedOffset'>,
): Promise<FeedEvent | undefined> {
  const message = await readAt(connection, TOPICS.feedEvents, feedPartition, feedOffset)
  if (!message?.value) return undefined
  const decoder = new RecordDecoder('FeedEvent', connection.registry)
  await decoder.prepare([message])
  const event = decoder.decode(message.value)
  return event instanceof DecodeFailure ? undefined : event
}
