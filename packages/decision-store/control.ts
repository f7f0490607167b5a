import { type PublishedRecord, SECTION_KEY } from '@wardline/control'
import type { PolicyControl } from '@wardline/events'
import { ruleSetOf } from '@wardline/policy'
import type { DecisionStore } from './store.ts'

const controlOfRow = (row: Record<string, unknown>): PolicyControl | null => {
  if (row.record === null) return null
  const payload = row.payload as Uint8Array | null
  return {
    ...(JSON.parse(row.record as string) as PolicyControl),
    payload: payload && Buffer.from(payload),
  }
}

/** Every record about rule sets that the store has seen, oldest first; compaction takes none of them. */
export function storedPublications(store: DecisionStore): PublishedRecord[] {
  return store
    .all('SELECT * FROM control ORDER BY published_at, partition, offset')
    .flatMap((row): PublishedRecord[] => {
      const name = ruleSetOf(row.key as string)
      if (name === null) return []
      return [
        {
          name,
          partition: row.partition as number,
          offset: row.offset as number,
          publishedAt: row.published_at as number,
          record: controlOfRow(row),
          refusal: row.refusal as string | null,
        },
      ]
    })
}

/** Orders on sections, the newest record of each section; newest first. */
export function storedOrders(store: DecisionStore): PolicyControl[] {
  const newest = new Map<string, PolicyControl | null>()
  for (const row of store.all('SELECT * FROM control ORDER BY published_at, partition, offset')) {
    const key = row.key as string
    if (key.startsWith(SECTION_KEY)) newest.set(key, controlOfRow(row))
  }
  return [...newest.values()].filter((order) => order !== null).sort((a, b) => b.issuedAt - a.issuedAt)
}

/** Decisions that each section's orders hold. */
export function heldBySection(store: DecisionStore): Map<string, number> {
  return new Map(
    store
      .all(
        "SELECT section, count(*) AS n FROM decisions WHERE verdict = 'HOLD_SECTION_SUSPENDED' GROUP BY section",
      )
      .map((row) => [row.section as string, row.n as number]),
  )
}
