import { randomBytes } from 'node:crypto'
import cookie from '@fastify/cookie'
import csrf from '@fastify/csrf-protection'
import formbody from '@fastify/formbody'
import helmet from '@fastify/helmet'
import rateLimit from '@fastify/rate-limit'
import fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import { Sessions, type User, userOfProxy, userOfToken } from './access.ts'
import { readAssets } from './assets.ts'
import { type ConsoleContext, LANGUAGE_COOKIE, languageFor, Pages, Refused } from './context.ts'
import { html } from './html.ts'
import { barePage } from './pages/layout.ts'
import { loginContent } from './pages/login.ts'
import { letterRoutes } from './routes-letters.ts'
import { lookRoutes } from './routes-look.ts'
import { policyRoutes } from './routes-policy.ts'
import { reviewRoutes } from './routes-review.ts'
import { LANGUAGES, type TextKey, translator } from './texts.ts'

const SESSION_COOKIE = 'wardline_session'
const REQUESTS_A_MINUTE = 600
/** A token is too long to be guessed at any rate; this keeps guessing from costing anything. */
const LOGINS_A_MINUTE = 60
const MOST_BODY_BYTES = 16_384
const YEAR_S = 31_536_000

/** Without a session: what a browser needs to get one, and the probes. */
const OPEN = /^\/(login|livez|readyz|assets\/[^/]+)$/

