/**
 * Keeps every version of a schema that has landed in `schemas/landed/<record>/<n>.avsc`, so that a change can be
 * held against all of them. `make schemas-land` (this file) adds the current one where it is new and compatible;
 * `--check` only says what is wrong.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { Schema } from './avro.ts'
import { compatibilityProblems } from './compatibility.ts'
import { RECORD_NAMES, type RecordName, readSchema, SCHEMA_FOLDER } from './schemas.ts'

const folderOf = (name: RecordName) => new URL(`landed/${name}/`, SCHEMA_FOLDER)

/** Landed versions, oldest first. */
export function landedVersions(
  name: RecordName,
): { readonly name: string; readonly version: number; readonly schema: Schema }[] {
  const folder = folderOf(name)
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .map((file) => Number(file.replace('.avsc', '')))
    .sort((a, b) => a - b)
    .map((version) => ({
      name: `${name} version ${version}`,
      version,
      schema: JSON.parse(readFileSync(new URL(`${version}.avsc`, folder), 'utf8')) as Schema,
    }))
}

/** What keeps the current schemas from landing: incompatible, or changed and not yet kept. */
export function landingProblems(): string[] {
  return RECORD_NAMES.flatMap((name) => {
    const landed = landedVersions(name)
    const current = readSchema(name)
    const problems = compatibilityProblems(current, landed).map(
      (problem) => `schemas/${name}.avsc ${problem}`,
    )
    const last = landed.at(-1)
    if (problems.length === 0 && (!last || JSON.stringify(last.schema) !== JSON.stringify(current))) {
      problems.push(`schemas/${name}.avsc has changed since it landed; run: make schemas-land`)
    }
    return problems
  })
}

if (import.meta.main) {
  if (!process.argv.includes('--check')) {
    for (const name of RECORD_NAMES) {
      const landed = landedVersions(name)
      const current = readSchema(name)
      const last = landed.at(-1)
      if (compatibilityProblems(current, landed).length > 0) continue
      if (last && JSON.stringify(last.schema) === JSON.stringify(current)) continue
      mkdirSync(folderOf(name), { recursive: true })
      writeFileSync(
        new URL(`${(last?.version ?? 0) + 1}.avsc`, folderOf(name)),
        `${JSON.stringify(current)}\n`,
      )
    }
  }
  const problems = landingProblems()
  for (const problem of problems) console.error(problem)
  if (problems.length > 0) process.exitCode = 1
}
