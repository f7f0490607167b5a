import { decodeLetter, readDeadLetter, replayDeadLetters } from '@wardline/dead-letters'
import { letterAt, letterGroups, lettersOf } from '@wardline/decision-store'
import { STAGE_NAMES, type StageName } from '@wardline/stream'
import type { FastifyInstance } from 'fastify'
import { allowed, type ConsoleContext, languageFor, type Pages, Refused, textOf } from './context.ts'
import { html } from './html.ts'
import { letterContent, letterGroupPage, letterPage, lettersPage } from './pages/dead-letters.ts'
import { translator } from './texts.ts'

const SHOWN = 200
const MARKED_WITHIN_MS = 5_000

type PlaceParams = { Params: { stage: string; partition: string; offset: string } }

/** Dead letters: what there is, what is in one, and the way back. */
export function letterRoutes(app: FastifyInstance, context: ConsoleContext, pages: Pages): void {
  const { store, connection, replayConnection, audit } = context
  const access = { canReplay: replayConnection !== null }

  app.get('/dead-letters', (request, reply) => {
    const view = pages.view(request, reply)
    return pages.send(reply, view, view.t('letters.title'), lettersPage(view, letterGroups(store)))
  })

  app.get<{ Params: { stage: string; reason: string } }>('/dead-letters/:stage/:reason', (request, reply) => {
    const view = pages.view(request, reply)
    const { stage, reason } = request.params
    const letters = lettersOf(store, stage, reason, SHOWN)
    if (letters.length === 0) throw new Refused(404, 'no such dead letters')
    return pages.send(
      reply,
      view,
      view.t('letters.title'),
      letterGroupPage(view, stage, reason, letters, access),
    )
  })

  app.get<PlaceParams>('/dead-letters/:stage/:partition/:offset', (request, reply) => {
    const view = pages.view(request, reply)
    const { stage, partition, offset } = placeOf(request.params)
    const letter = letterAt(store, stage, partition, offset)
    if (!letter) throw new Refused(404, 'no such dead letter')
    return pages.send(reply, view, view.t('letters.one'), letterPage(view, letter, access), ['text.js'])
  })

  app.post<PlaceParams>(
    '/dead-letters/:stage/:partition/:offset/content',
    { config: { rateLimit: { max: 120, timeWindow: '1 minute' } } },
    async (request, reply) => {
      const user = allowed(request, 'openDeadLetters')
      const view = pages.view(request, reply)
      const { stage, partition, offset } = placeOf(request.params)
      audit.record(user.name, 'open_dead_letter', `${stage}/${partition}/${offset}`)
      const letter = await readDeadLetter(connection, stage, partition, offset)
      const content = letterContent(view, letter, letter && (await decodeLetter(connection, letter)))
      reply.header('cache-control', 'no-store')
      if (request.headers['x-wardline-part'] === '1')
        return reply.type('text/html; charset=utf-8').send(content.text)
      return pages.send(
        reply,
        view,
        view.t('letters.one'),
        html`<h1>${view.t('letters.one')}</h1><section class="card">${content}</section>`,
      )
    },
  )

  app.post('/dead-letters/replay', async (request, reply) => {
    const user = allowed(request, 'replay')
    const t = translator(languageFor(request))
    if (!replayConnection) throw new Refused(403, 'this console has no login that may replay')
    const stage = stageOf(textOf(request.body, 'stage'))
    const [reason, place] = [textOf(request.body, 'reason'), textOf(request.body, 'place')]
    if ((reason === undefined) === (place === undefined)) throw new Refused(400, 'one reason, or one place')
    audit.record(user.name, 'replay_dead_letters', `${stage} ${place ?? reason}`)
    const replayed = await replayDeadLetters(replayConnection, {
      stages: [stage],
      ...(reason === undefined ? {} : { reason }),
      ...(place === undefined ? {} : { place }),
    })
    const until = performance.now() + MARKED_WITHIN_MS
    const isMarked = () =>
      replayed.every((each) => letterAt(store, each.stage, each.partition, each.offset)?.replayed !== false)
    while (!isMarked() && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 50))
    return pages.goTo(reply, user, '/dead-letters', t('letters.replay.done', replayed.length))
  })
}

function stageOf(name: string | undefined): StageName {
  const stage = STAGE_NAMES.find((each) => each === name)
  if (!stage) throw new Refused(404, 'no such stage')
  return stage
}

function placeOf({ stage, partition, offset }: PlaceParams['Params']) {
  const [p, o] = [Number(partition), Number(offset)]
  if (!Number.isSafeInteger(p) || !Number.isSafeInteger(o) || p < 0 || o < 0)
    throw new Refused(404, 'no such place')
  return { stage: stageOf(stage), partition: p, offset: o }
}
