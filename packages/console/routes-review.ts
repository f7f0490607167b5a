import { decisionHistory, decisionPage, fromStore, StoreBehind } from '@wardline/decision-store'
import {
  claimItem,
  giveVerdict,
  nextItem,
  type ReviewReason,
  refusalOf,
  releaseItem,
  VerdictRefused,
} from '@wardline/review'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { User } from './access.ts'
import { allowed, type ConsoleContext, languageFor, type Pages, queueOf, Refused, textOf } from './context.ts'
import { itemPage, OVERTURN_REASONS, queuePage } from './pages/review.ts'
import { translator } from './texts.ts'

/** How long the page after a verdict waits for what enforce makes of it; later it shows on the decision. */
const ANSWER_WITHIN_MS = 3_000
const EARLIER = 8

type ItemParams = { Params: { id: string } }

/** The review queue. Everything is written to review.verdicts, and known here when it comes back from there. */
export function reviewRoutes(app: FastifyInstance, context: ConsoleContext, pages: Pages): void {
  const { store, connection, audit, clock } = context
  const inspection = { source: fromStore(store), clock }
  const turns = new Turns()

  app.get('/review', (request, reply) => {
    const view = pages.view(request, reply)
    const content = queuePage(view, queueOf(context).open(view.now), ({ eventId }) =>
      store.standingOn(eventId),
    )
    return pages.send(reply, view, view.t('review.title'), content, ['keys.js'])
  })

  app.get<ItemParams>('/review/:id', (request, reply) => {
    const view = pages.view(request, reply)
    const queue = queueOf(context)
    const standing = queue.standingOf(request.params.id)
    const history = standing && decisionHistory(store, standing.decisionId)
    if (!history) throw new Refused(404, 'no such decision')
    const { decision } = history
    const entry = queue.open(view.now).find(({ eventId }) => eventId === decision.eventId)
    const findings = queue.findingsOf(decision.eventId)
    const claim = store.get(
      'SELECT by_reviewer, until FROM claims WHERE event_id = ? AND until > ?',
      decision.eventId,
      view.now,
    )
    const final = refusalOf(decision, findings, 'OVERTURNED') !== undefined
    const content = itemPage(view, {
      history,
      reason: (entry?.reason as ReviewReason | undefined) ?? null,
      since: entry?.since ?? decision.decidedAt,
      claim: claim ? { by: claim.by_reviewer as string, until: claim.until as number } : null,
      settled: final ? 'review.final' : null,
      earlier: decisionPage(store, { actor: decision.actorId, notable: true }, EARLIER + 1)
        .decisions.filter(({ eventId }) => eventId !== decision.eventId)
        .slice(0, EARLIER),
    })
    return pages.send(reply, view, view.t('review.title'), content, ['keys.js', 'text.js'])
  })

  /** Takes the next item and goes to it. */
  const goToNext = async (reply: FastifyReply, user: User, notice: string | null) => {
    const item = await turns.take('next', () => nextItem(connection, user.name, inspection))
    return pages.goTo(
      reply,
      user,
      item ? `/review/${encodeURIComponent(item.decision.decisionId)}` : '/review',
      notice,
    )
  }

  app.post('/review/next', async (request, reply) => goToNext(reply, allowed(request, 'review'), null))

  app.post<ItemParams>('/review/:id/claim', async (request, reply) => {
    const user = allowed(request, 'review')
    const { id } = request.params
    const refused = await refusal(turns.take('next', () => claimItem(connection, id, user.name, inspection)))
    return pages.goTo(reply, user, `/review/${encodeURIComponent(id)}`, refused)
  })

  app.post<ItemParams>('/review/:id/skip', async (request, reply) => {
    const user = allowed(request, 'review')
    const { id } = request.params
    const now = clock()
    const open = queueOf(context).open(now)
    const at = open.findIndex(({ decisionId }) => decisionId === id)
    // The one after it in the queue, and from the beginning again: never the same one, and nobody else's.
    const after = [...open.slice(at + 1), ...open.slice(0, Math.max(0, at))].find(
      ({ claimedBy }) => claimedBy === null || claimedBy === user.name,
    )
    await turns.take('next', async () => {
      await releaseItem(connection, id, user.name, inspection)
      if (after) await refusal(claimItem(connection, after.decisionId, user.name, inspection))
    })
    return pages.goTo(reply, user, after ? `/review/${encodeURIComponent(after.decisionId)}` : '/review')
  })

  app.post<ItemParams>('/review/:id/verdict', async (request, reply) => {
    const user = allowed(request, 'review')
    const t = translator(languageFor(request))
    const { id } = request.params
    const outcome = textOf(request.body, 'outcome')
    if (outcome !== 'UPHELD' && outcome !== 'OVERTURNED') throw new Refused(400, 'no outcome is named')
    const reason = outcome === 'OVERTURNED' ? (textOf(request.body, 'reason') ?? null) : null
    if (reason !== null && !OVERTURN_REASONS.some((each) => each === reason))
      throw new Refused(400, 'no such reason')
    const standing = queueOf(context).standingOf(id)
    if (!standing) throw new Refused(404, 'no such decision')
    let notice = ''
    const refused = await refusal(
      // One at a time on an event: what a second one sees has what the first one wrote.
      turns.take(standing.eventId, async () => {
        if (queueOf(context).claimOf(standing.eventId, clock()) !== user.name)
          throw new VerdictRefused(
            t('review.notYours', queueOf(context).claimOf(standing.eventId, clock()) ?? '–'),
          )
        audit.record(user.name, 'verdict', `${standing.decisionId} ${outcome}`)
        const { answer } = await giveVerdict(connection, id, outcome, {
          ...inspection,
          reviewerId: user.name,
          reason,
          withinMs: ANSWER_WITHIN_MS,
        })
        const lifted =
          answer && answer.liftedAction !== 'NONE'
            ? t('history.lifted', t.of('action', answer.liftedAction))
            : ''
        notice = answer
          ? [t.of('type', answer.type), t.of('verdict', answer.verdict), lifted]
              .filter((each) => each !== '')
              .join(' · ')
          : outcome === 'OVERTURNED'
            ? t('review.done.pending')
            : t('review.done', standing.decisionId.slice(0, 12))
      }),
    )
    return refused === null
      ? goToNext(reply, user, notice)
      : pages.goTo(reply, user, `/review/${encodeURIComponent(id)}`, refused)
  })
}

/** What was refused, as a text; null where it was not. */
async function refusal(work: Promise<unknown>): Promise<string | null> {
  try {
    await work
    return null
  } catch (error) {
    if (error instanceof VerdictRefused || error instanceof StoreBehind) return error.message
    throw error
  }
}

/** One after the other, by key. Several consoles, and the command line, are kept apart by the log of review.verdicts. */
class Turns {
  readonly #last = new Map<string, Promise<unknown>>()

  async take<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key)
    const mine = (async () => {
      await before?.catch(() => {})
      return work()
    })()
    this.#last.set(key, mine)
    try {
      return await mine
    } finally {
      if (this.#last.get(key) === mine) this.#last.delete(key)
    }
  }
}
