import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** The files that make a policy: path relative to the folder to text, in the order of their paths. */
export type PolicyFiles = ReadonlyMap<string, string>

/** What is wrong with a policy, and where. */
export interface PolicyProblem {
  /** Relative to the policy folder. */
  readonly file: string
  /** Counts from 1. */
  readonly line: number
  readonly message: string
}

/** What belongs to a policy: YAML in the folder and in rules/, tables in lexicon/. */
export const isPolicyFile = (path: string): boolean =>
  /^(?:rules\/)?[a-z0-9][a-z0-9_.-]*\.yaml$/.test(path) || /^lexicon\/[a-z0-9][a-z0-9_.-]*\.tsv$/.test(path)

/** Reads what belongs to a policy from a folder; a folder that is missing has no files. */
export function readPolicyFiles(folder: string): PolicyFiles {
  const paths: string[] = []
  for (const sub of ['', 'rules', 'lexicon']) {
    const path = join(folder, sub)
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) continue
    for (const name of readdirSync(path)) paths.push(sub === '' ? name : `${sub}/${name}`)
  }
  return new Map(
    paths
      .filter(isPolicyFile)
      .sort()
      .map((path) => [path, readFileSync(join(folder, path), 'utf8')]),
  )
}

/** First 12 hexadecimal digits of the SHA-256 over all files: the same files, the same version, wherever they come from. */
export function policyVersion(files: PolicyFiles): string {
  const hash = createHash('sha256')
  for (const path of [...files.keys()].sort())
    hash.update(path).update('\0').update(files.get(path)!).update('\0')
  return hash.digest('hex').slice(0, 12)
}
