// Generated from schemas/*.avsc by packages/events/generate.ts (make types). Do not edit.

/** What the actor did. UNKNOWN is never written by a producer of this version: it is what a reader sees when a newer producer wrote a kind that the reader does not know. */
export const EVENT_KIND_SYMBOLS = [
  'UNKNOWN',
  'POST',
  'COMMENT',
  'PRIVATE_MESSAGE',
  'GROUP_MESSAGE',
  'PROFILE_EDIT',
  'SEARCH_RESULT',
  'PROMOTION',
  'USAGE',
] as const
export type EventKind = (typeof EVENT_KIND_SYMBOLS)[number]

/** Age in whole years by the age nodes of the youth mode (3, 8, 12, 16, 18). UNKNOWN where the platform has not established it. */
export const AGE_BAND_SYMBOLS = [
  'UNKNOWN',
  'UNDER_3',
  'AGE_3_TO_7',
  'AGE_8_TO_11',
  'AGE_12_TO_15',
  'AGE_16_TO_17',
  'ADULT',
] as const
export type AgeBand = (typeof AGE_BAND_SYMBOLS)[number]

/** Kind of a media item. */
export const MEDIA_TYPE_SYMBOLS = [
  'UNKNOWN',
  'IMAGE',
  'VIDEO',
  'AUDIO',
] as const
export type MediaType = (typeof MEDIA_TYPE_SYMBOLS)[number]

/** One finding of the producer's media recognition. */
export interface MediaLabel {
  /** Label in the producer's vocabulary that policy names, such as nudity, gore, ai_face_swap, smoking. */
  label: string
  /** Confidence of the recognition, 0 to 1. */
  score: number
}

/** A picture, video or voice attached to an event. The bytes stay with the producer. */
export interface Media {
  /** Producer's id of the media item. */
  mediaId: string
  /** Kind of media. */
  type: MediaType
  /** Findings of the producer's media recognition; empty where none ran. */
  labels: MediaLabel[]
  /** Whether the producer's media recognition saw a QR code. */
  hasQrCode: boolean
  /** Text read from the picture or heard in the voice, where the producer has it; classified like the event's text. */
  recognizedText: null | string
}

/** Kind of device that the event came from. CHILD_DEVICE: made for minors, such as learning tablets and children's watches with a feed. */
export const DEVICE_SYMBOLS = [
  'UNKNOWN',
  'PHONE',
  'TABLET',
  'WATCH',
  'CHILD_DEVICE',
  'TELEVISION',
  'COMPUTER',
] as const
export type Device = (typeof DEVICE_SYMBOLS)[number]

/** Watch time that a client reports. */
export interface Usage {
  /** Seconds watched since the client's previous usage event, 0 to 86,400. */
  sessionSeconds: number
  /** When that stretch of watching ended, milliseconds since 1970-01-01 UTC, by the client's clock corrected by the producer. */
  endedAt: number
}

/** What is paid for in a promotion. */
export interface Promotion {
  /** Account that pays. */
  advertiserId: string
  /** Where the promotion leads. */
  landingUrl: null | string
  /** Price asked from the viewer, in fen (0.01 CNY). */
  priceFen: null | number
}

