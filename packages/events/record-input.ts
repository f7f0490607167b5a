import { recordType } from './codec.ts'
import type { RecordTypes } from './record-types.ts'
import { type RecordName, readSchema } from './schemas.ts'

interface SchemaField {
  name: string
  type: unknown
  default?: unknown
}
interface SchemaNode {
  type: string
  name?: string
  fields?: SchemaField[]
  symbols?: string[]
  items?: unknown
  logicalType?: string
}

/** A record, or why what was given is none; the reason names the field and never quotes its text. */
export type RecordInput<Name extends RecordName> =
  | { readonly ok: true; readonly value: RecordTypes[Name] }
  | { readonly ok: false; readonly reason: string }

/**
 * Makes records of plain objects. Fields that the schema gives a default may be left out, enum symbols come in any
 * case, times as milliseconds or ISO 8601 texts.
 */
export function createRecordInput<Name extends RecordName>(
  record: Name,
): (plain: unknown) => RecordInput<Name> {
  const schema = readSchema(record) as SchemaNode
  const type = recordType(record)
  const named = new Map<string, SchemaNode>()
  collectNamed(schema, named)

  return (plain) => {
    if (typeof plain !== 'object' || plain === null || Array.isArray(plain))
      return { ok: false, reason: 'not a JSON object' }
    const filled = fill(schema, plain, record, named)
    if (filled instanceof Problem) return { ok: false, reason: filled.message }
    let problem: string | undefined
    const valid = type.isValid(filled, {
      errorHook: (path: string[]) => {
        problem ??= path.join('.')
      },
    })
    return valid
      ? { ok: true, value: filled as RecordTypes[Name] }
      : { ok: false, reason: `${problem || record}: wrong type or missing` }
  }
}

class Problem {
  readonly message: string
  constructor(message: string) {
    this.message = message
  }
}

function collectNamed(node: unknown, named: Map<string, SchemaNode>): void {
  if (Array.isArray(node)) for (const branch of node) collectNamed(branch, named)
  if (typeof node !== 'object' || node === null || Array.isArray(node)) return
  const schema = node as SchemaNode
  if (schema.name) named.set(schema.name, schema)
  for (const field of schema.fields ?? []) collectNamed(field.type, named)
  if (schema.items) collectNamed(schema.items, named)
  if (typeof schema.type === 'object') collectNamed(schema.type, named)
}

/** The value with defaults filled in and times as numbers; type errors are left for Avro's own check. */
function fill(node: unknown, value: unknown, path: string, named: Map<string, SchemaNode>): unknown {
  if (Array.isArray(node)) {
    if (value === null || value === undefined) return null
    const branch = node.find((b) => b !== 'null')
    return fill(branch, value, path, named)
  }
  const schema = typeof node === 'string' ? named.get(node.replace(/^.*\./, '')) : (node as SchemaNode)
  if (!schema) return value
  if (schema.logicalType === 'timestamp-millis' && typeof value === 'string') {
    const ms = Date.parse(value)
    return Number.isNaN(ms) ? new Problem(`${path}: not a time`) : ms
  }
  if (schema.type === 'enum') {
    // Avro's own check would make a text of whatever it is given, and throw where an object lets nobody.
    const text = typeof value === 'string' ? value.toLowerCase() : undefined
    const symbol = schema.symbols!.find((s) => s.toLowerCase() === text)
    return symbol ?? new Problem(`${path}: must be one of ${schema.symbols!.join(', ')}`)
  }
  if (schema.type === 'array' && Array.isArray(value)) {
    const items: unknown[] = []
    for (const [i, item] of value.entries()) {
      const filled = fill(schema.items, item, `${path}[${i}]`, named)
      if (filled instanceof Problem) return filled
      items.push(filled)
    }
    return items
  }
  if (schema.type === 'record' && typeof value === 'object' && value !== null) {
    const given = value as Record<string, unknown>
    const known = new Set(schema.fields!.map((f) => f.name))
    const unknown = Object.keys(given).find((name) => !known.has(name))
    if (unknown !== undefined) return new Problem(`${path}: has no field ${unknown.slice(0, 64)}`)
    const record: Record<string, unknown> = {}
    for (const field of schema.fields!) {
      const at = path === schema.name ? field.name : `${path}.${field.name}`
      if (given[field.name] === undefined) {
        if (field.default === undefined) return new Problem(`${at}: is missing`)
        record[field.name] = field.default
        continue
      }
      const filled = fill(field.type, given[field.name], at, named)
      if (filled instanceof Problem) return filled
      record[field.name] = filled
    }
    return record
  }
  return value
}
