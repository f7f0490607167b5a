import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { z } from 'zod'

export const RESOURCES = ['topic', 'group', 'transactionalId'] as const
export const OPERATIONS = ['read', 'write', 'all'] as const

/** One permission: what the broker calls an ACL entry that allows. */
export interface AccessRule {
  /** `User:` and the SCRAM user or the certificate's name. */
  readonly principal: string
  readonly resource: (typeof RESOURCES)[number]
  readonly name: string
  /** The name is the beginning of the names that are meant. */
  readonly prefix: boolean
  readonly operation: (typeof OPERATIONS)[number]
}

/** The file is not what it should be; the message says where. */
export class InvalidAcls extends Error {
  override readonly name = 'InvalidAcls'
  /** Tells the command line to print the message alone. */
  readonly remedy = true
}

const names = z.array(z.string().min(1)).default([])
const fileSchema = z.strictObject({
  principals: z.record(
    z.string().min(1),
    z.strictObject({ read: names, write: names, all: names, group: names, transactionalId: names }),
  ),
})

/** Where the rules are in a checkout. */
export const ACL_FILE = new URL('../../deploy/security/acls.yaml', import.meta.url)

/** The rules of a file. Throws InvalidAcls. */
export function readAcls(file: URL | string = ACL_FILE): AccessRule[] {
  return parseAcls(readFileSync(file, 'utf8'))
}

export function parseAcls(text: string): AccessRule[] {
  let content: unknown
  try {
    // Warnings would go to the terminal; what they warn of fails the check below.
    content = parse(text, { logLevel: 'error' })
  } catch (error) {
    throw new InvalidAcls(`no YAML: ${error instanceof Error ? error.message : String(error)}`)
  }
  const parsed = fileSchema.safeParse(content)
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`)
    throw new InvalidAcls(`wrong access rules:\n${lines.join('\n')}`)
  }
  const rules: AccessRule[] = []
  for (const [name, granted] of Object.entries(parsed.data.principals)) {
    const principal = `User:${name}`
    const grant = (resource: AccessRule['resource'], operation: AccessRule['operation'], name: string) => {
      // A lone asterisk is Kafka's own name for every resource; after a name it is ours for a prefix.
      const prefix = name.length > 1 && name.endsWith('*')
      rules.push({ principal, resource, operation, prefix, name: prefix ? name.slice(0, -1) : name })
    }
    for (const topic of granted.read) grant('topic', 'read', topic)
    for (const topic of granted.write) grant('topic', 'write', topic)
    for (const topic of granted.all) grant('topic', 'all', topic)
    for (const group of granted.group) grant('group', 'read', group)
    for (const id of granted.transactionalId) grant('transactionalId', 'write', id)
  }
  return rules
}
