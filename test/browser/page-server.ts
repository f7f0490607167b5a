import { createServer, readConsoleSettings } from '@wardline/console'
import { AuditLog } from '@wardline/console/audit-log'
import { Live } from '@wardline/console/live'
import { PolicyInForce } from '@wardline/console/policy-in-force'
import type { DecisionStore } from '@wardline/decision-store'
import type { EnforcementDecision } from '@wardline/events'
import { createLogger } from '@wardline/stream'
import { type RunningConsole, TOKENS } from './running-console.ts'

export interface Answer {
  readonly status: number
  /** From the request to the whole page. */
  readonly ms: number
  readonly bytes: number
}

/** A console over a store of the test's own, in this process, and a reviewer who is signed in. */
export async function pageServer(
  running: RunningConsole,
  store: DecisionStore,
): Promise<{ get(url: string): Promise<Answer>; close(): Promise<void> }> {
  const { connection, stack } = running.chain
  const settings = readConsoleSettings({
    WARDLINE_BROKERS: stack.brokers.join(','),
    WARDLINE_REGISTRY_URL: stack.registryUrl,
    WARDLINE_CONSOLE_FOLDER: `${stack.logFolder}/../full`,
    WARDLINE_CONSOLE_TOKENS_FILE: `${stack.logFolder}/../console/tokens`,
  })
  const logger = createLogger({ service: 'full', level: 'silent' })
  const audit = new AuditLog(':memory:', logger)
  const server = await createServer({
    settings,
    connection,
    replayConnection: null,
    store,
    audit,
    live: new Live({ ...settings, logger, clock: Date.now }),
    policy: new PolicyInForce(store, settings),
    health: () => ({ ready: true, reason: '' }),
    clock: Date.now,
  })
  const form = await server.inject({ url: '/login' })
  const csrf = /name="_csrf" value="([^"]+)"/.exec(form.body)![1]!
  const login = await server.inject({
    method: 'POST',
    url: '/login',
    cookies: { wardline_csrf: form.cookies.find(({ name }) => name === 'wardline_csrf')!.value },
    payload: new URLSearchParams({ _csrf: csrf, token: TOKENS.li }).toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  })
  const cookies = Object.fromEntries(login.cookies.map(({ name, value }) => [name, value]))
  return {
    async get(url) {
      const started = performance.now()
      const { statusCode, rawPayload } = await server.inject({
        url,
        cookies,
        headers: { accept: 'text/html' },
      })
      return { status: statusCode, ms: performance.now() - started, bytes: rawPayload.length }
    },
    async close() {
      await server.close()
      audit.close()
    },
  }
}

/** Every page of a store that fullStore filled with these decisions, and filters that few rows pass. */
export function pagesOf(decisions: readonly EnforcementDecision[]): Readonly<Record<string, string>> {
  const one = decisions.find(({ statement, type }) => statement !== null && type === 'DECISION')!
  return {
    live: '/',
    decisions: '/decisions',
    'decisions of a rare kind': '/decisions?verdict=LIMIT_REACH&category=grooming&notable=1',
    'decisions that rest on a rule': `/decisions?rule=${one.ruleIds[0]}`,
    'decisions taken back': '/decisions?type=REVERSAL',
    'one decision': `/decisions/${one.decisionId}-0`,
    'review queue': '/review',
    'one item': `/review/${one.decisionId}-0`,
    account: `/accounts/${one.actorId}-0`,
    policy: '/policy',
    sections: '/sections',
    'dead letters': '/dead-letters',
    report: '/report',
  }
}
