import type { SQLInputValue } from 'node:sqlite'
import { Campaign, type CampaignDecision, type CampaignReport } from '@wardline/campaign'
import type { Category, EnforcementDecision, ReviewVerdict, UserReport } from '@wardline/events'
import type { Assessment } from './records.ts'
import { type DecisionStore, verdictOfRow } from './store.ts'

export interface DecisionFilter {
  readonly verdict?: string
  readonly category?: string
  readonly actor?: string
  readonly type?: string
  readonly rule?: string
  /** Without those with which nothing was found or done. */
  readonly notable?: boolean
}

export interface DecisionPage {
  readonly decisions: readonly StoredDecision[]
  /** Continues with what is older; null: there is nothing. */
  readonly older: number | null
}

export type StoredDecision = EnforcementDecision & { readonly seq: number }

/** Decisions, newest first, `size` of those before `before`. */
export function decisionPage(
  store: DecisionStore,
  filter: DecisionFilter,
  size: number,
  before = Number.MAX_SAFE_INTEGER,
): DecisionPage {
  const where = [filter.rule === undefined ? 'd.seq < ?' : 'h.seq < ?']
  const values: SQLInputValue[] = [before]
  const equal = (column: string, value: string | undefined) => {
    if (value === undefined) return
    where.push(`d.${column} = ?`)
    values.push(value)
  }
  equal('verdict', filter.verdict)
  equal('category', filter.category)
  equal('actor_id', filter.actor)
  equal('type', filter.type)
  if (filter.type !== undefined && filter.type !== 'DECISION') where.push("d.type <> 'DECISION'")
  if (filter.notable) where.push('d.plain = 0')
  // By the hits of the rule in their order: the page is full after as many rows as it has.
  const from =
    filter.rule === undefined ? 'decisions d' : 'rule_hits h CROSS JOIN decisions d ON d.seq = h.seq'
  if (filter.rule !== undefined) {
    where.push('h.rule_id = ?')
    values.push(filter.rule)
  }
  const order = filter.rule === undefined ? 'd.seq' : 'h.seq'
  const rows = store.all(
    `SELECT d.seq, d.record FROM ${from} WHERE ${where.join(' AND ')} ORDER BY ${order} DESC LIMIT ?`,
    ...values,
    size + 1,
  )
  const decisions = rows.slice(0, size).map(decisionOfRow)
  return { decisions, older: rows.length > size ? decisions.at(-1)!.seq : null }
}

const decisionOfRow = (row: Record<string, unknown>): StoredDecision => ({
  ...(JSON.parse(row.record as string) as EnforcementDecision),
  seq: row.seq as number,
})

/** Everything that is known of the event of a decision. */
export interface DecisionHistory {
  readonly decision: StoredDecision
  /** All decisions on the event, in order; the last one stands. */
  readonly all: readonly StoredDecision[]
  readonly verdicts: readonly ReviewVerdict[]
  readonly reports: readonly UserReport[]
  readonly assessment: Assessment | undefined
}

export function decisionHistory(store: DecisionStore, decisionId: string): DecisionHistory | undefined {
  const row = store.get('SELECT seq, record FROM decisions WHERE decision_id = ?', decisionId)
  if (!row) return undefined
  const decision = decisionOfRow(row)
  const { eventId } = decision
  const assessed = store.get('SELECT record FROM assessments WHERE event_id = ?', eventId)
  return {
    decision,
    all: store
      .all('SELECT seq, record FROM decisions WHERE event_id = ? ORDER BY seq', eventId)
      .map(decisionOfRow),
    verdicts: store.all('SELECT * FROM verdicts WHERE event_id = ? ORDER BY seq', eventId).map(verdictOfRow),
    reports: store
      .all('SELECT * FROM reports WHERE event_id = ? ORDER BY reported_at', eventId)
      .map(reportOfRow),
    assessment: assessed && (JSON.parse(assessed.record as string) as Assessment),
  }
}

export const reportOfRow = (row: Record<string, unknown>): UserReport => ({
  reportId: row.report_id as string,
  reporterId: row.reporter_id as string,
  reportedId: row.reported_id as string,
  eventId: row.event_id as string | null,
  category: row.category as Category,
  reportedAt: row.reported_at as number,
})

/** What the store holds, for the foot of pages. */
export function storeCounts(store: DecisionStore): { decisions: number; waiting: number; skipped: number } {
  const one = (sql: string) => store.get(sql)?.n as number
  return {
    // Counting 50,000 rows takes a millisecond over the smallest index.
    decisions: one('SELECT count(*) AS n FROM decisions'),
    waiting: one('SELECT count(*) AS n FROM waiting'),
    skipped: one('SELECT coalesce(sum(skipped), 0) AS n FROM positions'),
  }
}

/** How a rule's hits stand: live, shadow, and what humans said. */
export interface RuleCounts {
  readonly rule: string
  readonly live: number
  readonly adverse: number
  readonly shadow: number
  readonly overturned: number
}

export function ruleCounts(store: DecisionStore): RuleCounts[] {
  const overturned = new Map(
    store
      .all(
        `SELECT h.rule_id, count(DISTINCT d.event_id) AS n FROM verdicts v JOIN decisions d ON d.event_id = v.event_id
         JOIN rule_hits h ON h.seq = d.seq AND h.shadow = 0 AND h.adverse = 1
         WHERE v.outcome = 'OVERTURNED' GROUP BY h.rule_id`,
      )
      .map((row) => [row.rule_id as string, row.n as number]),
  )
  return store
    .all(
      `SELECT rule_id, sum(shadow = 0) AS live, sum(shadow = 0 AND adverse = 1) AS adverse, sum(shadow) AS shadow
       FROM rule_hits GROUP BY rule_id ORDER BY rule_id`,
    )
    .map((row) => ({
      rule: row.rule_id as string,
      live: row.live as number,
      adverse: row.adverse as number,
      shadow: row.shadow as number,
      overturned: overturned.get(row.rule_id as string) ?? 0,
    }))
}

/** The regulator's table over what the store holds. */
export function campaignFromStore(store: DecisionStore, from: number, to: number): CampaignReport {
  const campaign = new Campaign(from, to)
  const rows = store.all(
    `SELECT event_id, type, actor_id, feed_appended_at, decided_at, adverse, brief FROM decisions
     WHERE brief IS NOT NULL AND feed_appended_at >= ? AND feed_appended_at < ? ORDER BY seq`,
    from,
    to,
  )
  for (const row of rows) {
    const brief = JSON.parse(row.brief as string) as Pick<
      CampaignDecision,
      'accountAction' | 'items' | 'ruleIds'
    >
    campaign.takeDecision({
      ...brief,
      eventId: row.event_id as string,
      type: row.type as CampaignDecision['type'],
      actorId: row.actor_id as string,
      feedAppendedAt: row.feed_appended_at as number,
      decidedAt: row.decided_at as number,
      statement: row.adverse === 1 ? {} : null,
    })
  }
  for (const row of store.all(
    "SELECT * FROM verdicts WHERE outcome <> 'CLAIMED' AND reviewed_at >= ? ORDER BY seq",
    from,
  ))
    campaign.takeVerdict(verdictOfRow(row))
  return campaign.report()
}
