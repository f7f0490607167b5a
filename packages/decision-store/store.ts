import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import type { AssessedEvent, EnforcementDecision, ReviewVerdict, UserReport } from '@wardline/events'
import { type Appeal, claimAfter, isAppeal, isInspectable, waitingFor } from '@wardline/review'
import type { Assessment, Taken, TakenBatch } from './records.ts'
import { STORE_VERSION, TABLES } from './schema.ts'

const DAY_MS = 86_400_000
/** Rows that one step of pruning deletes: some milliseconds, so that pages are answered between two. */
const PRUNE_ROWS = 2_000

/** How much the store keeps. Whatever is beyond goes, oldest first. */
export interface Retention {
  /** Decisions with which nothing was found or done. */
  readonly plainDecisions: number
  /** All others, and how long they are kept, ms by when they were decided. */
  readonly decisions: number
  readonly decisionsMs: number
  readonly assessments: number
  readonly contacts: number
  readonly reports: number
  readonly verdicts: number
  readonly deadLetters: number
  /** Records of policy.control of one key. */
  readonly controlRecords: number
}

export const RETENTION: Retention = {
  plainDecisions: 200_000,
  decisions: 500_000,
  decisionsMs: 30 * DAY_MS,
  assessments: 500_000,
  contacts: 500_000,
  reports: 200_000,
  verdicts: 200_000,
  deadLetters: 100_000,
  controlRecords: 50,
}

type Row = Record<string, unknown>

/**
 * What pages show, in SQLite: read from the topics, rebuilt from them where the file is gone, written by one process.
 * Records and positions are written in one transaction, so each record is in it exactly once.
 */
export class DecisionStore {
  readonly #db: DatabaseSync
  readonly #retention: Retention
  readonly #statements = new Map<string, StatementSync>()
  readonly #erased = new Map<string, number>()
  readonly #listeners = new Set<(decisions: readonly EnforcementDecision[]) => void>()
  readonly #waits = new Set<() => void>()

  private constructor(db: DatabaseSync, retention: Retention) {
    this.#db = db
    this.#retention = retention
    for (const { account_id, at } of this.all('SELECT account_id, at FROM erased'))
      this.#erased.set(account_id as string, at as number)
  }