/** What a user of the social feed did. Written by feed producers to feed.events, at least once, with eventId as the means to find repeats. */
export interface FeedEvent {
  /** Unique id of the event, 1 to 128 characters; a producer's retry carries the same id and the same record key. UUID version 7 is a good choice. Set by the producer. */
  eventId: string
  /** What the actor did. Set by the producer. */
  kind: EventKind
  /** When the actor did it, milliseconds since 1970-01-01 UTC. Set by the producer; must lie between 7 days before and 10 minutes after the append to feed.events. */
  occurredAt: number
  /** Account that acted, 1 to 128 characters. Set by the producer. */
  actorId: string
  /** Age band of the actor at that time. Set by the producer from its own verification; UNKNOWN where it has none. */
  actorAgeBand: AgeBand
  /** Account that is addressed: the recipient of a message, the owner of the page, the person replied to. Set by the producer; null where nobody is addressed. */
  subjectId: null | string
  /** Id of the content that a decision acts on. Set by the producer; null means the event itself is the content. */
  contentId: null | string
  /** Id of the post or comment that this one answers. Set by the producer. */
  parentId: null | string
  /** Id of the private conversation, group or comment thread. Set by the producer. */
  conversationId: null | string
  /** Section of the app, such as comments, game-zone, live. Set by the producer; normalize derives one from the kind where it is null. */
  section: null | string
  /** What the actor wrote, as it was written, at most 100,000 UTF-16 code units; empty where there is none. Set by the producer. */
  text: string
  /** BCP 47 tag where the producer knows it. */
  language: null | string
  /** Attached media, at most nine. Set by the producer. */
  media: Media[]
  /** Link targets outside the text (cards, floating windows), at most 32. Set by the producer; links inside the text are found by classify. */
  links: string[]
  /** Accounts mentioned, at most 64. Set by the producer. */
  mentions: string[]
  /** For SEARCH_RESULT: what was searched or asked by voice. The result is in text. Set by the producer. */
  searchQuery: null | string
  /** Kind of device. Set by the producer. */
  device: Device
  /** For USAGE: the watch time. Set by the producer. */
  usage: null | Usage
  /** For PROMOTION: what is paid for. Set by the producer. */
  promotion: null | Promotion
  /** Age band of the subject, where the producer knows it. It decides whom a conversation between a minor and an adult protects: the minor, whoever of the two is speaking, so that one partition sees what an adult writes to a minor and what the minor answers. Set by the producer; UNKNOWN: the subject is protected. */
  subjectAgeBand: AgeBand
}

/** FOLDED: the comparison text (case, width, controls, traditional to simplified, look-alikes, separators, emoji readings folded). PHONETIC: toneless pinyin syllables of the folded text, each ended by one space. */
export const FORM_KIND_SYMBOLS = [
  'UNKNOWN',
  'FOLDED',
  'PHONETIC',
] as const
export type FormKind = (typeof FORM_KIND_SYMBOLS)[number]

/** One comparison form of the event's text with its way back to the original. */
export interface TextForm {
  /** Which form. */
  form: FormKind
  /** The text in this form. */
  text: string
  /** Pairs (offset in this form, offset in the original), ascending in the first, in UTF-16 code units: up to the next pair, character i of the form stands for original offset original + (i - form), but never as far as the next pair's original (unless original itself is that far). A pair (length of this form, length of the original) may close the list. Empty: the two are equal, character by character. */
  map: number[]
}

/** A valid, first-seen event with its protected account, section and comparison text. Written by normalize to events.normalized. The last record with raw text. */
export interface NormalizedEvent {
  /** As in FeedEvent. */
  eventId: string
  /** As in FeedEvent; never UNKNOWN. */
  kind: EventKind
  /** As in FeedEvent. */
  occurredAt: number
  /** Partition of feed.events that the event came from. Set by normalize. */
  feedPartition: number
  /** Offset in that partition. Set by normalize. */
  feedOffset: number
  /** Append time of the record in feed.events (the broker's clock), milliseconds since 1970-01-01 UTC: where the age of an event starts. Set by normalize. */
  feedAppendedAt: number
  /** As in FeedEvent. */
  actorId: string
  /** As in FeedEvent. */
  actorAgeBand: AgeBand
  /** Account to protect: the subject, else the actor; in a conversation of a minor with an adult the minor, whoever speaks. Set by normalize; the key of events.normalized and events.classified. */
  protectedId: string
  /** As in FeedEvent. */
  subjectId: null | string
  /** Id of the content that a decision acts on; the eventId where the producer named none. Set by normalize. */
  contentId: string
  /** As in FeedEvent. */
  conversationId: null | string
  /** Section of the app; derived from the kind by normalize where the producer named none. */
  section: string
  /** As in FeedEvent. */
  device: Device
  /** As in FeedEvent, with lone surrogates replaced by U+FFFD. Set by normalize. */
  text: string
  /** Comparison forms of text. Set by normalize; empty where text is empty. */
  forms: TextForm[]
  /** As in FeedEvent. */
  media: Media[]
  /** As in FeedEvent. */
  links: string[]
  /** As in FeedEvent. */
  mentions: string[]
  /** As in FeedEvent. */
  searchQuery: null | string
  /** As in FeedEvent. */
  usage: null | Usage
  /** As in FeedEvent. */
  promotion: null | Promotion
}

