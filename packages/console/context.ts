import { type DecisionStore, StoredQueue } from '@wardline/decision-store'
import type { Connection } from '@wardline/records'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { may, type Permission, type User } from './access.ts'
import type { AuditLog } from './audit-log.ts'
import type { Html } from './html.ts'
import type { Live } from './live.ts'
import { page } from './pages/layout.ts'
import type { View } from './pages/view.ts'
import type { PolicyInForce } from './policy-in-force.ts'
import type { ConsoleSettings } from './settings.ts'
import { LANGUAGES, type Language, languageOf, translator } from './texts.ts'

/** What the routes work with. */
export interface ConsoleContext {
  readonly settings: ConsoleSettings
  readonly connection: Connection
  /** With which dead letters are replayed; null where this console may not. */
  readonly replayConnection: Connection | null
  readonly store: DecisionStore
  readonly audit: AuditLog
  readonly live: Live
  readonly policy: PolicyInForce
  readonly health: () => { readonly ready: boolean; readonly reason: string }
  readonly clock: () => number
}

/** What is refused to a user, with what page. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly statusCode: number
  constructor(statusCode: 400 | 401 | 403 | 404 | 409, message: string) {
    super(message)
    this.statusCode = statusCode
  }
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; null where nobody is signed in. */
    user: User | null
  }
}

export const LANGUAGE_COOKIE = 'wardline_language'

export function languageFor(request: FastifyRequest): Language {
  const chosen = request.cookies[LANGUAGE_COOKIE]
  return LANGUAGES.find((each) => each === chosen) ?? languageOf(request.headers['accept-language'])
}

/** The user, with the right to do this. Throws Refused. */
export function allowed(request: FastifyRequest, permission: Permission): User {
  if (!request.user) throw new Refused(401, 'not signed in')
  if (!may(request.user, permission)) throw new Refused(403, permission)
  return request.user
}

const NOTICE_MS = 60_000
const MOST_NOTICES = 1_000

/** Lines on what was just done, for the page that follows a form. Texts do not travel in addresses. */
export class Notices {
  readonly #notices = new Map<
    string,
    { readonly user: string; readonly text: string; readonly until: number }
  >()
  #last = 0

  /** Returns the address that shows it. */
  put(user: User, text: string, path: string, now: number): string {
    const id = (++this.#last).toString(36)
    this.#notices.set(id, { user: user.name, text, until: now + NOTICE_MS })
    if (this.#notices.size > MOST_NOTICES) this.#notices.delete(this.#notices.keys().next().value!)
    return `${path}${path.includes('?') ? '&' : '?'}notice=${id}`
  }

  get(user: User, id: unknown, now: number): string | null {
    const notice = typeof id === 'string' ? this.#notices.get(id) : undefined
    return notice && notice.user === user.name && now < notice.until ? notice.text : null
  }
}

/** Makes pages for requests. */
export class Pages {
  readonly notices = new Notices()
  readonly #context: ConsoleContext

  constructor(context: ConsoleContext) {
    this.#context = context
  }

  view(request: FastifyRequest, reply: FastifyReply): View {
    const { store, settings, health, clock } = this.#context
    const user = allowed(request, 'look')
    const now = clock()
    return {
      t: translator(languageFor(request)),
      user,
      csrf: reply.generateCsrf({ userInfo: user.name }),
      path: withoutNotice(request.url),
      now,
      timeZone: settings.timeZone,
      health: health(),
      waiting: store.get('SELECT count(*) AS n FROM waiting')!.n as number,
      notice: this.notices.get(user, (request.query as Record<string, unknown>).notice, now),
    }
  }

  send(
    reply: FastifyReply,
    view: View,
    title: string,
    content: Html,
    scripts: readonly string[] = [],
  ): FastifyReply {
    return reply.type('text/html; charset=utf-8').send(page(view, title, content, scripts))
  }

  /** Goes to a page that says what was done. */
  goTo(reply: FastifyReply, user: User, path: string, notice: string | null = null): FastifyReply {
    const target = notice === null ? path : this.notices.put(user, notice, path, this.#context.clock())
    return reply.redirect(target, 303)
  }
}

const withoutNotice = (url: string): string => url.replace(/([?&])notice=[^&]*&?/, '$1').replace(/[?&]$/, '')

export const queueOf = ({ store }: ConsoleContext): StoredQueue => new StoredQueue(store)

/** A short text of a form or an address; undefined where there is none. */
export function textOf(from: unknown, name: string): string | undefined {
  const value = (from as Record<string, unknown> | null | undefined)?.[name]
  return typeof value === 'string' && value.trim() !== '' && value.length <= 256 ? value.trim() : undefined
}

/** A whole number from 0 of a form or an address. */
export function numberOf(from: unknown, name: string): number | undefined {
  const text = textOf(from, name)
  const value = Number(text)
  return text !== undefined && Number.isSafeInteger(value) && value >= 0 ? value : undefined
}
