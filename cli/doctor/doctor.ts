import { readFileSync } from 'node:fs'
import { describeAcl, planAcls, readAcls } from '@wardline/access'
import type { Connection } from '@wardline/records'
import { accessRefused, describeTopicChange, TOPIC_SPECS } from '@wardline/stream'
import { compareTopics, parseTopicSettings, type TopicOptions } from '../topics.ts'
import { judgeCluster, readCluster } from './broker.ts'
import { judgeClocks, measureAppends } from './clock.ts'
import { type Finding, findingsOf } from './finding.ts'
import { judgeGroups, readGroups } from './groups.ts'
import { examineRegistry } from './registry.ts'

export interface DoctorOptions extends TopicOptions {
  /** Path of access rules to use instead of deploy/security/acls.yaml. */
  readonly acls?: string
}

/** Largest record that any topic of the chain takes, bytes. */
const LARGEST_RECORD = Math.max(...TOPIC_SPECS.map(({ config }) => Number(config['max.message.bytes'] ?? 0)))
/** A broker that is not there is told soon; the client by itself would try for minutes. */
const BROKER_ANSWER_WITHIN_MS = 20_000

/**
 * Looks at everything that Wardline needs of a broker and a registry, and says what to do where something is not right.
 * Changes nothing: what it writes to measure the clocks is in a transaction that it aborts.
 */
export async function examine(connection: Connection, options: DoctorOptions): Promise<Finding[]> {
  if (options.settings !== undefined) parseTopicSettings(readFileSync(options.settings, 'utf8'))
  const registry = examineRegistry(connection.settings.registry)
  const broker = await examineBroker(connection, options)
  return [...broker, ...(await registry)]
}

async function examineBroker(connection: Connection, options: DoctorOptions): Promise<Finding[]> {
  const { kafka, settings } = connection
  const { fail } = findingsOf('broker')
  let findings: Finding[]
  try {
    findings = judgeCluster(await within(BROKER_ANSWER_WITHIN_MS, readCluster(kafka)), LARGEST_RECORD)
  } catch (error) {
    const refused = await accessRefused(error, settings.broker)
    if (refused) return [fail(refused.message, 'see docs/settings.md')]
    return [
      fail(
        `${settings.broker.brokers.join(', ')} does not answer: ${firstLine(error)}`,
        'check WARDLINE_BROKERS, that the broker runs, and that the address that it advertises can be reached from here',
      ),
    ]
  }
  const parts: [Finding['check'], () => Promise<Finding[]>][] = [
    ['topics', () => examineTopics(connection, options)],
    ['access', () => examineAccess(connection, options)],
    ['clock', async () => judgeClocks(await measureAppends(kafka))],
    ['groups', async () => judgeGroups(await readGroups(kafka))],
  ]
  for (const [check, part] of parts) {
    try {
      findings.push(...(await part()))
    } catch (error) {
      // One part that may not look, or a broker that goes away meanwhile, does not take the rest of the report with it.
      const isDenied = /AUTHORIZATION/.test(typeOf(error))
      findings.push(
        findingsOf(check).warn(
          `could not be looked at: ${typeOf(error) || firstLine(error)}`,
          isDenied
            ? 'run this as an admin of the cluster'
            : 'look again; the broker may have gone away meanwhile',
        ),
      )
    }
  }
  return findings
}

async function examineTopics({ kafka }: Connection, options: TopicOptions): Promise<Finding[]> {
  const { ok, warn, fail } = findingsOf('topics')
  const { wanted, present, changes } = await compareTopics(kafka, options)
  const findings: Finding[] = []
  const missing = changes.filter(({ change }) => change === 'create')
  if (missing.length === wanted.length)
    return [fail('none of the topics exists', 'bin/wardline topics apply')]
  for (const change of changes) {
    if (change.change === 'create')
      findings.push(fail(`${change.wanted.topic} is missing`, 'bin/wardline topics apply'))
    else if (change.change === 'cannot') {
      const level = change.what === 'partitions' ? fail : warn
      findings.push(
        level(`${change.topic} has ${change.what} ${change.from}, not ${change.to}`, change.remedy),
      )
    } else {
      findings.push(
        fail(describeTopicChange(change).slice(2).replace('  ', ': '), 'bin/wardline topics apply'),
      )
    }
  }
  const differing = new Set(
    changes.map((change) => (change.change === 'create' ? change.wanted.topic : change.topic)),
  )
  const count = wanted[0]!.partitions
  const even = [...present.values()].every(({ partitions }) => partitions === count)
  findings.push(
    ok(
      `${wanted.length - differing.size} of ${wanted.length} topics are as they should be${even ? `; all have ${count} partitions` : ''}`,
    ),
  )
  return findings
}

async function examineAccess({ kafka, settings }: Connection, { acls }: DoctorOptions): Promise<Finding[]> {
  const { ok, warn, fail } = findingsOf('access')
  if (settings.broker.sasl === undefined && settings.broker.tls?.certFile === undefined) {
    return [warn('we come without a login: whoever reaches the broker may do everything', 'see SECURITY.md')]
  }
  try {
    const { missing, extra } = await planAcls(kafka, readAcls(acls))
    const findings = [
      ...missing.map((entry) => fail(`not granted: ${describeAcl(entry)}`, 'bin/wardline acls apply')),
      ...extra.map((entry) =>
        warn(`granted beyond the file: ${describeAcl(entry)}`, 'bin/wardline acls apply'),
      ),
    ]
    return findings.length > 0 ? findings : [ok('access rules are those of the file')]
  } catch (error) {
    if (typeOf(error) === 'SECURITY_DISABLED')
      return [
        fail(
          'the broker has no authorizer: a login grants everything',
          'set authorizer.class.name at the broker',
        ),
      ]
    throw error
  }
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`no answer within ${ms / 1_000} s`)), ms)
  try {
    return await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

/** Kafka's own name of an error, of the cause where the client wrapped it; empty where it has none. */
function typeOf(error: unknown): string {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    const { type } = at as { type?: unknown }
    if (typeof type === 'string') return type
  }
  return ''
}

const firstLine = (error: unknown) =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0]!.slice(0, 200)

/** For people: one line a finding, the remedy behind it. */
export function describeFinding({ check, level, found, remedy }: Finding): string {
  return `${level.padEnd(5)} ${check.padEnd(9)} ${found}${remedy === '' ? '' : ` → ${remedy}`}`
}