/** Kind of harm. benign: no category passes its threshold. unclassified: not looked at yet, or a category that the reader does not know. */
export const CATEGORY_SYMBOLS = [
  'unclassified',
  'benign',
  'sexual_enticement',
  'obscene',
  'grooming',
  'abuse_bullying',
  'hate',
  'fraud',
  'gambling',
  'illegal_ads',
  'drugs_weapons',
  'self_harm',
  'dangerous_acts',
  'contact_solicitation',
  'game_companion',
  'privacy_exposure',
  'addiction',
] as const
export type Category = (typeof CATEGORY_SYMBOLS)[number]

/** Score of one category. */
export interface CategoryScore {
  /** Which category. */
  category: Category
  /** 0 (harmless) to 1 (certain). */
  score: number
}

/** SHADOW hits are counted and published but never act. Draft and expired rules never fire, so they have no symbol. */
export const RULE_MODE_SYMBOLS = [
  'UNKNOWN',
  'SHADOW',
  'LIVE',
] as const
export type RuleMode = (typeof RULE_MODE_SYMBOLS)[number]

/** A half-open range of the original text, in UTF-16 code units. */
export interface Span {
  /** First code unit. */
  start: number
  /** One past the last code unit. */
  end: number
}

/** A rule that fired on the event. */
export interface RuleHit {
  /** Id of the rule in policy/. */
  ruleId: string
  /** Campaign item that the rule names, such as 4.2. */
  item: string
  /** Category that the rule speaks for. */
  category: Category
  /** Score that the rule gave, 0 to 1. */
  score: number
  /** Whether the rule may act. */
  mode: RuleMode
  /** What in the original text explains the hit; empty for rules on metadata. At most 8. */
  spans: Span[]
}

/** What the wording of a text alone speaks for: log-odds, natural logarithm, between -6 and 6; 0 says nothing either way. Too little to act on; comment-risk adds them up over a conversation. */
export interface Tones {
  /** How much it reads like a line of an approach to a minor. */
  approach: number
  /** How much it reads like recruiting for game companionship or paid chat. */
  recruiting: number
  /** How much it reads like a line against somebody. */
  hostile: number
}

/** An event with its scores and the rules that fired; no raw text. Written by classify to events.classified. */
export interface ClassifiedEvent {
  /** As in FeedEvent. */
  eventId: string
  /** As in FeedEvent; never UNKNOWN. */
  kind: EventKind
  /** As in FeedEvent. */
  occurredAt: number
  /** Partition of feed.events that the event came from. Set by normalize. */
  feedPartition: number
  /** Offset in that partition. Set by normalize. */
  feedOffset: number
  /** Append time of the record in feed.events (the broker's clock), milliseconds since 1970-01-01 UTC: where the age of an event starts. Set by normalize. */
  feedAppendedAt: number
  /** As in FeedEvent. */
  actorId: string
  /** As in FeedEvent. */
  actorAgeBand: AgeBand
  /** Account to protect: the subject, else the actor; in a conversation of a minor with an adult the minor, whoever speaks. Set by normalize; the key of events.normalized and events.classified. */
  protectedId: string
  /** As in FeedEvent. */
  subjectId: null | string
  /** Id of the content that a decision acts on; the eventId where the producer named none. Set by normalize. */
  contentId: string
  /** As in FeedEvent. */
  conversationId: null | string
  /** Section of the app; derived from the kind by normalize where the producer named none. */
  section: string
  /** As in FeedEvent. */
  device: Device
  /** The highest category with a live rule or score above its threshold, else benign. Set by classify. */
  category: Category
  /** Score of that category, 0 to 1; the highest score of all where it is benign. Set by classify. */
  score: number
  /** Scores above 0, by live rules and models. Set by classify. */
  scores: CategoryScore[]
  /** Rules that fired, live and shadow. Set by classify. */
  ruleHits: RuleHit[]
  /** Names of conversation signals that the text gives, such as ask_age, secrecy, move_app, for comment-risk. Set by classify from signal rules. */
  signals: string[]
  /** Length of the original text in UTF-16 code units. Set by classify. */
  textLength: number
  /** Type of each attached media item. Set by classify. */
  mediaTypes: MediaType[]
  /** Version of the rules that classify used. */
  policyVersion: string
  /** Version of the trained model that classify used; null where none is loaded. */
  modelVersion: null | string
  /** As in FeedEvent. */
  usage: null | Usage
  /** Near-duplicate fingerprint of the folded text, 52 bits, so that it is exact in a double: texts that differ in few characters differ in few bits (packages/policy/fingerprint.ts). null where the text is too short to tell copies from chance. Set by classify. */
  fingerprint: null | number
  /** Hashes of the contact handles in the text (kind and canonical spelling), 32 bits: enough to see one handle spread, too few to name it. Ascending, each once, at most 8. Set by classify. */
  contactHashes: number[]
  /** Tones of the text. Set by classify. */
  tones: Tones
}

