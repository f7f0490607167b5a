import type { ServerResponse } from 'node:http'
import { isPlain } from '@wardline/decision-store'
import type { EnforcementDecision } from '@wardline/events'
import type { Html } from './html.ts'
import type { Language } from './texts.ts'

const FLUSH_MS = 200
const FIGURES_MS = 1_000
/** Decisions sent at once: more than this a fifth of a second nobody reads. */
const MOST_ROWS = 30
const MOST_CLIENTS = 200
const MOST_CLIENTS_OF_ONE = 6
/** Bytes that may wait for a slow browser before it is let go; it connects again by itself. */
const MOST_WAITING = 1_048_576

interface Client {
  readonly response: ServerResponse
  readonly language: Language
  readonly user: string
}

/** Sends rows and figures to the open live pages, rendered once a language. */
export class LiveStream {
  readonly #clients = new Set<Client>()
  readonly #renderRows: (language: Language, decisions: readonly EnforcementDecision[]) => Html
  readonly #renderFigures: (language: Language) => Html
  #pending: EnforcementDecision[] = []
  readonly #timers: NodeJS.Timeout[]

  constructor(render: {
    rows(language: Language, decisions: readonly EnforcementDecision[]): Html
    figures(language: Language): Html
  }) {
    this.#renderRows = render.rows
    this.#renderFigures = render.figures
    this.#timers = [
      setInterval(() => this.#flush(), FLUSH_MS),
      setInterval(() => this.#sendFigures(), FIGURES_MS),
    ]
  }

  get clients(): number {
    return this.#clients.size
  }

  /** False where there are too many open already. */
  add(client: Client): boolean {
    const own = [...this.#clients].filter(({ user }) => user === client.user).length
    if (this.#clients.size >= MOST_CLIENTS || own >= MOST_CLIENTS_OF_ONE) return false
    this.#clients.add(client)
    client.response.on('close', () => this.#clients.delete(client))
    return true
  }

  push(decisions: readonly EnforcementDecision[]): void {
    if (this.#clients.size === 0) return
    for (const decision of decisions) if (!isPlain(decision)) this.#pending.push(decision)
    if (this.#pending.length > MOST_ROWS) this.#pending.splice(0, this.#pending.length - MOST_ROWS)
  }

  close(): void {
    for (const timer of this.#timers) clearInterval(timer)
    for (const { response } of this.#clients) response.end()
    this.#clients.clear()
  }

  #flush(): void {
    if (this.#pending.length === 0) return
    const decisions = this.#pending.reverse()
    this.#pending = []
    this.#send('decisions', (language) => this.#renderRows(language, decisions))
  }

  #sendFigures(): void {
    if (this.#clients.size > 0) this.#send('figures', this.#renderFigures)
  }

  #send(event: string, render: (language: Language) => Html): void {
    const messages = new Map<Language, string>()
    for (const client of this.#clients) {
      let message = messages.get(client.language)
      if (message === undefined) {
        const data = render(client.language).text.replaceAll('\n', '\ndata: ')
        messages.set(client.language, (message = `event: ${event}\ndata: ${data}\n\n`))
      }
      if (client.response.writableLength > MOST_WAITING) client.response.destroy()
      else client.response.write(message)
    }
  }
}
