import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { LineCounter, parseDocument } from 'yaml'
import type { z } from 'zod'
import { type Rule, ruleFileSchema, type Thresholds, thresholdsSchema } from './rules.ts'

/** What is wrong with the policy, and where. */
export interface PolicyProblem {
  /** Relative to the policy folder. */
  readonly file: string
  readonly line: number
  readonly message: string
}

export interface LexiconTerm {
  readonly term: string
  /** How much one hit says, 0 to 1. */
  readonly weight: number
}

/** The rules as they were read, checked, not yet compiled. */
export interface Policy {
  /** First 12 hexadecimal digits of the SHA-256 of all files that make it. */
  readonly version: string
  readonly rules: readonly Rule[]
  readonly lexicons: ReadonlyMap<string, readonly LexiconTerm[]>
  /** Innocent phrases that contain a listed term. */
  readonly allow: readonly string[]
  readonly thresholds: Thresholds
}

export type LoadedPolicy =
  | { readonly ok: true; readonly policy: Policy }
  | { readonly ok: false; readonly problems: readonly PolicyProblem[] }

/** Name of the lexicon file that holds the allow-phrases. */
const ALLOW = 'allow'

/** Reads rules/, lexicon/ and thresholds.yaml of a policy folder; reports every problem there is. */
export function loadPolicy(folder: string): LoadedPolicy {
  const problems: PolicyProblem[] = []
  const hash = createHash('sha256')
  const read = (file: string): string => {
    const text = readFileSync(join(folder, file), 'utf8')
    hash.update(file).update('\0').update(text).update('\0')
    return text
  }
  const list = (sub: string, ending: string) =>
    readdirSync(join(folder, sub))
      .filter((name) => name.endsWith(ending))
      .sort()
      .map((name) => `${sub}/${name}`)

  const lexicons = new Map<string, LexiconTerm[]>()
  let allow: string[] = []
  for (const file of list('lexicon', '.tsv')) {
    const name = file.slice('lexicon/'.length, -'.tsv'.length)
    const terms = parseLexicon(file, read(file), problems)
    if (name === ALLOW) allow = terms.map(({ term }) => term)
    else lexicons.set(name, terms)
  }

  const rules: Rule[] = []
  const seen = new Map<string, string>()
  for (const file of list('rules', '.yaml')) {
    const { value, lineOf } = parseYaml(file, read(file), ruleFileSchema, problems)
    for (const [i, rule] of (value ?? []).entries()) {
      const line = lineOf([i, 'id'])
      const other = seen.get(rule.id)
      if (other) problems.push({ file, line, message: `rule ${rule.id} is also in ${other}` })
      seen.set(rule.id, `${file}:${line}`)
      if (rule.when.lexicon !== undefined && !lexicons.has(rule.when.lexicon)) {
        problems.push({
          file,
          line: lineOf([i, 'when', 'lexicon']),
          message: `there is no policy/lexicon/${rule.when.lexicon}.tsv`,
        })
      }
      rules.push(rule)
    }
  }
  const thresholds = parseYaml('thresholds.yaml', read('thresholds.yaml'), thresholdsSchema, problems).value
  if (problems.length > 0 || !thresholds) return { ok: false, problems }
  return {
    ok: true,
    policy: { version: hash.digest('hex').slice(0, 12), rules, lexicons, allow, thresholds },
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
  for (const issue of checked.error.issues) {
    const where = issue.path.filter((key) => typeof key === 'string').join('.')
    problems.push({
      file,
      line: lineOf(issue.path),
      message: where ? `${where}: ${issue.message}` : issue.message,
    })
  }
  return { value: undefined, lineOf }
}