/** Something that comment-risk found in the state of accounts and pairs. */
export interface RiskFinding {
  /** Which finding: first_contact_by_adult, staged_approach, persistence, recruiting, copy_spread, pile_on, targeted_abuse, usage_limit, rest_hours. */
  code: string
  /** Campaign item, such as 3.3. */
  item: string
  /** Category that the finding speaks for. */
  category: Category
  /** 0 to 1. */
  score: number
}

/** How an account stands against its youth-mode limits. */
export interface UsageStatus {
  /** The account's local day, YYYY-MM-DD. */
  localDay: string
  /** Seconds watched on that day, this event included. */
  usedSeconds: number
  /** Seconds allowed on that day. */
  limitSeconds: number
  /** Whether usedSeconds is above limitSeconds. */
  overLimit: boolean
  /** Whether the stretch ended within the account's rest hours. */
  inRestHours: boolean
  /** Whether this event is the first of the day that is over the limit. */
  firstOverLimit: boolean
}

/** An earlier event of the same actor to the same protected account that turned out harmful with this one. */
export interface PriorItem {
  /** As in FeedEvent. */
  eventId: string
  /** As in FeedEvent. */
  kind: EventKind
  /** Id of the content that a decision acts on. */
  contentId: string
  /** As in FeedEvent. */
  occurredAt: number
  /** Partition of feed.events that it came from. */
  feedPartition: number
  /** Offset in that partition. */
  feedOffset: number
  /** Append time of the record in feed.events, milliseconds since 1970-01-01 UTC. */
  feedAppendedAt: number
  /** Category that the item speaks for in hindsight. */
  category: Category
  /** Risk in hindsight, 0 to 1. */
  score: number
  /** Section of the app. */
  section: string
}

