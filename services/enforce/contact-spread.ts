import type { AgeBand, AssessedEvent } from '@wardline/events'
import type { Enforcement } from '@wardline/policy/enforcement'

type Spread = Enforcement['contactSpread']

const CONTACT_FINDINGS: ReadonlySet<string> = new Set([
  'first_contact_by_adult',
  'staged_approach',
  'persistence',
])

export const isMinor = (band: AgeBand): boolean => band !== 'UNKNOWN' && band !== 'ADULT'

/** How much the event itself shows of an approach, 0 to 1: contact findings, and scores of the contact categories. */
export function contactEvidence(event: AssessedEvent, spread: Spread): number {
  let evidence = spread.categories.has(event.riskCategory) ? event.risk : 0
  for (const { category, score } of event.scores) {
    if (score > evidence && spread.categories.has(category)) evidence = score
  }
  for (const { code, score } of event.findings)
    if (score > evidence && CONTACT_FINDINGS.has(code)) evidence = score
  return evidence
}

/**
 * Whether the event is an approach of somebody who is not known to be a minor to somebody who is: every
 * private message, and elsewhere what shows something of contact. A star who answers comments approaches nobody.
 */
export function isApproach(event: AssessedEvent, evidence: number, spread: Spread): boolean {
  return (
    event.protectedIsMinor &&
    event.protectedId !== event.actorId &&
    !isMinor(event.actorAgeBand) &&
    (event.kind === 'PRIVATE_MESSAGE' || evidence >= spread.fromScore)
  )
}

/**
 * The evidence raised by the number of distinct minors that the actor approached. Up to the threshold, and
 * where the event shows nothing of contact, unchanged: a teacher writes to many pupils.
 */
export function raisedBySpread(evidence: number, minors: number, spread: Spread): number {
  if (minors <= spread.minors || evidence < spread.fromScore) return evidence
  const weight = Math.min(
    spread.mostWeight,
    spread.weight + spread.weightPerMinor * (minors - spread.minors - 1),
  )
  return 1 - (1 - evidence) * (1 - weight)
}
