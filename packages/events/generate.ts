/**
 * Writes `generated/types.ts` from `schemas/*.avsc`: unions for enums, interfaces for records, the
 * schema's documentation as comments. `--check` fails where the file is not what the schemas say.
 *
 * Written here rather than taken from @ovotech/avro-ts: that one needs TypeScript 4's compiler API
 * beside the TypeScript 7 that checks this project, and has no constant arrays of the enum symbols,
 * which validation and metrics need.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { RECORD_NAMES, readSchema } from './schemas.ts'

interface Field {
  name: string
  type: AvroNode
  doc?: string
}
interface NamedNode {
  type: string
  name: string
  doc?: string
  fields?: Field[]
  symbols?: string[]
  items?: AvroNode
}
type AvroNode = string | AvroNode[] | NamedNode

const PRIMITIVES: Record<string, string> = {
  null: 'null',
  boolean: 'boolean',
  int: 'number',
  long: 'number',
  float: 'number',
  double: 'number',
  string: 'string',
  bytes: 'Buffer',
}

/** TypeScript for every named type of the given schemas, in order of first use. Throws where two definitions of one name differ. */
export function generateTypes(schemas: readonly AvroNode[]): string {
  const declared = new Map<string, { source: string; code: string }>()
  const comment = (doc: string | undefined, indent: string) => (doc ? `${indent}/** ${doc} */\n` : '')

  const declare = (node: NamedNode, code: string) => {
    const source = JSON.stringify(node)
    const known = declared.get(node.name)
    if (known && known.source !== source) {
      throw new Error(`schemas/: ${node.name} is defined twice and the definitions differ; make them equal`)
    }
    declared.set(node.name, { source, code })
  }

  const typeOf = (node: AvroNode): string => {
    if (Array.isArray(node)) return node.map(typeOf).join(' | ')
    if (typeof node === 'string') return PRIMITIVES[node] ?? node.replace(/^.*\./, '')
    switch (node.type) {
      case 'array': {
        const items = typeOf(node.items!)
        return items.includes('|') ? `(${items})[]` : `${items}[]`
      }
      case 'enum': {
        const symbols = node.symbols!.map((s) => `  '${s}',`).join('\n')
        const list = `${node.name.replace(/([a-z])([A-Z])/g, '$1_$2').toUpperCase()}_SYMBOLS`
        declare(
          node,
          `${comment(node.doc, '')}export const ${list} = [\n${symbols}\n] as const\nexport type ${node.name} = (typeof ${list})[number]\n`,
        )
        return node.name
      }
      case 'record': {
        const fields = node
          .fields!.map((f) => `${comment(f.doc, '  ')}  ${f.name}: ${typeOf(f.type)}\n`)
          .join('')
        declare(node, `${comment(node.doc, '')}export interface ${node.name} {\n${fields}}\n`)
        return node.name
      }
      default:
        return typeOf(node.type)
    }
  }

  for (const schema of schemas) typeOf(schema)
  const body = [...declared.values()].map((d) => d.code).join('\n')
  return `// Generated from schemas/*.avsc by packages/events/generate.ts (make types). Do not edit.\n\n${body}`
}

if (import.meta.main) {
  const target = new URL('generated/types.ts', import.meta.url)
  const code = generateTypes(RECORD_NAMES.map((name) => readSchema(name) as AvroNode))
  if (process.argv.includes('--check')) {
    if (readFileSync(target, 'utf8') !== code) {
      console.error('packages/events/generated/types.ts is not what schemas/ say; run: make types')
      process.exitCode = 1
    }
  } else {
    writeFileSync(target, code)
  }
}
