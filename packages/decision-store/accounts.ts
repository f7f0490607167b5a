import type { AgeBand, Category, UserReport } from '@wardline/events'
import { decisionPage, reportOfRow, type StoredDecision } from './decisions.ts'
import type { DecisionStore } from './store.ts'

/** A minor that an account wrote to or about. */
export interface Contact {
  readonly minorId: string
  readonly ageBand: AgeBand
  readonly events: number
  /** Of those, events in which something was found. */
  readonly flagged: number
  readonly firstAt: number
  readonly lastAt: number
}

export interface Account {
  readonly accountId: string
  /** Newest first. */
  readonly decisions: readonly StoredDecision[]
  readonly older: number | null
  readonly counts: { readonly decisions: number; readonly notable: number; readonly overturned: number }
  /** Strikes after the newest decision of each policy area that has any. */
  readonly strikes: readonly { readonly area: string; readonly strikes: number; readonly at: number }[]
  /** The newest account action, where it has not been lifted and has not run out. */
  readonly action: { readonly action: string; readonly since: number; readonly until: number | null } | null
  readonly minors: number
  readonly contacts: readonly Contact[]
  readonly reportsAgainst: readonly UserReport[]
  readonly reportersAgainst: number
  readonly reportsBy: readonly UserReport[]
}

const SHOWN = 50

/** What the store knows of an account; undefined where it knows nothing. */
export function accountOf(
  store: DecisionStore,
  accountId: string,
  options: {
    readonly now: number
    /** Name of the policy area that a category belongs to: strikes count within one only. */
    readonly areaOf: (category: Category) => string
    readonly before?: number | undefined
  },
): Account | undefined {
  const { now, areaOf, before } = options
  const { decisions, older } = decisionPage(store, { actor: accountId }, SHOWN, before)
  const counts = store.get(
    `SELECT count(*) AS decisions, coalesce(sum(plain = 0), 0) AS notable,
       coalesce(sum(type = 'REVERSAL'), 0) AS overturned FROM decisions WHERE actor_id = ?`,
    accountId,
  )!
  const minors = store.get('SELECT count(*) AS n FROM contacts WHERE actor_id = ?', accountId)!.n as number
  const reportsAgainst = reportsWhere(store, 'reported_id', accountId)
  const reportsBy = reportsWhere(store, 'reporter_id', accountId)
  if (counts.decisions === 0 && minors === 0 && reportsAgainst.length === 0 && reportsBy.length === 0)
    return undefined
  const struck = decisionPage(store, { actor: accountId, notable: true }, 500).decisions
  const strikes = new Map<string, { area: string; strikes: number; at: number }>()
  for (const { category, strikes: count, decidedAt, verdict, type } of struck) {
    const area = areaOf(category)
    // What is benign belongs to some area in name only, and says 0 there.
    if (category === 'benign' || (verdict === 'ALLOW' && type === 'DECISION') || strikes.has(area)) continue
    strikes.set(area, { area, strikes: count, at: decidedAt })
  }
  return {
    accountId,
    decisions,
    older,
    counts: {
      decisions: counts.decisions as number,
      notable: counts.notable as number,
      overturned: counts.overturned as number,
    },
    strikes: [...strikes.values()].filter(({ strikes }) => strikes > 0),
    action: actionOf(struck, now),
    minors,
    contacts: store
      .all(
        'SELECT * FROM contacts WHERE actor_id = ? ORDER BY flagged DESC, last_at DESC LIMIT ?',
        accountId,
        SHOWN,
      )
      .map((row) => ({
        minorId: row.minor_id as string,
        ageBand: row.age_band as AgeBand,
        events: row.events as number,
        flagged: row.flagged as number,
        firstAt: row.first_at as number,
        lastAt: row.last_at as number,
      })),
    reportsAgainst,
    reportersAgainst: store.get(
      'SELECT count(DISTINCT reporter_id) AS n FROM reports WHERE reported_id = ? AND reporter_id <> ?',
      accountId,
      accountId,
    )!.n as number,
    reportsBy,
  }
}

const reportsWhere = (store: DecisionStore, column: 'reported_id' | 'reporter_id', accountId: string) =>
  store
    .all(`SELECT * FROM reports WHERE ${column} = ? ORDER BY reported_at DESC LIMIT ?`, accountId, SHOWN)
    .map(reportOfRow)

/** `decisions` newest first. A reversal that lifts an action says what stays, so it speaks for what is in force as well. */
function actionOf(decisions: readonly StoredDecision[], now: number): Account['action'] {
  for (const { type, accountAction, liftedAction, decidedAt, actionSeconds } of decisions) {
    if (accountAction === 'NONE' && !(type === 'REVERSAL' && liftedAction !== 'NONE')) continue
    if (accountAction === 'NONE') return null
    const until = actionSeconds === null ? null : decidedAt + actionSeconds * 1_000
    return until !== null && until <= now ? null : { action: accountAction, since: decidedAt, until }
  }
  return null
}
