import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Schema } from './avro.ts'
import { compatibilityProblems } from './compatibility.ts'
import { generateTypes } from './generate.ts'
import { landingProblems } from './landed.ts'
import { RECORD_NAMES, readSchema, SCHEMA_FOLDER } from './schemas.ts'

type Fields = { fields: { name: string; type: unknown; doc?: string; default?: unknown }[]; doc?: string }
const changed = (change: (schema: Fields) => void): Schema => {
  const schema = structuredClone(readSchema('FeedEvent')) as unknown as Fields
  change(schema)
  return schema as unknown as Schema
}
const landed = [{ name: 'FeedEvent version 1', schema: readSchema('FeedEvent') }]

describe('the schemas', () => {
  it('can read whatever has landed, and every version is kept', () => {
    expect(landingProblems()).toEqual([])
  })

  it('have types that are generated from them', () => {
    const generated = readFileSync(new URL('generated/types.ts', import.meta.url), 'utf8')
    expect(generated).toBe(generateTypes(RECORD_NAMES.map((name) => readSchema(name) as never)))
  })

  it.each(RECORD_NAMES)('%s documents every field and gives every enum a default', (name) => {
    const undocumented: string[] = []
    const walk = (node: unknown, path: string): void => {
      if (Array.isArray(node)) return node.forEach((branch) => void walk(branch, path))
      if (typeof node !== 'object' || node === null) return
      const { type, doc, fields, symbols, items, default: fallback } = node as Record<string, unknown>
      if ((fields || symbols) && !doc) undocumented.push(path)
      if (symbols && !(symbols as string[]).includes(fallback as string))
        undocumented.push(`${path} (no default symbol)`)
      for (const field of (fields as Fields['fields'] | undefined) ?? []) {
        if (!field.doc) undocumented.push(`${path}.${field.name}`)
        walk(field.type, `${path}.${field.name}`)
      }
      walk(items, path)
      if (typeof type === 'object') walk(type, path)
    }
    walk(readSchema(name), name)
    expect(undocumented).toEqual([])
  })

  it('stand alone: each file parses without another', () => {
    for (const name of RECORD_NAMES)
      expect(() => JSON.parse(readFileSync(new URL(`${name}.avsc`, SCHEMA_FOLDER), 'utf8'))).not.toThrow()
  })
})

describe('compatibilityProblems', () => {
  it('takes a new field with a default and a new enum symbol', () => {
    const newer = changed((schema) => {
      schema.fields.push({ name: 'replyDepth', type: 'int', default: 0 })
      ;(schema.fields[1]!.type as { symbols: string[] }).symbols.push('LIVE_STREAM')
    })
    expect(compatibilityProblems(newer, landed)).toEqual([])
  })

  it.each<[string, (schema: Fields) => void]>([
    ['a new field without a default', (s) => void s.fields.push({ name: 'must', type: 'string' })],
    ['a changed type', (s) => void (s.fields.find((f) => f.name === 'occurredAt')!.type = 'string')],
    ['a renamed record', (s) => void ((s as unknown as { name: string }).name = 'Other')],
  ])('refuses %s', (_, change) => {
    expect(compatibilityProblems(changed(change), landed)).toHaveLength(1)
  })
})
