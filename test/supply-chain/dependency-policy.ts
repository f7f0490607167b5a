import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { z } from 'zod'

/** npm's severities, mildest first. */
export const SEVERITIES = ['info', 'low', 'moderate', 'high', 'critical'] as const
export type Severity = (typeof SEVERITIES)[number]

const policySchema = z.strictObject({
  licences: z.strictObject({
    allowed: z.array(z.string()).nonempty(),
    exceptions: z.array(z.strictObject({ package: z.string(), licence: z.string(), reason: z.string() })),
  }),
  advisories: z.strictObject({
    shipped: z.enum(SEVERITIES),
    development: z.enum(SEVERITIES),
    accepted: z.array(z.strictObject({ id: z.string(), reason: z.string(), until: z.iso.date() })),
  }),
})
export type DependencyPolicy = z.infer<typeof policySchema>

export const readDependencyPolicy = (): DependencyPolicy =>
  policySchema.parse(
    parse(readFileSync(new URL('../../deploy/security/dependencies.yaml', import.meta.url), 'utf8')),
  )

/** What `npm audit --json` says of a package, as far as it matters here. */
export interface AuditedPackage {
  readonly name: string
  readonly severity: Severity
  /** An advisory, or the name of the dependency through which it is reached. */
  readonly via: readonly (string | { readonly url?: string; readonly title?: string })[]
}

/** Advisories that fail the policy on a day, as lines for people. */
export function failing(
  packages: readonly AuditedPackage[],
  from: Severity,
  { accepted }: DependencyPolicy['advisories'],
  today: Date,
): string[] {
  const stillAccepted = accepted.filter(({ until }) => Date.parse(until) > today.getTime())
  const lines: string[] = []
  for (const { name, severity, via } of packages) {
    if (SEVERITIES.indexOf(severity) < SEVERITIES.indexOf(from)) continue
    for (const advisory of via) {
      if (typeof advisory === 'string') continue
      const { url = '', title = 'no title' } = advisory
      const id = url.slice(url.lastIndexOf('/') + 1)
      if (!stillAccepted.some((each) => each.id === id)) lines.push(`${severity} ${name}: ${title} (${id})`)
    }
  }
  return lines
}
