/** What one detector says about one conversation. */
export interface Outcome {
  readonly harmful: boolean
  /** How many messages of the other side, and how many of those that tell, until it was found; null: it was not. */
  readonly found: { readonly messages: number; readonly telling: number } | null
}

export interface Measures {
  readonly conversations: number
  readonly harmful: number
  readonly precision: number
  readonly recall: number
  readonly f1: number
  readonly f05: number
  /** Median over those found; null where none was. */
  readonly messages: number | null
  readonly telling: number | null
}

export function measure(outcomes: readonly Outcome[]): Measures {
  let hits = 0
  let alarms = 0
  let harmful = 0
  const messages: number[] = []
  const telling: number[] = []
  for (const { harmful: is, found } of outcomes) {
    if (is) harmful++
    if (!found) continue
    if (!is) {
      alarms++
      continue
    }
    hits++
    messages.push(found.messages)
    telling.push(found.telling)
  }
  const precision = hits + alarms === 0 ? 0 : hits / (hits + alarms)
  const recall = harmful === 0 ? 0 : hits / harmful
  return {
    conversations: outcomes.length,
    harmful,
    precision,
    recall,
    f1: fMeasure(precision, recall, 1),
    f05: fMeasure(precision, recall, 0.5),
    messages: median(messages),
    telling: median(telling),
  }
}

function fMeasure(precision: number, recall: number, beta: number): number {
  const square = beta * beta
  return precision + recall === 0 ? 0 : ((1 + square) * precision * recall) / (square * precision + recall)
}

function median(values: number[]): number | null {
  if (values.length === 0) return null
  values.sort((a, b) => a - b)
  return values[values.length >> 1]!
}

/** The threshold with the best F1, for conversations of which each has its highest score. */
export function bestThreshold(scored: readonly { harmful: boolean; score: number }[]): number {
  const sorted = scored.toSorted((a, b) => b.score - a.score)
  const harmful = sorted.filter((each) => each.harmful).length
  let hits = 0
  let best = 0
  let threshold = Number.POSITIVE_INFINITY
  for (let i = 0; i < sorted.length; i++) {
    if (sorted[i]!.harmful) hits++
    if (i + 1 < sorted.length && sorted[i + 1]!.score === sorted[i]!.score) continue
    const f1 = (2 * hits) / (i + 1 + harmful)
    if (f1 <= best) continue
    best = f1
    const next = sorted[i + 1]?.score ?? sorted[i]!.score - 1e-9
    threshold = (sorted[i]!.score + next) / 2
  }
  return threshold
}
