import type { Model } from '@wardline/model'
import { fold } from '@wardline/text'
import { loadBundle, type PolicyBundle } from './bundle.ts'
import { type Classifier, CONTEXT_LEXICONS, createClassifier } from './classifier.ts'
import { exampleEvent } from './example-event.ts'
import type { PolicyFiles, PolicyProblem } from './policy-files.ts'
import type { Rule, RuleExample } from './rules.ts'

/**
 * Every problem of a policy, in the order of files and lines: what stops the services from loading it, and where it loads,
 * what no service minds and no author means: rules that can never fire, doubles, lexicons that nothing uses, examples that
 * do not do what they are there for. `now`: ms since 1970 UTC, to tell which rules are over. `model`: the one that the
 * policy is for; without it the examples of rules that ask for it are not tried.
 */
export function checkPolicy(files: PolicyFiles, now: number, model: Model | null): PolicyProblem[] {
  const loaded = loadBundle(files)
  const problems = loaded.ok ? checkBundle(loaded.bundle, now, model) : [...loaded.problems]
  return problems.sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line))
}

function checkBundle(
  { policy, files, locate }: PolicyBundle,
  now: number,
  model: Model | null,
): PolicyProblem[] {
  const problems: PolicyProblem[] = []
  const report = (rule: Rule, path: readonly PropertyKey[], message: string) =>
    problems.push({ ...locate(rule.id, path), message: `${rule.id}: ${message}` })

  const allowed = new Set(policy.allow.map((phrase) => fold(phrase).text))
  const conditions = new Map<string, string>()
  for (const rule of policy.rules) {
    const { when, mode } = rule
    for (const [i, term] of (when.terms ?? []).entries()) {
      const folded = fold(term).text
      if (folded === '')
        report(rule, ['when', 'terms', i], `nothing is left of ${term} to compare; it can never fire`)
      else if (allowed.has(folded))
        report(rule, ['when', 'terms', i], `${term} is in lexicon/allow.tsv; it can never fire`)
      const first = when.terms!.findIndex((other) => fold(other).text === folded)
      if (first < i) report(rule, ['when', 'terms', i], `${term} is the same as ${when.terms![first]} above`)
    }
    const most = highestScore(rule, policy.lexicons.get(when.lexicon ?? '') ?? [])
    if (most < rule.threshold) {
      const why = `its score reaches ${Number(most.toFixed(3))} at most, its threshold is ${rule.threshold}`
      report(rule, ['threshold'], `can never fire: ${why}`)
    }
    if (mode !== 'expired') {
      if (rule.until !== undefined && Date.parse(rule.until) <= now)
        report(
          rule,
          ['until'],
          `is over since ${rule.until}, yet its mode is ${mode}: set it to expired, or give it a new date`,
        )
      const condition = JSON.stringify([rule.category, rule.kinds?.toSorted(), when, rule.signal])
      const other = conditions.get(condition)
      if (other !== undefined)
        report(rule, ['when'], `asks for the same as ${other}: each hit would count twice`)
      else conditions.set(condition, rule.id)
      if (when.model === undefined || model)
        checkExamples(rule, examplesClassifier(policy, rule, model), report)
    }
  }
  const used = new Set(policy.rules.map((rule) => rule.when.lexicon))
  for (const [name, terms] of policy.lexicons) {
    if (CONTEXT_LEXICONS.includes(name)) continue
    const file = `lexicon/${name}.tsv`
    if (!used.has(name)) problems.push({ file, line: 1, message: 'no rule uses it' })
    const folded = new Set(terms.map(({ term }) => fold(term).text))
    if (![...allowed].some((phrase) => folded.has(phrase)) && !folded.has('')) continue
    for (const [i, row] of files.get(file)!.split('\n').entries()) {
      const term = row.split('\t', 1)[0]!
      if (row === '' || row.startsWith('#')) continue
      const form = fold(term).text
      if (form === '' || allowed.has(form))
        problems.push({
          file,
          line: i + 1,
          message:
            form === ''
              ? `nothing is left of ${term} to compare`
              : `${term} is in lexicon/allow.tsv; it can never fire`,
        })
    }
  }
  return problems
}

/** What a rule's score can come to at most, by noisy-or over all that it looks for. */
function highestScore(rule: Rule, terms: readonly { readonly weight: number }[]): number {
  if (rule.when.model !== undefined) return 1
  let doubt = 1 - (rule.score ?? 0)
  for (const { weight } of terms) doubt *= 1 - weight
  for (const _ of rule.when.terms ?? []) doubt *= 1 - rule.weight
  return hasText(rule) && terms.length === 0 && rule.when.terms === undefined ? 0 : 1 - doubt
}

const hasText = ({ when }: Rule): boolean => when.lexicon !== undefined || when.terms !== undefined

/** The rule alone and live, whatever its mode and dates: what fires is the rule and nothing else. */
function examplesClassifier(policy: PolicyBundle['policy'], rule: Rule, model: Model | null): Classifier {
  const { from: _, until: __, ...undated } = rule
  return createClassifier({ ...policy, rules: [{ ...undated, mode: 'live' }] }, model)
}

/** Whether a classifier of this rule alone says that it fires. */
export function fires(rule: Rule, classifier: Classifier, example: RuleExample): boolean {
  const { ruleHits, signals } = classifier.classify(exampleEvent(example, 0))
  return rule.signal ? signals.includes(rule.signal) : ruleHits.some((hit) => hit.ruleId === rule.id)
}

function checkExamples(
  rule: Rule,
  classifier: Classifier,
  report: (rule: Rule, path: readonly PropertyKey[], message: string) => void,
): void {
  for (const [i, example] of rule.examples.entries())
    if (!fires(rule, classifier, example)) report(rule, ['examples', i], 'does not fire on this example')
  for (const [i, example] of rule.counterexamples.entries())
    if (fires(rule, classifier, example)) report(rule, ['counterexamples', i], 'fires on this counterexample')
}
