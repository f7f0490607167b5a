import type {
  AccountProfile,
  AssessedEvent,
  ClassifiedEvent,
  EnforcementDecision,
  FeedEvent,
  NormalizedEvent,
  PolicyControl,
  ReviewVerdict,
  UserReport,
} from './generated/types.ts'

/** TypeScript type of each record by its schema's name. */
export interface RecordTypes {
  FeedEvent: FeedEvent
  NormalizedEvent: NormalizedEvent
  ClassifiedEvent: ClassifiedEvent
  AssessedEvent: AssessedEvent
  EnforcementDecision: EnforcementDecision
  AccountProfile: AccountProfile
  UserReport: UserReport
  ReviewVerdict: ReviewVerdict
  PolicyControl: PolicyControl
}
