import type { Span, TextForm } from '@wardline/events'
import { decodeMap, originalSpan } from '@wardline/text'
import type { Contribution } from './model.ts'

/** At most so many spans explain one finding. */
const MOST_SPANS = 3
/** Runs so few characters apart are one: separators in a word that was pulled apart weigh nothing. */
const LONGEST_GAP = 2

/**
 * The parts of the original text that contributions come from: each n-gram spreads its weight over its characters, and
 * the spans are the runs that gather most, in the order of the text.
 */
export function explainingSpans(
  text: string,
  forms: readonly TextForm[],
  contributions: readonly Contribution[],
): Span[] {
  const weights = new Float64Array(text.length)
  for (const kind of ['FOLDED', 'PHONETIC'] as const) {
    const form = forms.find((candidate) => candidate.form === kind)
    if (!form) continue
    const offsets = decodeMap(form)
    for (const { form: of, start, end, weight } of contributions) {
      if (of !== kind || end <= start) continue
      const [from, to] = originalSpan(offsets, start, end, text)
      for (let i = from; i < to; i++) weights[i]! += weight / (to - from)
    }
  }
  let highest = 0
  for (const weight of weights) if (weight > highest) highest = weight
  if (highest === 0) return []
  const runs: { start: number; end: number; weight: number }[] = []
  for (let i = 0; i < weights.length; ) {
    // Well above what any common word gathers.
    if (weights[i]! < highest / 2) {
      i++
      continue
    }
    const start = i
    let weight = 0
    while (i < weights.length && weights[i]! >= highest / 2) weight += weights[i++]!
    const last = runs.at(-1)
    if (last && start - last.end <= LONGEST_GAP) {
      last.end = i
      last.weight += weight
    } else runs.push({ start, end: i, weight })
  }
  return runs
    .sort((a, b) => b.weight - a.weight)
    .slice(0, MOST_SPANS)
    .sort((a, b) => a.start - b.start)
    .map(({ start, end }) => ({ start, end }))
}
