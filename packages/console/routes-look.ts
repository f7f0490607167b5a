import { campaignCsv, campaignPage } from '@wardline/campaign'
import {
  accountOf,
  campaignFromStore,
  type DecisionFilter,
  decisionHistory,
  decisionPage,
} from '@wardline/decision-store'
import { readFed } from '@wardline/review'
import type { FastifyInstance } from 'fastify'
import {
  allowed,
  type ConsoleContext,
  languageFor,
  numberOf,
  type Pages,
  Refused,
  textOf,
} from './context.ts'
import { html } from './html.ts'
import { LiveStream } from './live-stream.ts'
import { accountPage } from './pages/account.ts'
import { auditPage } from './pages/audit.ts'
import { decisionPageContent, decisionsPage, revealedText } from './pages/decisions.ts'
import { liveFigures, livePage } from './pages/live.ts'
import { decisionRow } from './pages/parts.ts'
import { reportPage } from './pages/report.ts'
import { translator } from './texts.ts'

const PAGE_SIZE = 50
const AUDIT_SIZE = 100
const DAY_MS = 86_400_000

/** Pages that show and change nothing. Looks at texts are recorded. */
export function lookRoutes(app: FastifyInstance, context: ConsoleContext, pages: Pages): void {
  const { store, live, audit, policy, clock, settings } = context
  const counts = () => ({
    waiting: store.get('SELECT count(*) AS n FROM waiting')!.n as number,
    openLetters: store.get('SELECT count(*) AS n FROM dead_letters WHERE replayed = 0')!.n as number,
  })
  const stream = new LiveStream({
    rows: (language, decisions) => {
      const view = { t: translator(language), timeZone: settings.timeZone, now: clock() }
      return html`${decisions.map((each) => decisionRow(view, each))}`
    },
    figures: (language) => liveFigures({ t: translator(language) }, live.figures(), counts()),
  })
  const stopHearing = store.onDecisions((decisions) => {
    live.count(decisions)
    stream.push(decisions)
  })
  app.addHook('preClose', async () => {
    stopHearing()
    stream.close()
  })

  app.get('/', (request, reply) => {
    const view = pages.view(request, reply)
    const { decisions } = decisionPage(store, { notable: true }, 20)
    return pages.send(
      reply,
      view,
      view.t('live.title'),
      livePage(view, live.figures(), counts(), decisions),
      ['live.js'],
    )
  })

  app.get('/live/stream', (request, reply) => {
    const user = allowed(request, 'look')
    const { raw } = reply
    // Before the head is sent: an answer that is refused is a plain one.
    if (!stream.add({ response: raw, language: languageFor(request), user: user.name }))
      throw new Refused(409, 'too many live pages are open')
    reply.hijack()
    raw.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    })
    raw.write('retry: 1000\n\n')
  })

  app.get('/decisions', (request, reply) => {
    const view = pages.view(request, reply)
    const filter: DecisionFilter = {
      ...given('verdict', textOf(request.query, 'verdict')),
      ...given('category', textOf(request.query, 'category')),
      ...given('actor', textOf(request.query, 'actor')),
      ...given('type', textOf(request.query, 'type')),
      ...given('rule', textOf(request.query, 'rule')),
      ...(textOf(request.query, 'notable') === '1' ? { notable: true } : {}),
    }
    const found = decisionPage(store, filter, PAGE_SIZE, numberOf(request.query, 'before'))
    return pages.send(reply, view, view.t('decisions.title'), decisionsPage(view, filter, found))
  })

  app.get<{ Params: { id: string } }>('/decisions/:id', (request, reply) => {
    const view = pages.view(request, reply)
    const history = decisionHistory(store, request.params.id)
    if (!history) throw new Refused(404, 'no such decision')
    return pages.send(reply, view, view.t('decision.title'), decisionPageContent(view, history), ['text.js'])
  })

  app.post<{ Params: { id: string } }>(
    '/decisions/:id/text',
    { config: { rateLimit: { max: 120, timeWindow: '1 minute' } } },
    async (request, reply) => {
      const user = allowed(request, 'readText')
      const view = pages.view(request, reply)
      const history = decisionHistory(store, request.params.id)
      if (!history) throw new Refused(404, 'no such decision')
      // On record before it is read: a look that cannot be recorded does not happen.
      audit.record(user.name, 'read_text', history.decision.decisionId)
      const event = await readFed(context.connection, history.decision)
      const content = revealedText(view.t, event, history.assessment)
      reply.header('cache-control', 'no-store')
      if (request.headers['x-wardline-part'] === '1')
        return reply.type('text/html; charset=utf-8').send(content.text)
      return pages.send(
        reply,
        view,
        view.t('decision.text'),
        html`<h1>${view.t('decision.text')}</h1><section class="card">${content}</section><p><a href="/decisions/${request.params.id}">${view.t('back')}</a></p>`,
      )
    },
  )

  app.get('/accounts', (request, reply) => {
    const id = textOf(request.query, 'id')
    if (id === undefined) throw new Refused(404, 'no account is named')
    return reply.redirect(`/accounts/${encodeURIComponent(id)}`, 303)
  })

  app.get<{ Params: { id: string } }>('/accounts/:id', (request, reply) => {
    const view = pages.view(request, reply)
    const account = accountOf(store, request.params.id, {
      now: view.now,
      areaOf: (category) => policy.areaOf(category),
      before: numberOf(request.query, 'before'),
    })
    if (!account) {
      reply.code(404)
      return pages.send(
        reply,
        view,
        view.t('account.title'),
        html`<h1>${view.t('account.title')} <code>${request.params.id}</code></h1><p class="empty">${view.t('account.none')}</p>`,
      )
    }
    return pages.send(reply, view, view.t('account.title'), accountPage(view, account))
  })

  /** Days of the report in UTC; the last thirty where none are given. */
  const reportDays = (query: unknown, now: number) => {
    const day = (ms: number) => new Date(ms).toISOString().slice(0, 10)
    const from = textOf(query, 'from') ?? day(now - 29 * DAY_MS)
    const to = textOf(query, 'to') ?? day(now + DAY_MS)
    const [start, end] = [Date.parse(from), Date.parse(to)]
    if (!/^\d{4}-\d\d-\d\d$/.test(from) || !/^\d{4}-\d\d-\d\d$/.test(to) || !(start < end))
      throw new Refused(400, 'report.wrong')
    return { from, to, report: () => campaignFromStore(store, start, end) }
  }

  app.get('/report', (request, reply) => {
    const view = pages.view(request, reply)
    const { from, to, report } = reportDays(request.query, view.now)
    return pages.send(reply, view, view.t('report.title'), reportPage(view, report(), { from, to }))
  })

  app.get('/report/campaign.csv', (request, reply) => {
    allowed(request, 'look')
    const { report } = reportDays(request.query, clock())
    // The mark tells spreadsheets that the file is UTF-8.
    return reply
      .type('text/csv; charset=utf-8')
      .header('content-disposition', 'attachment; filename="campaign.csv"')
      .send(`\ufeff${campaignCsv(report())}`)
  })

  app.get('/report/campaign.html', (request, reply) => {
    allowed(request, 'look')
    const { report } = reportDays(request.query, clock())
    // A page to keep, with its styles inside: it may have them, and nothing else.
    return reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'")
      .header('content-disposition', 'attachment; filename="campaign.html"')
      .send(campaignPage(report(), clock()))
  })

  app.get('/audit', (request, reply) => {
    allowed(request, 'readAudit')
    const view = pages.view(request, reply)
    const entries = audit.entries(AUDIT_SIZE + 1, numberOf(request.query, 'before'))
    const shown = entries.slice(0, AUDIT_SIZE)
    const older = entries.length > AUDIT_SIZE ? shown.at(-1)!.id : null
    return pages.send(reply, view, view.t('audit.title'), auditPage(view, shown, older))
  })
}

const given = <Name extends string>(name: Name, value: string | undefined): Partial<Record<Name, string>> =>
  value === undefined ? {} : ({ [name]: value } as Partial<Record<Name, string>>)
