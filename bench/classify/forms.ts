import { parseArgs } from 'node:util'
import { makeForms } from '@wardline/text'
import { alignWithBases, readSplit } from './base-texts.ts'

// How near the forms of a disguised text come to the forms of what it was before: shares of equal forms and the Dice
// share of character pairs in common.
const { values } = parseArgs({ options: { data: { type: 'string', default: '../shared/data' } } })
const bases = ['toxicn', 'state-toxicn'].flatMap((set) =>
  [...readSplit(values.data, set, 'train'), ...readSplit(values.data, set, 'dev')].map(({ text }) => text),
)
const disguised = [...readSplit(values.data, 'toxicloakcn', 'dev'), ...readSplit(values.data, 'cntp', 'dev')]
const pairs = alignWithBases(disguised, [...new Set(bases)])
const cold = alignWithBases(readSplit(values.data, 'cold-cloaked', 'dev'), [
  ...new Set(
    ['train', 'dev'].flatMap((s) => readSplit(values.data, 'coldataset', s as 'dev').map((r) => r.text)),
  ),
])

function dice(a: string[], b: string[]): number {
  const counts = new Map<string, number>()
  for (let i = 0; i + 1 < a.length; i++) {
    const gram = `${a[i]} ${a[i + 1]}`
    counts.set(gram, (counts.get(gram) ?? 0) + 1)
  }
  let both = 0
  for (let i = 0; i + 1 < b.length; i++) {
    const gram = `${b[i]} ${b[i + 1]}`
    const left = counts.get(gram) ?? 0
    if (left > 0) both++
    counts.set(gram, left - 1)
  }
  return (2 * both) / Math.max(1, a.length - 1 + b.length - 1)
}

const units = (text: string, kind: string) => {
  if (kind === 'ORIGINAL') return [...text]
  const form = makeForms(text).find((f) => f.form === kind)!.text
  if (kind === 'PHONETIC')
    return form
      .trim()
      .split(' ')
      .filter((s) => s !== '/')
  return [...form]
}
const rows = new Map<string, { n: number; equal: Record<string, number>; dice: Record<string, number> }>()
const KINDS = ['ORIGINAL', 'FOLDED', 'PHONETIC']
for (const { source, disguised, base } of [...pairs, ...cold]) {
  if (disguised === base) continue
  const row = rows.get(source) ?? { n: 0, equal: {}, dice: {} }
  rows.set(source, row)
  row.n++
  for (const kind of KINDS) {
    const [a, b] = [units(disguised, kind), units(base, kind)]
    row.equal[kind] = (row.equal[kind] ?? 0) + (a.join(' ') === b.join(' ') ? 1 : 0)
    row.dice[kind] = (row.dice[kind] ?? 0) + dice(a, b)
  }
}
console.log(
  `source`.padEnd(28),
  'n'.padStart(5),
  ...KINDS.map((k) => `eq ${k}`.padStart(14)),
  ...KINDS.map((k) => `dice ${k}`.padStart(14)),
)
for (const [source, { n, equal, dice }] of [...rows].sort())
  console.log(
    source.padEnd(28),
    String(n).padStart(5),
    ...KINDS.map((k) => (equal[k]! / n).toFixed(3).padStart(14)),
    ...KINDS.map((k) => (dice[k]! / n).toFixed(3).padStart(14)),
  )