/** An event with the risk that it carries for the protected account. Written by comment-risk to events.assessed. */
export interface AssessedEvent {
  /** As in FeedEvent. */
  eventId: string
  /** As in FeedEvent; never UNKNOWN. */
  kind: EventKind
  /** As in FeedEvent. */
  occurredAt: number
  /** Partition of feed.events that the event came from. Set by normalize. */
  feedPartition: number
  /** Offset in that partition. Set by normalize. */
  feedOffset: number
  /** Append time of the record in feed.events (the broker's clock), milliseconds since 1970-01-01 UTC: where the age of an event starts. Set by normalize. */
  feedAppendedAt: number
  /** As in FeedEvent. */
  actorId: string
  /** As in FeedEvent. */
  actorAgeBand: AgeBand
  /** Account to protect: the subject, else the actor; in a conversation of a minor with an adult the minor, whoever speaks. Set by normalize; the key of events.normalized and events.classified. */
  protectedId: string
  /** As in FeedEvent. */
  subjectId: null | string
  /** Id of the content that a decision acts on; the eventId where the producer named none. Set by normalize. */
  contentId: string
  /** As in FeedEvent. */
  conversationId: null | string
  /** Section of the app; derived from the kind by normalize where the producer named none. */
  section: string
  /** As in FeedEvent. */
  device: Device
  /** The highest category with a live rule or score above its threshold, else benign. Set by classify. */
  category: Category
  /** Score of that category, 0 to 1; the highest score of all where it is benign. Set by classify. */
  score: number
  /** Scores above 0, by live rules and models. Set by classify. */
  scores: CategoryScore[]
  /** Rules that fired, live and shadow. Set by classify. */
  ruleHits: RuleHit[]
  /** Names of conversation signals that the text gives, such as ask_age, secrecy, move_app, for comment-risk. Set by classify from signal rules. */
  signals: string[]
  /** Length of the original text in UTF-16 code units. Set by classify. */
  textLength: number
  /** Type of each attached media item. Set by classify. */
  mediaTypes: MediaType[]
  /** Version of the rules that classify used. */
  policyVersion: string
  /** Version of the trained model that classify used; null where none is loaded. */
  modelVersion: null | string
  /** Age band of the protected account by accounts.profiles. Set by comment-risk. */
  protectedAgeBand: AgeBand
  /** Whether the protected account is under 18, by its profile. Set by comment-risk. */
  protectedIsMinor: boolean
  /** Whether the protected account has youth mode on. Set by comment-risk. */
  youthMode: boolean
  /** Guardian accounts of the protected account, for notices. Set by comment-risk only where a notice may be due. */
  guardianIds: string[]
  /** The category that the decision should speak for: the highest of classify's and comment-risk's. Set by comment-risk. */
  riskCategory: Category
  /** Risk of that category for the protected account, 0 to 1. Set by comment-risk. */
  risk: number
  /** What the state of accounts and pairs shows. Set by comment-risk. */
  findings: RiskFinding[]
  /** For USAGE events of accounts in youth mode. Set by comment-risk. */
  usageStatus: null | UsageStatus
  /** Near-duplicate fingerprint of the folded text, 52 bits, so that it is exact in a double: texts that differ in few characters differ in few bits (packages/policy/fingerprint.ts). null where the text is too short to tell copies from chance. Set by classify. */
  fingerprint: null | number
  /** Hashes of the contact handles in the text (kind and canonical spelling), 32 bits: enough to see one handle spread, too few to name it. Ascending, each once, at most 8. Set by classify. */
  contactHashes: number[]
  /** Stages of an approach that the pair has passed, this event included, in the order in which they were first seen, such as rapport, asking, secrecy: what explains a staged_approach finding. Empty where there is none. Set by comment-risk. */
  approachStages: string[]
  /** Earlier items of this pair that are harmful in hindsight and were not reported before, oldest first, at most 8; each is handed over once. Set by comment-risk where a risk is found after the fact. */
  priorItems: PriorItem[]
}

/** DECISION: the one answer to one event. FOLLOW_UP: a later answer to an event that was decided before, because of what came after or because a human confirmed a hold; it replaces the earlier one. REVERSAL: takes the decision that stood back. */
export const DECISION_TYPE_SYMBOLS = [
  'UNKNOWN',
  'DECISION',
  'FOLLOW_UP',
  'REVERSAL',
] as const
export type DecisionType = (typeof DECISION_TYPE_SYMBOLS)[number]

/** What happens to the content. ALLOW_NOT_YOUTH: shown, but kept out of the youth pool. UNKNOWN: a verdict that the reader does not know; treat as HOLD_FOR_REVIEW. */
export const VERDICT_SYMBOLS = [
  'UNKNOWN',
  'ALLOW',
  'ALLOW_NOT_YOUTH',
  'LIMIT_REACH',
  'HIDE',
  'REMOVE',
  'HOLD_FOR_REVIEW',
  'HOLD_SECTION_SUSPENDED',
] as const
export type Verdict = (typeof VERDICT_SYMBOLS)[number]

/** What happens to an account. UNKNOWN: an action that the reader does not know; treat as NONE and call a human. */
export const ACCOUNT_ACTION_SYMBOLS = [
  'UNKNOWN',
  'NONE',
  'WARN',
  'MUTE',
  'SUSPEND',
  'BAN',
  'REST_REMINDER',
  'REST_LOCK',
  'GUARDIAN_NOTICE',
] as const
export type AccountAction = (typeof ACCOUNT_ACTION_SYMBOLS)[number]

/** Whether the content may be shown in youth mode. */
export interface YouthPool {
  /** True where it may. */
  eligible: boolean
  /** Why not: codes such as category:fraud, not_reviewed, promotion, kind. Empty where eligible. */
  reasons: string[]
  /** Youngest age, in years, that it may be shown to: 0, 3, 8, 12 or 16. null where it may not be shown in youth mode at all, and in records of writers that did not say: take 16 where such a record is eligible. */
  fromAge: null | number
}

