import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseAllDocuments } from 'yaml'
import { goEnvironment } from '../../test/containers/tools/tools.ts'

const TOOLS = fileURLToPath(new URL('../../.wardline/tools/', import.meta.url))
/** Strimzi publishes its resource definitions neither as a Go module nor in a jar: ours say as much of them as the chart uses. */
const STRIMZI = fileURLToPath(new URL('schemas/', import.meta.url))

/** The Kubernetes that the chart is checked against. */
export const KUBERNETES = '1.36.3'
/** Modules that carry the definitions, with the hash that Go gives of each. */
const MODULES = {
  kubernetes: ['k8s.io/kubernetes', `v${KUBERNETES}`, 'h1:qDQdoMiluAE2Eab6Fa52YV+WjiGz9mZFFoagEA6cI+o='],
  keda: ['github.com/kedacore/keda/v2', 'v2.20.2', 'h1:SR60v8uIcelbveS8n/1jcl8tLdBBIbHMxmdOHw8tKqA='],
  prometheus: [
    'github.com/prometheus-operator/prometheus-operator',
    'v0.85.0',
    'h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=',
  ],
} as const

type Schema = { [key: string]: unknown }

/** A folder of JSON Schemas, one a kind, as kubeconform looks for them; fetched and written where it is missing. */
export function schemaFolder(): string {
  const hash = createHash('sha256')
    .update(JSON.stringify(MODULES))
    .update(readFileSync(fileURLToPath(import.meta.url)))
    .digest('hex')
    .slice(0, 12)
  const folder = `${TOOLS}schemas-${hash}`
  if (!existsSync(folder)) {
    const partial = `${folder}.partial`
    rmSync(partial, { recursive: true, force: true })
    mkdirSync(partial, { recursive: true })
    const write = (name: string, schema: Schema) =>
      writeFileSync(`${partial}/${name}.json`, JSON.stringify(schema))
    kubernetesSchemas(`${module('kubernetes')}/api/openapi-spec/swagger.json`, write)
    for (const file of yamlFiles(`${module('keda')}/config/crd/bases`)) definitionSchemas(file, write)
    for (const file of yamlFiles(`${module('prometheus')}/example/prometheus-operator-crd`))
      definitionSchemas(file, write)
    renameSync(partial, folder)
  }
  for (const name of readdirSync(STRIMZI)) copyFileSync(`${STRIMZI}${name}`, `${folder}/${name}`)
  return folder
}

/** Fetches a module and returns its folder. */
function module(name: keyof typeof MODULES): string {
  const [path, version, sum] = MODULES[name]
  const { Dir, Sum } = JSON.parse(
    execFileSync('go', ['mod', 'download', '-json', `${path}@${version}`], {
      // Outside of any module of ours: nothing is built from it.
      cwd: TOOLS,
      env: goEnvironment(),
      encoding: 'utf8',
    }),
  ) as { Dir: string; Sum: string }
  if (Sum !== sum) throw new Error(`${path}@${version} has the hash ${Sum}, not ${sum}`)
  return Dir
}

const yamlFiles = (folder: string) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => `${folder}/${name}`)

/** As kubeconform names it: kind, first part of the group, version. */
const schemaName = (kind: string, group: string, version: string) =>
  [kind.toLowerCase(), group.split('.')[0], version].filter((part) => part !== '').join('-')

interface Swagger {
  readonly definitions: Record<string, Schema>
}

/** One schema for each kind of Kubernetes itself, with all that it refers to. */
function kubernetesSchemas(file: string, write: (name: string, schema: Schema) => void): void {
  const { definitions } = JSON.parse(readFileSync(file, 'utf8')) as Swagger
  for (const [name, definition] of Object.entries(definitions)) strict(definition, name)
  for (const [name, definition] of Object.entries(definitions)) {
    const kinds = definition['x-kubernetes-group-version-kind'] as
      | { group: string; kind: string; version: string }[]
      | undefined
    // Those with several are options of requests, in every group.
    if (kinds?.length !== 1 || !('metadata' in ((definition.properties as Schema) ?? {}))) continue
    const [{ group, kind, version }] = kinds as [{ group: string; kind: string; version: string }]
    const reached = new Set<string>()
    reach(name, definitions, reached)
    write(schemaName(kind, group, version), {
      $ref: `#/definitions/${name}`,
      definitions: Object.fromEntries([...reached].map((each) => [each, definitions[each]])),
    })
  }
}

const REFERENCE = '#/definitions/'
function reach(name: string, definitions: Record<string, Schema>, reached: Set<string>): void {
  if (reached.has(name)) return
  reached.add(name)
  const look = (node: unknown) => {
    if (typeof node !== 'object' || node === null) return
    for (const [key, value] of Object.entries(node)) {
      if (key === '$ref' && typeof value === 'string')
        reach(value.slice(REFERENCE.length), definitions, reached)
      else look(value)
    }
  }
  look(definitions[name])
}

/** The schemas of custom resource definitions, one for each version. */
function definitionSchemas(file: string, write: (name: string, schema: Schema) => void): void {
  for (const document of parseAllDocuments(readFileSync(file, 'utf8'))) {
    const { spec } = document.toJS() as {
      spec: {
        group: string
        names: { kind: string }
        versions: { name: string; schema: { openAPIV3Schema: Schema } }[]
      }
    }
    for (const { name, schema } of spec.versions)
      write(schemaName(spec.names.kind, spec.group, name), strict(schema.openAPIV3Schema, ''))
  }
}

/** Refuses fields that are not named, as an API server does that is asked to be strict; in place. */
function strict(schema: Schema, name: string): Schema {
  if (name.endsWith('.IntOrString')) {
    schema.type = ['string', 'integer']
    delete schema.format
  } else if (name.endsWith('.Quantity')) schema.type = ['string', 'number']
  const visit = (node: unknown) => {
    if (typeof node !== 'object' || node === null) return
    const object = node as Schema
    if (object['x-kubernetes-int-or-string'] === true) delete object.type
    const closed =
      object.type === 'object' &&
      typeof object.properties === 'object' &&
      !('additionalProperties' in object) &&
      object['x-kubernetes-preserve-unknown-fields'] !== true
    if (closed) object.additionalProperties = false
    for (const value of Object.values(object)) visit(value)
  }
  visit(schema)
  return schema
}
