import {
  compatibilityProblems,
  type RecordName,
  type RegistryOptions,
  readSchema,
  readSubject,
  reasonOf,
  SchemaNotRegistered,
  SchemaRegistry,
  type Subject,
  statusOf,
} from '@wardline/events'
import { TOPIC_SPECS } from '@wardline/stream'
import { type Finding, findingsOf } from './finding.ts'

const { ok, fail } = findingsOf('registry')

const STRICT_ENOUGH = new Set(['BACKWARD_TRANSITIVE', 'FULL_TRANSITIVE'])
const REGISTER = 'bin/wardline schemas register'

/** A subject of the chain as the registry has it. */
export interface SubjectFacts {
  readonly subject: string
  readonly record: RecordName
  readonly found: Subject | null
  /** Whether the schema of this version of Wardline is registered. */
  readonly isRegistered: boolean
}

export async function examineRegistry(options: RegistryOptions): Promise<Finding[]> {
  const registry = new SchemaRegistry(options)
  const facts: SubjectFacts[] = []
  try {
    for (const { topic, record } of TOPIC_SPECS) {
      if (record === null) continue
      const subject = `${topic}-value`
      const found = await readSubject(options, subject)
      const isRegistered = found !== null && (await isKnown(registry, topic, record))
      facts.push({ subject, record, found, isRegistered })
    }
  } catch (error) {
    return [unreachable(options.url, error)]
  }
  return [ok(`${options.url} answers`), ...facts.flatMap(judgeSubject), ...summary(facts)]
}

async function isKnown(registry: SchemaRegistry, topic: string, record: RecordName): Promise<boolean> {
  try {
    await registry.idOf(topic, record)
    return true
  } catch (error) {
    if (error instanceof SchemaNotRegistered) return false
    throw error
  }
}

function unreachable(url: string, error: unknown): Finding {
  const status = statusOf(error)
  if (status === 401 || status === 403) {
    return fail(
      `${url} refuses the login (${status})`,
      'check WARDLINE_REGISTRY_USERNAME and the password in WARDLINE_REGISTRY_PASSWORD_FILE',
    )
  }
  return fail(
    `${url} does not answer: ${reasonOf(error).split('\n')[0]?.slice(0, 200)}`,
    'check WARDLINE_REGISTRY_URL (the Confluent-compatible API, with its path) and that the registry runs; stages wait for it',
  )
}

/** What is wrong with a subject; nothing where nothing is. Pure. */
export function judgeSubject({ subject, record, found, isRegistered }: SubjectFacts): Finding[] {
  if (found === null || found.versions.length === 0) return [fail(`${subject} is not registered`, REGISTER)]
  const findings: Finding[] = []
  const { compatibility, versions } = found
  if (compatibility === null || !STRICT_ENOUGH.has(compatibility)) {
    findings.push(
      fail(
        `${subject} is ${compatibility ?? 'without a compatibility level'}: a producer could register what the stages cannot read`,
        compatibility === null || compatibility === 'NONE' || compatibility === 'BACKWARD'
          ? `${REGISTER} sets BACKWARD_TRANSITIVE`
          : 'set it to BACKWARD_TRANSITIVE or FULL_TRANSITIVE in the registry',
      ),
    )
  }
  if (!isRegistered)
    findings.push(fail(`${subject} has not schemas/${record}.avsc of this version`, REGISTER))
  const unreadable = compatibilityProblems(
    readSchema(record),
    versions.map(({ version, schema }) => ({ name: `version ${version}`, schema })),
  )
  for (const problem of unreadable) {
    findings.push(
      fail(
        `${subject}: this version of Wardline ${problem}`,
        'records of that version are dead-lettered: upgrade Wardline, or take the version out of use',
      ),
    )
  }
  return findings
}

function summary(facts: readonly SubjectFacts[]): Finding[] {
  const right = facts.filter((fact) => judgeSubject(fact).length === 0)
  if (right.length === 0) return []
  const versions = right.reduce((sum, { found }) => sum + found!.versions.length, 0)
  return [
    ok(
      `${right.length} of ${facts.length} subjects have this version's schema and a strict level; all their ${versions} versions can be read`,
    ),
  ]
}