/** Why an adverse decision was taken, for the user and the regulator. Holds no personal data and no message text. Field names follow the statement of reasons of the EU Digital Services Act (Article 17, Transparency Database). */
export interface StatementOfReasons {
  /** ILLEGAL_CONTENT or INCOMPATIBLE_CONTENT. */
  decisionGround: string
  /** The facts in English, from a template. */
  decisionFacts: string
  /** The facts in Chinese, from a template. */
  decisionFactsZh: string
  /** Articles, such as PRC Law on the Protection of Minors, Art. 80. */
  legalBasis: string[]
  /** Item of the 2023 campaign for minors, such as 4.2. */
  campaignItem: null | string
  /** DSA category, such as STATEMENT_CATEGORY_PROTECTION_OF_MINORS. */
  category: string
  /** DSA content types, such as CONTENT_TYPE_TEXT. */
  contentType: string[]
  /** When the content was made. */
  contentDate: number
  /** From when the decision applies. */
  applicationDate: number
  /** Whether the content was found by automated means. */
  automatedDetection: boolean
  /** AUTOMATED_DECISION_FULLY, AUTOMATED_DECISION_PARTIALLY or AUTOMATED_DECISION_NOT_AUTOMATED. */
  automatedDecision: string
  /** SOURCE_VOLUNTARY or SOURCE_TYPE_OTHER_NOTIFICATION (user reports). */
  sourceType: string
  /** Platform's unique id of the statement: the decisionId. */
  puid: string
}

/** What to do about one event. Written by enforce to enforcement.decisions, exactly one of type DECISION for each event. */
export interface EnforcementDecision {
  /** Deterministic: SHA-256 of type, eventId and what caused it, as 32 hexadecimal digits. A consumer that has seen it may skip it. */
  decisionId: string
  /** Whether this is the first answer, a follow-up or a reversal. */
  type: DecisionType
  /** Event that is answered. */
  eventId: string
  /** As in FeedEvent. */
  kind: EventKind
  /** As in FeedEvent. */
  occurredAt: number
  /** Partition of feed.events that the event came from. Set by normalize. */
  feedPartition: number
  /** Offset in that partition. Set by normalize. */
  feedOffset: number
  /** Append time of the record in feed.events (the broker's clock), milliseconds since 1970-01-01 UTC: where the age of an event starts. Set by normalize. */
  feedAppendedAt: number
  /** When enforce decided, milliseconds since 1970-01-01 UTC. */
  decidedAt: number
  /** Account that acted and that accountAction applies to, except for REST_REMINDER and REST_LOCK, which apply to it as the user who watches. */
  actorId: string
  /** Account that is protected. */
  protectedId: string
  /** Content that the verdict applies to. */
  contentId: string
  /** As in NormalizedEvent. */
  section: string
  /** What happens to the content. */
  verdict: Verdict
  /** What happens to the account. In a REVERSAL: what is in force in this policy area without the decision, as if it had never been. */
  accountAction: AccountAction
  /** How long the account action lasts from decidedAt on; null where it has no end or no duration. */
  actionSeconds: null | number
  /** Accounts that are told, such as guardians. */
  noticeTo: string[]
  /** Whether the content may be shown in youth mode. */
  youthPool: YouthPool
  /** Category that the decision speaks for. */
  category: Category
  /** Risk that it rests on, 0 to 1. */
  risk: number
  /** Rules and findings that it rests on. */
  ruleIds: string[]
  /** Shadow rules that fired and did not act. */
  shadowRuleIds: string[]
  /** Campaign items of those rules. */
  items: string[]
  /** Strikes of the actor in this policy area after the decision. */
  strikes: number
  /** Statement of reasons; null where the decision is not adverse. */
  statement: null | StatementOfReasons
  /** For FOLLOW_UP: eventId of the later event, or verdictId of the review that confirmed a hold. For REVERSAL: verdictId of the review. */
  causedBy: null | string
  /** For REVERSAL: decisionId of the decision that is taken back. For FOLLOW_UP: null; it replaces every earlier decision on the event. */
  reverses: null | string
  /** Version of the rules used. */
  policyVersion: string
  /** Version of the trained model used. */
  modelVersion: null | string
  /** Version of the policy that enforce decided by: bands, ladders, statements. Equal to policyVersion but for the moments in which a new version reaches the stages. Empty where the writer did not know. */
  enforcementVersion: string
  /** What the verdict would be without the order on the section or the open circuit breaker that holds the content; null where nothing of the kind holds it. */
  heldVerdict: null | Verdict
  /** For REVERSAL: account action that the decision had kept in force and that is lifted; accountAction says what stays. NONE where nothing is lifted. */
  liftedAction: AccountAction
  /** Why a human should look at it: hold, sample, breaker/NAME with NAME an open circuit breaker such as verdict/REMOVE, action/BAN or rule/fraud.links. Empty where no human needs to. */
  review: string[]
}

