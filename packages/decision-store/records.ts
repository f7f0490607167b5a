import type { PublishedRecord } from '@wardline/control'
import type { LetterContent } from '@wardline/dead-letters'
import type {
  AssessedEvent,
  EnforcementDecision,
  PolicyControl,
  ReviewVerdict,
  UserReport,
} from '@wardline/events'

/** One record of a topic, decoded. Closed set: what the store reads. */
export type Taken =
  | { readonly kind: 'decision'; readonly value: EnforcementDecision }
  | { readonly kind: 'assessment'; readonly value: AssessedEvent }
  | { readonly kind: 'verdict'; readonly value: ReviewVerdict }
  | { readonly kind: 'report'; readonly value: UserReport }
  /** A tombstone in reports.user: everything of the account goes. `at`: when the broker took it, ms. */
  | { readonly kind: 'erasure'; readonly account: string; readonly at: number }
  | {
      readonly kind: 'control'
      readonly key: string
      readonly partition: number
      readonly offset: number
      readonly publishedAt: number
      readonly value: PolicyControl | null
      readonly refusal: PublishedRecord['refusal']
    }
  | { readonly kind: 'deadLetter'; readonly value: LetterContent; readonly at: number }
  | {
      readonly kind: 'replayMark'
      readonly stage: string
      readonly partition: number
      readonly offset: number
    }

/** What was read of one partition in one go. */
export interface TakenBatch {
  readonly topic: string
  readonly partition: number
  /** Offset to go on from. */
  readonly next: number
  readonly records: readonly Taken[]
  /** Records that could not be decoded. */
  readonly skipped: number
}

/** What the store keeps of an AssessedEvent. */
export type Assessment = Pick<
  AssessedEvent,
  | 'eventId'
  | 'ruleHits'
  | 'scores'
  | 'findings'
  | 'signals'
  | 'approachStages'
  | 'actorAgeBand'
  | 'protectedAgeBand'
  | 'protectedIsMinor'
  | 'youthMode'
  | 'subjectId'
  | 'textLength'
  | 'mediaTypes'
  | 'usageStatus'
>
