import { LineCounter, parseDocument } from 'yaml'
import { z } from 'zod'
import { type PolicyFiles, type PolicyProblem, policyVersion, readPolicyFiles } from './policy-files.ts'
import { type Rule, ruleSchema, type Thresholds, thresholdsSchema } from './rules.ts'
import { loadTones, type ToneModels } from './tones.ts'

export interface LexiconTerm {
  readonly term: string
  /** How much one hit says, 0 to 1. */
  readonly weight: number
}

/** The rules as they were read, checked, not yet compiled. */
export interface Policy {
  /** As policyVersion says of all files of the policy, those that others read too. */
  readonly version: string
  readonly rules: readonly Rule[]
  readonly lexicons: ReadonlyMap<string, readonly LexiconTerm[]>
  /** Innocent phrases that contain a listed term. */
  readonly allow: readonly string[]
  readonly thresholds: Thresholds
  readonly tones: ToneModels
}

/** Where something of a rule is written. */
export type RuleLocator = (
  ruleId: string,
  path?: readonly PropertyKey[],
) => Pick<PolicyProblem, 'file' | 'line'>

export type LoadedPolicy =
  | { readonly ok: true; readonly policy: Policy; readonly locate: RuleLocator }
  | { readonly ok: false; readonly problems: readonly PolicyProblem[] }

/** Name of the lexicon file that holds the allow-phrases. */
const ALLOW = 'allow'

/** Reads rules/, lexicon/ and thresholds.yaml of a policy folder; reports every problem there is. */
export const loadPolicy = (folder: string): LoadedPolicy => parsePolicy(readPolicyFiles(folder))

/** The same from files that are in memory already. */
export function parsePolicy(files: PolicyFiles): LoadedPolicy {
  const problems: PolicyProblem[] = []
  const lexicons = new Map<string, LexiconTerm[]>()
  let allow: string[] = []
  for (const [file, text] of files) {
    if (!file.startsWith('lexicon/')) continue
    const name = file.slice('lexicon/'.length, -'.tsv'.length)
    const terms = parseLexicon(file, text, problems)
    if (name === ALLOW) allow = terms.map(({ term }) => term)
    else lexicons.set(name, terms)
  }

  const rules: Rule[] = []
  const seen = new Map<string, string>()
  const locators = new Map<string, (path: readonly PropertyKey[]) => Pick<PolicyProblem, 'file' | 'line'>>()
  for (const [file, text] of files) {
    if (!file.startsWith('rules/')) continue
    const { value, lineOf } = parseYaml(file, text, z.array(z.unknown()), problems)
    for (const [i, content] of (value ?? []).entries()) {
      // One by one, so that a mistake in one rule hides none in the next.
      const { lexicon } = (content as { when?: { lexicon?: unknown } } | null)?.when ?? {}
      if (typeof lexicon === 'string' && !lexicons.has(lexicon)) {
        problems.push({
          file,
          line: lineOf([i, 'when', 'lexicon']),
          message: `there is no policy/lexicon/${lexicon}.tsv`,
        })
      }
      const checked = ruleSchema.safeParse(content)
      if (!checked.success) {
        reportIssues(checked.error, file, (path) => lineOf([i, ...path]), problems)
        continue
      }
      const rule = checked.data
      const line = lineOf([i, 'id'])
      const other = seen.get(rule.id)
      if (other) problems.push({ file, line, message: `rule ${rule.id} is also in ${other}` })
      seen.set(rule.id, `${file}:${line}`)
      locators.set(rule.id, (path) => ({ file, line: lineOf([i, ...path]) }))
      rules.push(rule)
    }
  }
  if (locators.size === 0 && problems.length === 0)
    problems.push({ file: 'rules/', line: 1, message: 'there is no rule' })
  const thresholdsText = files.get('thresholds.yaml')
  if (thresholdsText === undefined) problems.push({ file: 'thresholds.yaml', line: 1, message: 'is missing' })
  const thresholds =
    thresholdsText !== undefined
      ? parseYaml('thresholds.yaml', thresholdsText, thresholdsSchema, problems).value
      : undefined
  const tones = loadTones(files)
  if (!tones.ok) problems.push(...tones.problems)
  if (problems.length > 0 || !thresholds || !tones.ok) return { ok: false, problems }
  return {
    ok: true,
    policy: { version: policyVersion(files), rules, lexicons, allow, thresholds, tones: tones.tones },
    locate: (ruleId, path = ['id']) => locators.get(ruleId)!(path),
  }
}

/** Lines `term<TAB>weight[<TAB>source]`; `#` begins a comment line. */
function parseLexicon(file: string, text: string, problems: PolicyProblem[]): LexiconTerm[] {
  const terms: LexiconTerm[] = []
  const seen = new Set<string>()
  for (const [i, row] of text.split('\n').entries()) {
    if (row === '' || row.startsWith('#')) continue
    const line = i + 1
    const [term = '', weightText = ''] = row.split('\t')
    const weight = Number(weightText)
    if (term.trim() === '') problems.push({ file, line, message: 'the term is empty' })
    else if (weightText === '' || !(weight >= 0 && weight <= 1))
      problems.push({ file, line, message: 'the weight must be 0 to 1' })
    else if (seen.has(term)) problems.push({ file, line, message: `${term} is listed twice` })
    else terms.push({ term, weight })
    seen.add(term)
  }
  return terms
}

/** Parses and checks a YAML file; each problem gets the line of what it is about. */
export function parseYaml<Schema extends z.ZodType>(
  file: string,
  text: string,
  schema: Schema,
  problems: PolicyProblem[],
): { value: z.infer<Schema> | undefined; lineOf: (path: readonly PropertyKey[]) => number } {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  const lineAt = (offset: number) => lines.linePos(offset).line
  const lineOf = (path: readonly PropertyKey[]): number => {
    for (let depth = path.length; depth >= 0; depth--) {
      const node = document.getIn(path.slice(0, depth), true) as
        | { range?: [number, number, number] }
        | undefined
      if (node?.range) return lineAt(node.range[0])
    }
    return 1
  }
  for (const error of document.errors) {
    problems.push({ file, line: lineAt(error.pos[0]), message: error.message.split('\n', 1)[0]! })
  }
  if (document.errors.length > 0) return { value: undefined, lineOf }
  let content: unknown
  try {
    content = document.toJS()
  } catch (error) {
    // An alias of nothing, or aliases that would unfold without end, show themselves only here.
    problems.push({ file, line: 1, message: error instanceof Error ? error.message : String(error) })
    return { value: undefined, lineOf }
  }
  const checked = schema.safeParse(content)
  if (checked.success) return { value: checked.data, lineOf }
  reportIssues(checked.error, file, lineOf, problems)
  return { value: undefined, lineOf }
}

function reportIssues(
  { issues }: z.ZodError,
  file: string,
  lineOf: (path: readonly PropertyKey[]) => number,
  problems: PolicyProblem[],
): void {
  for (const { path, message } of issues) {
    const where = path.filter((key) => typeof key === 'string').join('.')
    problems.push({ file, line: lineOf(path), message: where ? `${where}: ${message}` : message })
  }
}
