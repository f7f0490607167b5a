export { HARMLESS_LABELS } from './attachments.ts'
export { DISGUISES, type Disguise, disguise, disguiseRange } from './disguise.ts'
export {
  createSampleFeed,
  type Intent,
  MAX_TEXT_LENGTH,
  type SampleFeed,
  type SampleFeedOptions,
  type SampleItem,
  type TextSource,
} from './feed.ts'
export { type MalformedEvent, malformedEvents } from './malformed.ts'
export { Random } from './random.ts'
export { recordKey, restamp, toJsonLine } from './record.ts'
export { CAMPAIGN_ITEMS, type CampaignItem, HARMFUL_LABELS } from './texts/harmful.ts'
