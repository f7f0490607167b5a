import { hash } from 'node:crypto'
import type { UserReport } from '@wardline/events'
import type { Enforcement } from '@wardline/policy/enforcement'
import { RECENT_IDS_LIMIT } from './recent-ids.ts'

/**
 * Who reported an account lately: hash of the reporter, hash of the event that the report names (0: none) and time (ms) in
 * turn, oldest addition first; each reporter once, with the last report. Flat, so that it is small in memory and as JSON.
 */
export type Reports = readonly number[]
const FIELDS = 3

/**
 * How well a reporter's reports have stood up. Kept on the partition of the reported accounts, as no partition hears of
 * another's: who reports accounts of several partitions has a record on each.
 */
export interface Reporter {
  /** Reports that a human found unfounded, less those found founded; never below 0. */
  readonly unfounded: number
  /** Time of the last finding, ms. */
  readonly at: number
}

/** The first 48 bits of SHA-256: tells the reporters of a whole partition apart, and is exact in a double. */
export const idHash = (id: string): number => Number.parseInt(hash('sha256', id).slice(0, 12), 16)

/** The reports with this one; the same where this reporter has reported at that time or later. */
export function withReport(reports: Reports, { reporterId, eventId, reportedAt }: UserReport): Reports {
  const reporter = idHash(reporterId)
  const kept: number[] = []
  for (let i = 0; i < reports.length; i += FIELDS) {
    if (reports[i] !== reporter) kept.push(reports[i]!, reports[i + 1]!, reports[i + 2]!)
    else if (reports[i + 2]! >= reportedAt) return reports
  }
  kept.push(reporter, eventId === null ? 0 : idHash(eventId), reportedAt)
  return kept.length > FIELDS * RECENT_IDS_LIMIT ? kept.slice(FIELDS) : kept
}

/** Greatest time of a report; 0 where there is none. */
export function latestReport(reports: Reports): number {
  let latest = 0
  for (let i = 2; i < reports.length; i += FIELDS) if (reports[i]! > latest) latest = reports[i]!
  return latest
}

/** Hashes of those who reported the account within the window before `at`. Later reports count: what is known by now is known. */
export function reportersSince(reports: Reports, at: number, windowMs: number): number[] {
  const reporters: number[] = []
  for (let i = 0; i < reports.length; i += FIELDS)
    if (reports[i + 2]! > at - windowMs) reporters.push(reports[i]!)
  return reporters
}

/** Hashes of those whose last report names the event. */
export function reportersOf(reports: Reports, eventId: string): number[] {
  const event = idHash(eventId)
  const reporters: number[] = []
  for (let i = 0; i < reports.length; i += FIELDS) if (reports[i + 1] === event) reporters.push(reports[i]!)
  return reporters
}

/** What a report of this reporter counts, 1 to 0. */
export function weightOf(reporter: Reporter | undefined, at: number, policy: Enforcement['reports']): number {
  if (!reporter || reporter.at + policy.memoryMs <= at) return 1
  return policy.falseFactor ** reporter.unfounded
}

/** The reporter after a human looked at what was reported. */
export function afterFinding(reporter: Reporter | undefined, founded: boolean, at: number): Reporter {
  const unfounded = (reporter?.unfounded ?? 0) + (founded ? -1 : 1)
  return { unfounded: Math.max(0, unfounded), at: Math.max(reporter?.at ?? 0, at) }
}
