/** Writes into the chart what comes from elsewhere: topics from the code, users from deploy/security/acls.yaml. Its rules are a link. */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type AccessRule, readAcls } from '@wardline/access'
import { TOPIC_SPECS } from '@wardline/stream'
import { stringify } from 'yaml'

export const CHART = fileURLToPath(new URL('wardline/', import.meta.url))

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
  ])
}

if (import.meta.main) {
  for (const [path, text] of chartFiles()) writeFileSync(`${CHART}${path}`, text)
}
