export type {
  AccountAction,
  AccountProfile,
  AgeBand,
  Category,
  EnforcementDecision,
  EventKind,
  FeedEvent,
  UserReport,
  Verdict,
} from '@wardline/events'
export {
  type DecisionHandlers,
  DecisionSubscriber,
  type FirstDecision,
  type FollowUp,
  type Place,
  type Reversal,
  type SubscriberOptions,
  type UnreadableRecord,
  verdictInForce,
} from './decision-subscriber.ts'
export {
  type AccountProfileInput,
  type Delivery,
  type FeedEventInput,
  FeedProducer,
  type ProducerOptions,
  type Publication,
  type UserReportInput,
} from './feed-producer.ts'
export { type ClientSettings, clientSettings } from './settings.ts'
