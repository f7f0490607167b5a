import { hash } from 'node:crypto'
import { gunzipSync, gzipSync } from 'node:zlib'
import type { PolicyControl } from '@wardline/events'
import { type Enforcement, loadEnforcement } from './enforcement.ts'
import { type Policy, parsePolicy, type RuleLocator } from './load.ts'
import { isPolicyFile, type PolicyFiles, type PolicyProblem, policyVersion } from './policy-files.ts'
import { loadRisk, type RiskPolicy } from './risk.ts'

/** A whole policy: what classify, comment-risk and enforce run, from one set of files, under one version. */
export interface PolicyBundle {
  readonly version: string
  readonly files: PolicyFiles
  readonly policy: Policy
  readonly enforcement: Enforcement
  readonly risk: RiskPolicy
  readonly locate: RuleLocator
}

export type LoadedBundle =
  | { readonly ok: true; readonly bundle: PolicyBundle }
  | { readonly ok: false; readonly problems: readonly PolicyProblem[] }

/**
 * Why a published policy is refused; the label `reason` of wardline_policy_refused_total.
 * - `payload`: there is none, it is no gzip, too large, or no JSON of the expected shape.
 * - `hash`: its SHA-256, or the version made of its files, is not what the record says.
 * - `format`: of a format that this build does not know.
 * - `dates`: a rule set applies from when it is read; a record that says otherwise asks for what nobody does.
 * - `invalid`: this build's check of the files finds problems.
 */
export const POLICY_REFUSALS = ['payload', 'hash', 'format', 'dates', 'invalid'] as const
export type PolicyRefusal = (typeof POLICY_REFUSALS)[number]

/** A published policy cannot be used. */
export class PolicyRefused extends Error {
  override readonly name = 'PolicyRefused'
  readonly reason: PolicyRefusal
  constructor(reason: PolicyRefusal, message: string) {
    super(message)
    this.reason = reason
  }
}

const FORMAT = 1
/** Far above any policy, far below what a process may hold. */
const MOST_BYTES = 64 * 1_048_576
const PREFIX = 'rule-set/'

/** Key of a rule set in policy.control. */
export const ruleSetKey = (name: string): string => `${PREFIX}${name}`
/** Name of the rule set that a key of policy.control stands for; null where it stands for something else. */
export const ruleSetOf = (key: string): string | null =>
  key.startsWith(PREFIX) ? key.slice(PREFIX.length) : null

/** Checks all files as the services do; reports every problem there is. */
export function loadBundle(files: PolicyFiles): LoadedBundle {
  const rules = parsePolicy(files)
  const enforcement = loadEnforcement(files)
  const risk = loadRisk(files)
  if (!rules.ok || !enforcement.ok || !risk.ok) {
    const problems = [rules, enforcement, risk].flatMap((loaded) => (loaded.ok ? [] : loaded.problems))
    return { ok: false, problems }
  }
  const version = policyVersion(files)
  return {
    ok: true,
    bundle: {
      version,
      files,
      policy: rules.policy,
      // The version of the files, not the one that a person wrote into one of them: it says which decision came of what.
      enforcement: { ...enforcement.enforcement, version },
      risk: risk.risk,
      locate: rules.locate,
    },
  }
}

/** The record that publishes a policy. `issuedAt`: ms since 1970 UTC. The same files give the same payload. */
export function controlRecord(
  files: PolicyFiles,
  { name, issuedBy, issuedAt }: { name: string; issuedBy: string; issuedAt: number },
): PolicyControl {
  const content = JSON.stringify({ format: FORMAT, files: Object.fromEntries(files) })
  const payload = gzipSync(content, { level: 9 })
  return {
    kind: 'RULE_SET',
    name,
    version: policyVersion(files),
    payload,
    sha256: hash('sha256', payload, 'hex'),
    effectiveFrom: issuedAt,
    effectiveUntil: null,
    issuedBy,
    issuedAt,
  }
}

/** The policy that a record publishes, checked for this build. Throws PolicyRefused. */
export function openControlRecord(record: PolicyControl): PolicyBundle {
  const files = filesOf(record)
  let loaded: LoadedBundle
  try {
    loaded = loadBundle(files)
  } catch (error) {
    throw new PolicyRefused('invalid', error instanceof Error ? error.message : String(error))
  }
  if (!loaded.ok) {
    const [first] = loaded.problems
    throw new PolicyRefused(
      'invalid',
      `${loaded.problems.length} problems in ${record.version}; the first: ${first!.file}:${first!.line}: ${first!.message}`,
    )
  }
  return loaded.bundle
}

/** The files that a record holds, whole and unchanged, not yet checked. Throws PolicyRefused. */
export function filesOf(record: PolicyControl): PolicyFiles {
  const { kind, payload, sha256, version, effectiveFrom, effectiveUntil, issuedAt } = record
  if (kind !== 'RULE_SET' || payload === null)
    throw new PolicyRefused('payload', `the record is ${kind} ${payload === null ? 'without a payload' : ''}`)
  if (hash('sha256', payload, 'hex') !== sha256)
    throw new PolicyRefused('hash', `the payload of ${version} is not the one that was published`)
  if (effectiveFrom > issuedAt || effectiveUntil !== null)
    throw new PolicyRefused('dates', `${version} has dates of its own; give its rules dates instead`)
  const content = parsePayload(payload)
  if (content.format !== FORMAT)
    throw new PolicyRefused(
      'format',
      `${version} is of format ${String(content.format)}; this build reads ${FORMAT}`,
    )
  if (typeof content.files !== 'object' || content.files === null)
    throw new PolicyRefused('payload', `${version} has no files`)
  const files = new Map<string, string>()
  for (const [path, text] of Object.entries(content.files).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (!isPolicyFile(path) || typeof text !== 'string')
      throw new PolicyRefused('payload', `${version} holds something that is no file of a policy`)
    files.set(path, text)
  }
  if (policyVersion(files) !== version)
    throw new PolicyRefused('hash', `the files of ${version} make ${policyVersion(files)}`)
  return files
}

function parsePayload(payload: Buffer): { readonly format?: unknown; readonly files?: unknown } {
  try {
    const content: unknown = JSON.parse(gunzipSync(payload, { maxOutputLength: MOST_BYTES }).toString('utf8'))
    if (typeof content === 'object' && content !== null) return content
  } catch (error) {
    throw new PolicyRefused(
      'payload',
      `no JSON in gzip: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
  throw new PolicyRefused('payload', 'no JSON object')
}