  /**
   * Opens the store of a broker (`clusterId`) at `file`, `:memory:` for none. One that was made by another version or from
   * another broker is thrown away: the topics have everything.
   */
  static open(file: string, clusterId: string, retention: Retention = RETENTION): DecisionStore {
    if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true })
    const made = `${STORE_VERSION} ${clusterId}`
    let db = openDatabase(file)
    if (db === null || madeBy(db) !== made) {
      db?.close()
      removeStore(file)
      db = openDatabase(file)
      if (db === null) throw new Error(`${file} cannot be made a store`)
      db.exec(TABLES)
      db.prepare('INSERT INTO meta (name, value) VALUES (?, ?)').run('made', made)
    }
    return new DecisionStore(db, retention)
  }

  close(): void {
    this.#db.close()
  }

  /** Rows of a query; statements are prepared once. */
  all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#prepared(sql).all(...values) as Row[]
  }

  get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#prepared(sql).get(...values) as Row | undefined
  }

  /** Where to go on reading a partition; 0 at first. */
  position(topic: string, partition: number): number {
    const row = this.get('SELECT next FROM positions WHERE topic = ? AND partition = ?', topic, partition)
    return (row?.next as number | undefined) ?? 0
  }

  /** Hears the decisions of every batch, after it has been committed. Returns the way to stop hearing. */
  onDecisions(listener: (decisions: readonly EnforcementDecision[]) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Resolves once the record at this place has been taken; false where it has not been within `withinMs`. */
  async has(topic: string, partition: number, offset: number, withinMs: number): Promise<boolean> {
    const until = performance.now() + withinMs
    while (this.position(topic, partition) <= offset) {
      const left = until - performance.now()
      if (left <= 0) return false
      await new Promise<void>((resolve) => {
        const done = () => {
          clearTimeout(timer)
          this.#waits.delete(done)
          resolve()
        }
        const timer = setTimeout(done, left)
        this.#waits.add(done)
      })
    }
    return true
  }

  /** Takes what was read, and where reading goes on, in one transaction. */
  take(batch: TakenBatch): void {
    const decided: EnforcementDecision[] = []
    const touched = new Set<string>()
    this.#transaction(() => {
      for (const record of batch.records) this.#takeRecord(record, decided, touched)
      for (const eventId of touched) this.#settleWaiting(eventId)
      this.#run(
        `INSERT INTO positions (topic, partition, next, skipped) VALUES (?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET next = excluded.next, skipped = skipped + excluded.skipped`,
        batch.topic,
        batch.partition,
        batch.next,
        batch.skipped,
      )
    })
    for (const wake of [...this.#waits]) wake()
    if (decided.length > 0) for (const listener of this.#listeners) listener(decided)
  }

  #takeRecord(record: Taken, decided: EnforcementDecision[], touched: Set<string>): void {
    switch (record.kind) {
      case 'decision':
        if (this.#takeDecision(record.value, touched)) decided.push(record.value)
        return
      case 'assessment':
        return this.#takeAssessment(record.value)
      case 'verdict':
        return this.#takeVerdict(record.value, touched)
      case 'report':
        return this.#takeReport(record.value, touched)
      case 'erasure':
        return this.#erase(record.account, record.at)
      case 'control': {
        const { partition, offset, key, publishedAt, value, refusal } = record
        const kept = value && { ...value, payload: null }
        this.#run(
          'INSERT OR IGNORE INTO control VALUES (?, ?, ?, ?, ?, ?, ?)',
          partition,
          offset,
          key,
          publishedAt,
          kept && JSON.stringify(kept),
          value?.payload ?? null,
          refusal,
        )
        return
      }
      case 'deadLetter': {
        const { stage, partition, offset, reason, error, from, message } = record.value
        this.#run(
          'INSERT OR IGNORE INTO dead_letters VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)',
          stage,
          partition,
          offset,
          reason,
          error,
          error.replace(/\d+/g, '#'),
          from.topic,
          from.partition,
          from.offset,
          message.value?.length ?? 0,
          record.at,
        )
        return
      }
      case 'replayMark':
        this.#run(
          'UPDATE dead_letters SET replayed = 1 WHERE stage = ? AND partition = ? AND offset = ?',
          record.stage,
          record.partition,
          record.offset,
        )
    }
  }

  #takeDecision(decision: EnforcementDecision, touched: Set<string>): boolean {
    const { decisionId, eventId, type, actorId, protectedId, verdict, category, decidedAt, feedAppendedAt } =
      decision
    if (this.#isErased(actorId, decidedAt) || this.#isErased(protectedId, decidedAt)) return false
    const adverse = decision.statement === null ? 0 : 1
    const { changes, lastInsertRowid } = this.#run(
      `INSERT OR IGNORE INTO decisions (decision_id, event_id, type, actor_id, protected_id, section, verdict, category, decided_at,
         feed_appended_at, plain, adverse, brief, record) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      decisionId,
      eventId,
      type,
      actorId,
      protectedId,
      decision.section,
      verdict,
      category,
      decidedAt,
      feedAppendedAt,
      isPlain(decision) ? 1 : 0,
      adverse,
      briefOf(decision),
      JSON.stringify(decision),
    )
    if (Number(changes) === 0) return false
    for (const [shadow, rules] of [
      [0, decision.ruleIds],
      [1, decision.shadowRuleIds],
    ] as const) {
      for (const rule of rules)
        this.#run(
          'INSERT OR IGNORE INTO rule_hits VALUES (?, ?, ?, ?)',
          rule,
          lastInsertRowid,
          shadow,
          adverse,
        )
    }
    if (type !== 'DECISION' || isInspectable(decision)) touched.add(eventId)
    return true
  }

  #takeAssessment(event: AssessedEvent): void {
    const { eventId, occurredAt, actorId, protectedId } = event
    if (this.#isErased(actorId, occurredAt) || this.#isErased(protectedId, occurredAt)) return
    if (event.protectedIsMinor && protectedId !== actorId && !isKnownMinor(event.actorAgeBand)) {
      this.#run(
        `INSERT INTO contacts VALUES (?, ?, ?, 1, ?, ?, ?) ON CONFLICT DO UPDATE SET
           age_band = excluded.age_band, events = events + 1, flagged = flagged + excluded.flagged,
           last_at = max(last_at, excluded.last_at)`,
        actorId,
        protectedId,
        event.protectedAgeBand,
        event.riskCategory === 'benign' ? 0 : 1,
        occurredAt,
        occurredAt,
      )
    }
    if (event.ruleHits.length === 0 && event.findings.length === 0 && event.riskCategory === 'benign') return
    this.#run(
      'INSERT OR REPLACE INTO assessments VALUES (?, ?, ?)',
      eventId,
      occurredAt,
      JSON.stringify(assessmentOf(event)),
    )
  }

  #takeVerdict(verdict: ReviewVerdict, touched: Set<string>): void {
    const { verdictId, decisionId, eventId, actorId, outcome, reviewerId, reason, reviewedAt } = verdict
    if (this.#isErased(actorId, reviewedAt)) return
    this.#run(
      `INSERT INTO verdicts (verdict_id, decision_id, event_id, actor_id, outcome, reviewer_id, reason, reviewed_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      verdictId,
      decisionId,
      eventId,
      actorId,
      outcome,
      reviewerId,
      reason,
      reviewedAt,
    )
    if (outcome === 'CLAIMED') {
      const held = this.get('SELECT by_reviewer, until FROM claims WHERE event_id = ?', eventId)
      const claim = claimAfter(
        held && { by: held.by_reviewer as string, until: held.until as number },
        verdict,
      )
      this.#run('INSERT OR REPLACE INTO claims VALUES (?, ?, ?)', eventId, claim.by, claim.until)
    } else if (outcome === 'UPHELD' || outcome === 'OVERTURNED') {
      this.#run('DELETE FROM claims WHERE event_id = ?', eventId)
      touched.add(eventId)
    }
  }

  #takeReport(report: UserReport, touched: Set<string>): void {
    const { reportId, reporterId, reportedId, eventId, category, reportedAt } = report
    if (this.#isErased(reporterId, reportedAt) || this.#isErased(reportedId, reportedAt)) return
    this.#run(
      'INSERT OR IGNORE INTO reports VALUES (?, ?, ?, ?, ?, ?)',
      reportId,
      reporterId,
      reportedId,
      eventId,
      category,
      reportedAt,
    )
    if (!isAppeal(report)) return
    this.#run('INSERT OR REPLACE INTO appeals VALUES (?, ?, ?)', eventId!, reporterId, reportedAt)
    touched.add(eventId!)
  }

  /** Whether the event waits for a human now, by the rules of the review package. */
  #settleWaiting(eventId: string): void {
    const standing = this.standingOn(eventId)
    const waiting = standing && waitingFor(standing, this.#appealOn(eventId), this.findingsOn(eventId))
    if (standing && waiting) {
      const { decisionId, category, risk } = standing
      this.#run(
        'INSERT OR REPLACE INTO waiting VALUES (?, ?, ?, ?, ?, ?)',
        eventId,
        decisionId,
        category,
        risk,
        waiting.reason,
        waiting.since,
      )
    } else this.#run('DELETE FROM waiting WHERE event_id = ?', eventId)
  }

  /** The decision that stands on an event. */
  standingOn(eventId: string): EnforcementDecision | undefined {
    const row = this.get('SELECT record FROM decisions WHERE event_id = ? ORDER BY seq DESC LIMIT 1', eventId)
    return row && (JSON.parse(row.record as string) as EnforcementDecision)
  }

  /** What humans found of an event, in order. */
  findingsOn(eventId: string): ReviewVerdict[] {
    return this.all(
      "SELECT * FROM verdicts WHERE event_id = ? AND outcome IN ('UPHELD', 'OVERTURNED') ORDER BY seq",
      eventId,
    ).map(verdictOfRow)
  }

  #appealOn(eventId: string): Appeal | undefined {
    const row = this.get('SELECT by_account, at FROM appeals WHERE event_id = ?', eventId)
    return row && { by: row.by_account as string, at: row.at as number }
  }

  #isErased(account: string, at: number): boolean {
    const erasedAt = this.#erased.get(account)
    return erasedAt !== undefined && at <= erasedAt
  }

  /** Everything of an account goes, as far as it was there by `at`. */
  #erase(account: string, at: number): void {
    this.#erased.set(account, Math.max(at, this.#erased.get(account) ?? 0))
    this.#run('INSERT OR REPLACE INTO erased VALUES (?, ?)', account, this.#erased.get(account)!)
    const events =
      'SELECT event_id FROM decisions WHERE (actor_id = ?1 OR protected_id = ?1) AND decided_at <= ?2'
    for (const table of ['assessments', 'claims', 'appeals', 'waiting', 'verdicts'])
      this.#run(`DELETE FROM ${table} WHERE event_id IN (${events})`, account, at)
    this.#run(
      'DELETE FROM rule_hits WHERE seq IN (SELECT seq FROM decisions WHERE (actor_id = ?1 OR protected_id = ?1) AND decided_at <= ?2)',
      account,
      at,
    )
    this.#run(
      'DELETE FROM decisions WHERE (actor_id = ?1 OR protected_id = ?1) AND decided_at <= ?2',
      account,
      at,
    )
    this.#run(
      'DELETE FROM reports WHERE (reporter_id = ?1 OR reported_id = ?1) AND reported_at <= ?2',
      account,
      at,
    )
    this.#run('DELETE FROM contacts WHERE (actor_id = ?1 OR minor_id = ?1) AND first_at <= ?2', account, at)
  }

  /** Deletes a step of what is beyond the bounds. Returns whether there is more. */
  prune(now: number): boolean {
    const keep = this.#retention
    let more = false
    this.#transaction(() => {
      more = [
        this.#pruneDecisions('plain = 1', keep.plainDecisions),
        this.#pruneDecisions('plain = 0', keep.decisions),
        this.#pruneDecisions('plain = 0', 0, now - keep.decisionsMs),
        this.#pruneTable('assessments', 'event_id', 'at', keep.assessments, now - keep.decisionsMs),
        this.#pruneTable('reports', 'report_id', 'reported_at', keep.reports, now - keep.decisionsMs),
        this.#pruneTable('verdicts', 'seq', 'reviewed_at', keep.verdicts, now - 180 * DAY_MS),
        this.#pruneTable(
          'contacts',
          '(actor_id, minor_id)',
          'last_at',
          keep.contacts,
          now - keep.decisionsMs,
        ),
        this.#pruneTable(
          'dead_letters',
          '(stage, partition, offset)',
          'at',
          keep.deadLetters,
          now - keep.decisionsMs,
        ),
      ].some(Boolean)
      // Newest of each key first; what stands is never among those that go.
      this.#run(
        `DELETE FROM control WHERE (partition, offset) IN (SELECT partition, offset FROM (SELECT partition, offset,
           row_number() OVER (PARTITION BY key ORDER BY published_at DESC, partition DESC, offset DESC) AS place
           FROM control) WHERE place > ?)`,
        keep.controlRecords,
      )
      this.#run('DELETE FROM claims WHERE until < ?', now - DAY_MS)
      this.#run('DELETE FROM appeals WHERE at < ?', now - keep.decisionsMs)
    })
    return more
  }

  /** Of the decisions where `which` those beyond the newest `most`, or, with `before`, those decided earlier. */
  #pruneDecisions(which: string, most: number, before?: number): boolean {
    const boundary =
      before === undefined
        ? this.get(`SELECT seq FROM decisions WHERE ${which} ORDER BY seq DESC LIMIT 1 OFFSET ?`, most)?.seq
        : this.get(
            `SELECT max(seq) AS seq FROM (SELECT seq, decided_at FROM decisions WHERE ${which} ORDER BY seq
            LIMIT ${PRUNE_ROWS}) WHERE decided_at < ?`,
            before,
          )?.seq
    if (typeof boundary !== 'number') return false
    const doomed = `SELECT seq FROM decisions WHERE ${which} AND seq <= ${boundary} ORDER BY seq LIMIT ${PRUNE_ROWS}`
    this.#db.exec(`DELETE FROM waiting WHERE decision_id IN (SELECT decision_id FROM decisions WHERE seq IN (${doomed}));
      DELETE FROM rule_hits WHERE seq IN (${doomed})`)
    const { changes } = this.#db.prepare(`DELETE FROM decisions WHERE seq IN (${doomed})`).run()
    return Number(changes) === PRUNE_ROWS
  }

  #pruneTable(table: string, key: string, time: string, most: number, before: number): boolean {
    const beyond = this.get(
      `SELECT ${time} AS at FROM ${table} ORDER BY ${time} DESC LIMIT 1 OFFSET ?`,
      most,
    )?.at
    const bound = Math.max(before, typeof beyond === 'number' ? beyond + 1 : 0)
    const doomed = `SELECT ${key.replace(/[()]/g, '')} FROM ${table} WHERE ${time} < ? ORDER BY ${time} LIMIT ${PRUNE_ROWS}`
    const { changes } = this.#run(`DELETE FROM ${table} WHERE ${key} IN (${doomed})`, bound)
    return Number(changes) === PRUNE_ROWS
  }

  #prepared(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (!statement) this.#statements.set(sql, (statement = this.#db.prepare(sql)))
    return statement
  }

  #run(sql: string, ...values: SQLInputValue[]) {
    return this.#prepared(sql).run(...values)
  }

  #transaction(work: () => void): void {
    this.#db.exec('BEGIN IMMEDIATE')
    try {
      work()
      this.#db.exec('COMMIT')
    } catch (error) {
      this.#db.exec('ROLLBACK')
      throw error
    }
  }
}

/** Null where the file is no database. */
function openDatabase(file: string): DatabaseSync | null {
  const db = new DatabaseSync(file)
  try {
    // A crash of the machine may lose the newest transactions, never tear one: their positions are lost with them.
    db.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY',
    )
    return db
  } catch {
    db.close()
    return null
  }
}

function madeBy(db: DatabaseSync): string | undefined {
  try {
    return db.prepare("SELECT value FROM meta WHERE name = 'made'").get()?.value as string | undefined
  } catch {
    // A new file has no tables.
    return undefined
  }
}

/** Deletes the files of a store that nobody has open. */
export function removeStore(file: string): void {
  for (const suffix of ['', '-wal', '-shm']) if (existsSync(file + suffix)) rmSync(file + suffix)
}

/** Allowed, and nothing found, drawn or done. */
export const isPlain = (decision: EnforcementDecision): boolean =>
  decision.type === 'DECISION' &&
  decision.verdict === 'ALLOW' &&
  decision.accountAction === 'NONE' &&
  decision.statement === null &&
  decision.review.length === 0 &&
  decision.ruleIds.length === 0 &&
  decision.shadowRuleIds.length === 0 &&
  decision.items.length === 0

/** What the campaign report takes of it; null where that has no row for it. */
const briefOf = ({ type, statement, items, ruleIds, accountAction }: EnforcementDecision): string | null =>
  type === 'DECISION' && statement === null && items.length === 0
    ? null
    : JSON.stringify({ accountAction, items, ruleIds })

const isKnownMinor = (band: AssessedEvent['actorAgeBand']): boolean => band !== 'UNKNOWN' && band !== 'ADULT'

const assessmentOf = (event: AssessedEvent): Assessment => ({
  eventId: event.eventId,
  ruleHits: event.ruleHits,
  scores: event.scores,
  findings: event.findings,
  signals: event.signals,
  approachStages: event.approachStages,
  actorAgeBand: event.actorAgeBand,
  protectedAgeBand: event.protectedAgeBand,
  protectedIsMinor: event.protectedIsMinor,
  youthMode: event.youthMode,
  subjectId: event.subjectId,
  textLength: event.textLength,
  mediaTypes: event.mediaTypes,
  usageStatus: event.usageStatus,
})

export const verdictOfRow = (row: Row): ReviewVerdict => ({
  verdictId: row.verdict_id as string,
  decisionId: row.decision_id as string,
  eventId: row.event_id as string,
  actorId: row.actor_id as string,
  outcome: row.outcome as ReviewVerdict['outcome'],
  reviewerId: row.reviewer_id as string,
  reason: row.reason as string | null,
  reviewedAt: row.reviewed_at as number,
})
