import type { EnforcementDecision } from '@wardline/events'
import type { Connection } from '@wardline/records'
import { DecisionWatch } from './decision-watch.ts'

const COLUMNS = [
  ['time', 12],
  ['type', 9],
  ['verdict', 23],
  ['action', 15],
  ['category', 20],
  ['risk', 5],
  ['ms', 6],
  ['rules', 0],
] as const

/** Header of the table. */
export const tailHeader = () => COLUMNS.map(([name, width]) => name.padEnd(width)).join(' ')

/** A decision as a row of the table; `ms` is from the append of the event to the decision. Shows no account and no content: the event id finds both. */
export function tailRow(decision: EnforcementDecision): string {
  const cells = [
    new Date(decision.decidedAt).toISOString().slice(11, 23),
    decision.type,
    decision.verdict,
    decision.accountAction,
    decision.category,
    decision.risk.toFixed(2),
    String(decision.decidedAt - decision.feedAppendedAt),
    decision.ruleIds.join(',') || decision.eventId,
  ]
  return COLUMNS.map(([, width], i) => cells[i]!.padEnd(width))
    .join(' ')
    .trimEnd()
}

/** Prints decisions as they come until `signal` or `limit`: a table in a terminal, JSON lines in a pipe. */
export async function tailDecisions(
  connection: Connection,
  options: {
    fromBeginning: boolean
    limit: number
    terminal: boolean
    signal: AbortSignal
    print: (line: string) => void
  },
): Promise<void> {
  let printed = 0
  const done = new AbortController()
  if (options.terminal) options.print(tailHeader())
  const watch = new DecisionWatch(connection, (decision) => {
    if (printed >= options.limit) return
    options.print(options.terminal ? tailRow(decision) : JSON.stringify(decision))
    if (++printed >= options.limit) done.abort()
  })
  await watch.start({ fromBeginning: options.fromBeginning })
  await new Promise<void>((resolve) => {
    for (const signal of [options.signal, done.signal]) {
      if (signal.aborted) resolve()
      signal.addEventListener('abort', () => resolve(), { once: true })
    }
  })
  await watch.stop()
}
