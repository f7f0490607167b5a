import type { EnforcementDecision } from '@wardline/events'
import { LabelNames } from '@wardline/stream'
import { Gauge, type Registry } from 'prom-client'

/** How long after the last decision that it held a breaker is shown as open, ms. */
export const SHOWN_OPEN_MS = 5 * 60_000

interface Log {
  warn(fields: object, message: string): void
  info(fields: object, message: string): void
}

/**
 * `wardline_circuit_breaker_open{scope,name}`: 1 while a breaker of this process has held a decision within the last five
 * minutes, with a line in the log when that begins and ends. It follows from committed decisions alone. `scope` is
 * `verdict`, `action` or `rule`.
 */
export function createBreakerAlert(
  registry: Registry,
  log: Log,
  clock: () => number,
): (decision: EnforcementDecision) => void {
  /** By scope/name as the labels have them, ms. */
  const lastHeld = new Map<string, number>()
  const names = new LabelNames()
  const labelsOf = (breaker: string) => {
    const slash = breaker.indexOf('/')
    return { scope: breaker.slice(0, slash), name: breaker.slice(slash + 1) }
  }
  const gauge = new Gauge({
    name: 'wardline_circuit_breaker_open',
    help: 'Circuit breakers that held a decision within the last five minutes.',
    labelNames: ['scope', 'name'],
    registers: [registry],
    collect() {
      settle(clock())
    },
  })
  const settle = (now: number) => {
    for (const [breaker, at] of lastHeld) {
      if (now - at < SHOWN_OPEN_MS) continue
      lastHeld.delete(breaker)
      gauge.set(labelsOf(breaker), 0)
      log.info(labelsOf(breaker), 'circuit breaker has held nothing for five minutes')
    }
  }
  return ({ review }) => {
    for (const code of review) {
      if (!code.startsWith('breaker/')) continue
      const [, scope = ''] = code.split('/', 2)
      const breaker = `${scope}/${names.of(code.slice('breaker/'.length + scope.length + 1))}`
      const now = clock()
      settle(now)
      if (!lastHeld.has(breaker)) {
        gauge.set(labelsOf(breaker), 1)
        log.warn(labelsOf(breaker), 'circuit breaker is open: decisions are held for review')
      }
      lastHeld.set(breaker, now)
    }
  }
}