/** The console's server, ready to listen. */
export async function createServer(context: ConsoleContext): Promise<FastifyInstance> {
  const { settings, health, clock } = context
  const app = fastify({ bodyLimit: MOST_BODY_BYTES, trustProxy: settings.https, forceCloseConnections: true })
  const sessions = new Sessions(clock)
  const pages = new Pages(context)
  const assets = readAssets()
  const strict = { path: '/', httpOnly: true, sameSite: 'strict', secure: settings.https } as const

  await app.register(cookie)
  await app.register(formbody)
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'"],
        connectSrc: ["'self'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
        baseUri: ["'none'"],
      },
    },
    strictTransportSecurity: settings.https ? { maxAge: YEAR_S } : false,
    referrerPolicy: { policy: 'same-origin' },
    crossOriginEmbedderPolicy: false,
  })

  app.decorateRequest('user', null)
  app.addHook('onRequest', async (request, reply) => {
    request.user = userOf(request)
    // Whatever is shown to one person is no page for a cache.
    reply.header('cache-control', 'no-store')
  })
  await app.register(rateLimit, {
    max: REQUESTS_A_MINUTE,
    timeWindow: '1 minute',
    keyGenerator: (request) => request.user?.name ?? request.ip,
  })
  await app.register(csrf, {
    sessionPlugin: '@fastify/cookie',
    cookieKey: 'wardline_csrf',
    cookieOpts: strict,
    csrfOpts: { hmacKey: randomBytes(32).toString('hex'), userInfo: true },
    getUserInfo: (request) => request.user?.name ?? 'nobody',
    getToken: (request) => {
      const token = (request.body as Record<string, unknown> | null)?._csrf
      return typeof token === 'string' ? token : undefined
    },
  })

  function userOf(request: FastifyRequest): User | null {
    if (settings.proxy) {
      const user = userOfProxy(settings.proxy, request.headers)
      if (user) return user
    }
    const id = request.cookies[SESSION_COOKIE]
    return (id === undefined ? undefined : sessions.userOf(id)) ?? null
  }

  app.addHook('preHandler', (request, reply, done) => {
    const { method } = request
    const path = request.url.split('?', 1)[0]!
    if (!request.user && !OPEN.test(path)) {
      if (method === 'GET' && settings.tokens.length > 0 && request.headers.accept?.includes('text/html'))
        return void reply.redirect('/login', 303)
      return done(new Refused(401, 'not signed in'))
    }
    if (method === 'GET' || method === 'HEAD') return done()
    // Browsers say where a request comes from; a form of another site is refused before its token is looked at.
    const site = request.headers['sec-fetch-site']
    if (site !== undefined && site !== 'same-origin' && site !== 'none')
      return done(new Refused(403, 'of another site'))
    app.csrfProtection(request, reply, done)
  })

  app.setErrorHandler((error: Error & { statusCode?: number; code?: string }, request, reply) => {
    const status = error.statusCode ?? 500
    if (status >= 500)
      context.connection.logger.error(
        { method: request.method, route: request.routeOptions.url, error: error.message },
        'request failed',
      )
    const key: TextKey = error.code?.startsWith('FST_CSRF')
      ? 'error.expired'
      : status === 429
        ? 'error.tooMany'
        : status === 404
          ? 'error.notFound'
          : status === 401 || status === 403
            ? 'error.forbidden'
            : error.message === 'report.wrong'
              ? 'report.wrong'
              : 'error.unknown'
    const t = translator(languageFor(request))
    const content = html`<h1>${t('error.title')}</h1><p>${t(key)}</p><p><a href="/">${t('nav.live')}</a></p>`
    return reply
      .code(status)
      .type('text/html; charset=utf-8')
      .send(barePage(t.language, t('error.title'), content))
  })
  app.setNotFoundHandler(() => {
    throw new Refused(404, 'no such page')
  })

  app.get('/livez', (_, reply) => reply.type('text/plain').send('alive\n'))
  app.get('/readyz', (_, reply) => {
    const { ready, reason } = health()
    return reply
      .code(ready ? 200 : 503)
      .type('text/plain')
      .send(`${reason}\n`)
  })

  app.get<{ Params: { name: string } }>('/assets/:name', (request, reply) => {
    const asset = assets.get(request.params.name)
    if (!asset) throw new Refused(404, 'no such asset')
    reply.header('etag', asset.etag).header('cache-control', 'no-cache')
    if (request.headers['if-none-match'] === asset.etag) return reply.code(304).send()
    return reply.type(asset.type).send(asset.body)
  })

  app.get('/login', (request, reply) => {
    const t = translator(languageFor(request))
    const content = loginContent(t, reply.generateCsrf({ userInfo: request.user?.name ?? 'nobody' }), false)
    return reply
      .type('text/html; charset=utf-8')
      .send(barePage(t.language, t('login.title'), content, ['login.js']))
  })

  app.post(
    '/login',
    {
      config: {
        rateLimit: {
          max: LOGINS_A_MINUTE,
          timeWindow: '1 minute',
          keyGenerator: (request) => `login ${request.ip}`,
        },
      },
    },
    (request, reply) => {
      const token = (request.body as Record<string, unknown> | null)?.token
      const user = typeof token === 'string' ? userOfToken(settings.tokens, token.trim()) : undefined
      if (!user) {
        const t = translator(languageFor(request))
        const content = loginContent(
          t,
          reply.generateCsrf({ userInfo: request.user?.name ?? 'nobody' }),
          true,
        )
        return reply
          .code(401)
          .type('text/html; charset=utf-8')
          .send(barePage(t.language, t('login.title'), content, ['login.js']))
      }
      context.audit.record(user.name, 'login', 'token')
      return reply.setCookie(SESSION_COOKIE, sessions.begin(user), strict).redirect('/', 303)
    },
  )

  app.post('/logout', (request, reply) => {
    const id = request.cookies[SESSION_COOKIE]
    if (id !== undefined) sessions.end(id)
    return reply.clearCookie(SESSION_COOKIE, strict).redirect('/login', 303)
  })

  app.post('/language', (request, reply) => {
    const body = request.body as Record<string, unknown> | null
    const to = LANGUAGES.find((each) => each === body?.to) ?? 'en'
    // Only a path of this server.
    const back = typeof body?.back === 'string' && /^\/(?![/\\])/.test(body.back) ? body.back : '/'
    return reply
      .setCookie(LANGUAGE_COOKIE, to, { ...strict, sameSite: 'lax', maxAge: YEAR_S })
      .redirect(back, 303)
  })

  lookRoutes(app, context, pages)
  reviewRoutes(app, context, pages)
  policyRoutes(app, context, pages)
  letterRoutes(app, context, pages)
  return app
}
