/** Writes into the chart what comes from elsewhere: topics and users from the code and deploy/security, rules from deploy/prometheus. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type AccessRule, readAcls } from '@wardline/access'
import { TOPIC_SPECS } from '@wardline/stream'
import { stringify } from 'yaml'

export const CHART = fileURLToPath(new URL('wardline/', import.meta.url))
const RULES = new URL('../prometheus/rules/', import.meta.url)

const OPERATION = { read: 'Read', write: 'Write', all: 'All' } as const
const CERTIFICATE = 'CN='

/** A KafkaUser of Strimzi, as far as it comes from the access rules. */
export interface StrimziUser {
  readonly name: string
  readonly authentication: 'scram-sha-512' | 'tls'
  readonly acls: readonly {
    readonly resource: {
      readonly type: string
      readonly name: string
      readonly patternType: 'literal' | 'prefix'
    }
    readonly operations: readonly string[]
  }[]
}

/** The access rules by user. Whose name is that of a certificate shows one, and Strimzi puts `CN=` before the name itself. */
export function strimziUsers(rules: readonly AccessRule[]): StrimziUser[] {
  return [...Map.groupBy(rules, ({ principal }) => principal)].map(([principal, own]) => {
    const name = principal.slice('User:'.length)
    const hasCertificate = name.startsWith(CERTIFICATE)
    return {
      name: hasCertificate ? name.slice(CERTIFICATE.length) : name,
      authentication: hasCertificate ? 'tls' : 'scram-sha-512',
      acls: own.map((rule) => ({
        resource: { type: rule.resource, name: rule.name, patternType: rule.prefix ? 'prefix' : 'literal' },
        operations: [OPERATION[rule.operation]],
      })),
    }
  })
}

/** Files of the chart by their path in it. */
export function chartFiles(): Map<string, string> {
  const head = '# Written by make chart-files; change what it comes from.\n'
  const topics = TOPIC_SPECS.map(({ topic, config }) => ({ topic, config }))
  return new Map([
    ['files/topics.yaml', `${head}${stringify(topics)}`],
    ['files/users.yaml', `${head}${stringify(strimziUsers(readAcls()))}`],
    ...readdirSync(RULES)
      .filter((name) => name.endsWith('.yml'))
      .map((name) => [`files/rules/${name}`, readFileSync(new URL(name, RULES), 'utf8')] as const),
  ])
}

if (import.meta.main) {
  rmSync(`${CHART}files`, { recursive: true, force: true })
  for (const [path, text] of chartFiles()) {
    mkdirSync(dirname(`${CHART}${path}`), { recursive: true })
    writeFileSync(`${CHART}${path}`, text)
  }
}