/** What the pipeline has to know of an account. Written by feed producers to accounts.profiles (compacted, key: accountId); a tombstone erases it. */
export interface AccountProfile {
  /** Account. */
  accountId: string
  /** Verified age band. Set by the producer. */
  ageBand: AgeBand
  /** Whether youth mode is on. Set by the producer. */
  youthMode: boolean
  /** The account's local time minus UTC, minutes, -720 to 840. Set by the producer. */
  utcOffsetMinutes: number
  /** Daily watch limit that a guardian set, minutes; null means the default of the age band (60 under 16, 120 from 16). */
  dailyLimitMinutes: null | number
  /** Start of rest hours, minutes after local midnight. */
  restStartMinute: number
  /** End of rest hours, minutes after local midnight; may be below the start, then rest spans midnight. */
  restEndMinute: number
  /** Guardian accounts, at most 8. Set by the producer. */
  guardianIds: string[]
  /** When the profile changed, milliseconds since 1970-01-01 UTC. */
  updatedAt: number
}

/** A user's report of another account. Written by feed producers to reports.user (key: reportedId). */
export interface UserReport {
  /** Unique id; a retry carries the same. */
  reportId: string
  /** Account that reports. One that reports itself and names an event appeals against the decision on it. */
  reporterId: string
  /** Account that is reported. */
  reportedId: string
  /** Event that is reported, where there is one. */
  eventId: null | string
  /** What the reporter says it is. */
  category: Category
  /** When, milliseconds since 1970-01-01 UTC. */
  reportedAt: number
}

/** What the human inspector found. CLAIMED: nothing yet; the inspector has taken the item in hand, for a quarter of an hour, so that nobody else is given it. UPHELD: the decision is right. OVERTURNED: it is not. */
export const REVIEW_OUTCOME_SYMBOLS = [
  'UNKNOWN',
  'UPHELD',
  'OVERTURNED',
  'CLAIMED',
] as const
export type ReviewOutcome = (typeof REVIEW_OUTCOME_SYMBOLS)[number]

/** A human inspector's word on a decision. Written by the console and review tools to review.verdicts (key: actorId). */
export interface ReviewVerdict {
  /** Unique id; a retry carries the same. */
  verdictId: string
  /** Decision that was inspected: any of those on the event; the verdict is on the one that stands. */
  decisionId: string
  /** Event of that decision. */
  eventId: string
  /** Actor of that event. */
  actorId: string
  /** What the inspector found. */
  outcome: ReviewOutcome
  /** Who inspected. */
  reviewerId: string
  /** Short reason code; no message text, no personal data. */
  reason: null | string
  /** When, milliseconds since 1970-01-01 UTC. */
  reviewedAt: number
}

/** RULE_SET: a version of the rules. SECTION_ORDER: a regulator's order on a section. */
export const CONTROL_KIND_SYMBOLS = [
  'UNKNOWN',
  'RULE_SET',
  'SECTION_ORDER',
] as const
export type ControlKind = (typeof CONTROL_KIND_SYMBOLS)[number]

/** A version of the rules, or a regulator's order on a section. Written by the wardline CLI and the console to policy.control (compacted, key: rule-set/NAME or section/NAME); a tombstone takes it back. */
export interface PolicyControl {
  /** Which of the two. */
  kind: ControlKind
  /** Rule set or section. */
  name: string
  /** Version of the rule set, or reference of the order. */
  version: string
  /** For RULE_SET: the compiled rules, JSON in gzip. Null for SECTION_ORDER. */
  payload: null | Buffer
  /** SHA-256 of payload, hexadecimal. */
  sha256: null | string
  /** From when it applies, by event time, milliseconds since 1970-01-01 UTC. */
  effectiveFrom: number
  /** Until when, exclusive; null for no end. */
  effectiveUntil: null | number
  /** Who published it. */
  issuedBy: string
  /** When it was published. */
  issuedAt: number
}
