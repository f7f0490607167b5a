import type { PolicyBundle } from './bundle.ts'
import type { LexiconTerm } from './load.ts'
import type { Rule } from './rules.ts'

/** One difference between two policies, a line for people. */
export interface PolicyChange {
  readonly kind: 'added' | 'removed' | 'changed'
  /** `rule gambling.terms`, `lexicon fraud`, `threshold self_harm`, `enforcement.yaml`. */
  readonly what: string
  /** What is other about it; empty for what is new or gone. */
  readonly details: readonly string[]
}

/** What `after` does otherwise than `before`: rules, modes, thresholds, terms, and the files beside them. */
export function policyChanges(before: PolicyBundle, after: PolicyBundle): PolicyChange[] {
  return [
    ...rulesChanged(before.policy.rules, after.policy.rules),
    ...lexiconsChanged(before.policy.lexicons, after.policy.lexicons),
    ...allowChanged(before.policy.allow, after.policy.allow),
    ...thresholdsChanged(before.policy.thresholds, after.policy.thresholds),
    ...otherFilesChanged(before.files, after.files),
  ]
}

function rulesChanged(before: readonly Rule[], after: readonly Rule[]): PolicyChange[] {
  const changes: PolicyChange[] = []
  const old = new Map(before.map((rule) => [rule.id, rule]))
  for (const rule of after) {
    const was = old.get(rule.id)
    old.delete(rule.id)
    if (!was) {
      changes.push({
        kind: 'added',
        what: `rule ${rule.id}`,
        details: [rule.mode, `threshold ${rule.threshold}`],
      })
      continue
    }
    const details: string[] = []
    const fields = new Set([...Object.keys(was), ...Object.keys(rule)]) as Set<keyof Rule>
    for (const field of fields) {
      const [a, b] = [was[field], rule[field]]
      if (JSON.stringify(a) === JSON.stringify(b)) continue
      const isPlain = typeof (a ?? b) !== 'object' && field !== 'note'
      details.push(isPlain ? `${field} ${a ?? 'none'} → ${b ?? 'none'}` : field)
    }
    if (details.length > 0) changes.push({ kind: 'changed', what: `rule ${rule.id}`, details })
  }
  for (const id of old.keys()) changes.push({ kind: 'removed', what: `rule ${id}`, details: [] })
  return changes
}

type Lexicons = ReadonlyMap<string, readonly LexiconTerm[]>

function lexiconsChanged(before: Lexicons, after: Lexicons): PolicyChange[] {
  const changes: PolicyChange[] = []
  for (const name of new Set([...before.keys(), ...after.keys()])) {
    const [a, b] = [before.get(name), after.get(name)]
    const what = `lexicon ${name}`
    if (!a || !b) {
      changes.push({ kind: a ? 'removed' : 'added', what, details: [`${(a ?? b)!.length} terms`] })
      continue
    }
    const old = new Map(a.map(({ term, weight }) => [term, weight]))
    let added = 0
    let weighed = 0
    for (const { term, weight } of b) {
      const was = old.get(term)
      old.delete(term)
      if (was === undefined) added++
      else if (was !== weight) weighed++
    }
    const details = counts([added, 'terms added'], [old.size, 'removed'], [weighed, 'with another weight'])
    if (details.length > 0) changes.push({ kind: 'changed', what, details })
  }
  return changes
}

function allowChanged(before: readonly string[], after: readonly string[]): PolicyChange[] {
  const old = new Set(before)
  const next = new Set(after)
  const added = after.filter((phrase) => !old.has(phrase)).length
  const removed = before.filter((phrase) => !next.has(phrase)).length
  const details = counts([added, 'phrases added'], [removed, 'removed'])
  return details.length > 0 ? [{ kind: 'changed', what: 'lexicon allow', details }] : []
}

type Thresholds = PolicyBundle['policy']['thresholds']
type Levels = Omit<Thresholds, 'modelAlone'>

const thresholdsChanged = (before: Thresholds, after: Thresholds): PolicyChange[] => [
  ...levelsChanged('threshold', before, after),
  ...levelsChanged('threshold of the model alone', before.modelAlone, after.modelAlone),
]

function levelsChanged(kind: string, before: Levels, after: Levels): PolicyChange[] {
  const changes: PolicyChange[] = []
  const change = (name: string, a: number | undefined, b: number | undefined) => {
    if (a === b) return
    const details = [`${a ?? 'default'} → ${b ?? 'default'}`]
    changes.push({ kind: 'changed', what: `${kind} ${name}`, details })
  }
  change('default', before.default, after.default)
  const names = new Set([...Object.keys(before.categories), ...Object.keys(after.categories)])
  for (const name of names as Set<keyof Thresholds['categories']>)
    change(name, before.categories[name], after.categories[name])
  return changes
}

/** Files that are no rules, lexicons or thresholds: enforcement, statements. Which lines, a diff of the folders shows. */
function otherFilesChanged(before: PolicyBundle['files'], after: PolicyBundle['files']): PolicyChange[] {
  const changes: PolicyChange[] = []
  for (const path of new Set([...before.keys(), ...after.keys()])) {
    if (path.includes('/') || path === 'thresholds.yaml') continue
    const [a, b] = [before.get(path), after.get(path)]
    if (a === b) continue
    const kind = a === undefined ? 'added' : b === undefined ? 'removed' : 'changed'
    changes.push({ kind, what: path, details: [] })
  }
  return changes
}

const counts = (...each: readonly (readonly [number, string])[]): string[] =>
  each.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`)
