import type { DecisionStore } from './store.ts'

/** Dead letters with one stage, reason and kind of error. */
export interface LetterGroup {
  readonly stage: string
  readonly reason: string
  /** Without its figures. */
  readonly error: string
  readonly fromTopic: string
  readonly letters: number
  readonly replayed: number
  readonly firstAt: number
  readonly lastAt: number
}

export interface StoredLetter {
  readonly stage: string
  readonly partition: number
  readonly offset: number
  readonly reason: string
  readonly error: string
  readonly from: { readonly topic: string; readonly partition: number; readonly offset: number }
  readonly bytes: number
  readonly at: number
  readonly replayed: boolean
}

/** Largest first, those first that were not replayed. */
export function letterGroups(store: DecisionStore): LetterGroup[] {
  return store
    .all(
      `SELECT stage, reason, shape, from_topic, count(*) AS letters, sum(replayed) AS replayed, min(at) AS first_at,
         max(at) AS last_at FROM dead_letters GROUP BY stage, reason, shape, from_topic
       ORDER BY count(*) - sum(replayed) DESC, last_at DESC LIMIT 200`,
    )
    .map((row) => ({
      stage: row.stage as string,
      reason: row.reason as string,
      error: row.shape as string,
      fromTopic: row.from_topic as string,
      letters: row.letters as number,
      replayed: row.replayed as number,
      firstAt: row.first_at as number,
      lastAt: row.last_at as number,
    }))
}

/** Letters of a stage and reason, newest first. */
export function lettersOf(store: DecisionStore, stage: string, reason: string, most: number): StoredLetter[] {
  return store
    .all(
      'SELECT * FROM dead_letters WHERE stage = ? AND reason = ? ORDER BY at DESC LIMIT ?',
      stage,
      reason,
      most,
    )
    .map(letterOfRow)
}

export function letterAt(
  store: DecisionStore,
  stage: string,
  partition: number,
  offset: number,
): StoredLetter | undefined {
  const row = store.get(
    'SELECT * FROM dead_letters WHERE stage = ? AND partition = ? AND offset = ?',
    stage,
    partition,
    offset,
  )
  return row && letterOfRow(row)
}

const letterOfRow = (row: Record<string, unknown>): StoredLetter => ({
  stage: row.stage as string,
  partition: row.partition as number,
  offset: row.offset as number,
  reason: row.reason as string,
  error: row.error as string,
  from: {
    topic: row.from_topic as string,
    partition: row.from_partition as number,
    offset: row.from_offset as number,
  },
  bytes: row.bytes as number,
  at: row.at as number,
  replayed: row.replayed === 1,
})
