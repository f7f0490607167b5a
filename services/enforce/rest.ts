import type { AccountAction, UsageStatus } from '@wardline/events'
import type { Enforcement } from '@wardline/policy/enforcement'

export interface RestAnswer {
  readonly accountAction: AccountAction
  /** How long the lock lasts; null where there is none. */
  readonly seconds: number | null
  /** Guardians to tell; they are told along with whichever action is taken. */
  readonly noticeTo: string[]
}

const NOBODY: string[] = []
export const NO_REST: RestAnswer = { accountAction: 'NONE', seconds: null, noticeTo: NOBODY }

/**
 * What watch time leads to. A record has room for one action, so the one that binds the device comes first:
 * the lock, in rest hours or well over the limit; then the notice to guardians, which implies the reminder;
 * then the reminder.
 */
export function restAnswer(
  status: UsageStatus | null,
  guardianIds: string[],
  policy: Enforcement,
): RestAnswer {
  if (!status || (!status.overLimit && !status.inRestHours)) return NO_REST
  const noticeTo = status.firstOverLimit ? guardianIds : NOBODY
  const excess = status.usedSeconds - status.limitSeconds
  if (status.inRestHours || (status.overLimit && excess >= policy.usage.lockAfterSeconds)) {
    return { accountAction: 'REST_LOCK', seconds: policy.usage.lockSeconds, noticeTo }
  }
  return { accountAction: noticeTo.length > 0 ? 'GUARDIAN_NOTICE' : 'REST_REMINDER', seconds: null, noticeTo }
}
