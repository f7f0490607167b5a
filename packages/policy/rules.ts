import {
  AGE_BAND_SYMBOLS,
  CATEGORY_SYMBOLS,
  type Category,
  DEVICE_SYMBOLS,
  EVENT_KIND_SYMBOLS,
  type EventKind,
} from '@wardline/events'
import { z } from 'zod'

/** The 24 items of the 2023 campaign for the protection of minors; every rule names one. */
export const CAMPAIGN_ITEMS = [
  '1.1',
  '1.2',
  '1.3',
  '1.4',
  '2.1',
  '2.2',
  '2.3',
  '3.1',
  '3.2',
  '3.3',
  '4.1',
  '4.2',
  '4.3',
  '5.1',
  '5.2',
  '5.3',
  '5.4',
  '6.1',
  '6.2',
  '6.3',
  '6.4',
  '7.1',
  '7.2',
  '7.3',
] as const

/** Conversation signals that comment-risk builds on. */
export const SIGNALS = [
  'contact',
  'rapport',
  'ask_age',
  'ask_school',
  'ask_alone',
  'secrecy',
  'gift',
  'sexual_talk',
  'ask_picture',
  'move_app',
  'meet',
  'refusal',
  'pressing',
  'openness',
  'recruiting',
  'hostile',
] as const
export type Signal = (typeof SIGNALS)[number]

const harmful = CATEGORY_SYMBOLS.filter((c) => c !== 'unclassified' && c !== 'benign') as Exclude<
  Category,
  'unclassified' | 'benign'
>[]
const kinds = EVENT_KIND_SYMBOLS.filter((k) => k !== 'UNKNOWN') as Exclude<EventKind, 'UNKNOWN'>[]
const share = z.number().min(0).max(1)

/** A text, or an event of which only what matters is given. */
const example = z.union([
  z.string(),
  z.strictObject({
    text: z.string().default(''),
    kind: z.enum(kinds).default('COMMENT'),
    links: z.array(z.string()).default([]),
    qrCode: z.boolean().default(false),
    mediaLabels: z.record(z.string(), share).default({}),
    recognizedText: z.string().optional(),
    searchQuery: z.string().optional(),
    device: z.enum(DEVICE_SYMBOLS).default('PHONE'),
    actorAgeBand: z.enum(AGE_BAND_SYMBOLS).default('UNKNOWN'),
    sessionSeconds: z.number().int().min(0).max(86_400).optional(),
  }),
])
export type RuleExample = z.infer<typeof example>

/** One rule as it is written in policy/rules. All conditions under `when` have to hold. */
export const ruleSchema = z
  .strictObject({
    id: z
      .string()
      .regex(/^[a-z0-9]+(?:[.-][a-z0-9]+)*$/, 'must be lower-case words joined by dots or dashes'),
    item: z.enum(CAMPAIGN_ITEMS),
    category: z.enum(harmful),
    kinds: z.array(z.enum(kinds)).nonempty().optional(),
    when: z
      .strictObject({
        lexicon: z.string().optional().describe('name of a file in policy/lexicon without .tsv'),
        terms: z.array(z.string().min(1)).nonempty().optional(),
        links: z
          .union([z.literal('any'), z.array(z.string().min(1)).nonempty()])
          .optional()
          .describe('any link, or one to these hosts'),
        model: z
          .enum(harmful)
          .optional()
          .describe("the model's score of this category reaches the threshold"),
        contactHandle: z.literal(true).optional(),
        qrCode: z.literal(true).optional(),
        mediaLabels: z.strictObject({ anyOf: z.array(z.string()).nonempty(), atLeast: share }).optional(),
        devices: z.array(z.enum(DEVICE_SYMBOLS)).nonempty().optional(),
        actorAgeBands: z.array(z.enum(AGE_BAND_SYMBOLS)).nonempty().optional(),
        usage: z
          .strictObject({ sessionSeconds: z.number().int().min(1).max(86_400) })
          .optional()
          .describe('a usage event of at least so long a stretch of watching'),
      })
      .refine((when) => Object.keys(when).length > 0, 'needs at least one condition'),
    weight: share.default(0.75).describe('weight of each of `terms`'),
    score: share.optional().describe('score that the conditions beside the text give'),
    threshold: share.default(0.5),
    severity: z.number().int().min(1).max(5),
    mode: z.enum(['draft', 'shadow', 'live', 'expired']),
    from: z.iso.date().optional(),
    until: z.iso.date().optional(),
    signal: z
      .enum(SIGNALS)
      .optional()
      .describe('a conversation signal: feeds comment-risk, scores nothing by itself'),
    note: z.string().optional(),
    examples: z.array(example).default([]).describe('must fire; a test and `wardline policy check` run them'),
    counterexamples: z.array(example).default([]).describe('must not fire'),
  })
  .refine(
    (rule) =>
      rule.when.lexicon !== undefined ||
      rule.when.terms !== undefined ||
      rule.when.model !== undefined ||
      rule.score !== undefined,
    {
      path: ['score'],
      message: 'is needed where no text is looked at',
    },
  )
  .refine((rule) => rule.mode === 'draft' || rule.examples.length > 0, {
    path: ['examples'],
    message: 'are needed before a rule is shadow or live: nobody has seen this one fire',
  })
  .refine((rule) => rule.from === undefined || rule.until === undefined || rule.from < rule.until, {
    path: ['until'],
    message: 'must be after from',
  })

export const ruleFileSchema = z.array(ruleSchema)
export type Rule = z.infer<typeof ruleSchema>

const thresholds = z.strictObject({
  default: share,
  categories: z.partialRecord(z.enum(harmful), share).default({}),
})
export const thresholdsSchema = thresholds.extend({
  modelAlone: thresholds.describe(
    'from which score a category passes that only the trained model speaks for; below, the score is published and nothing follows from it alone',
  ),
})
export type Thresholds = z.infer<typeof thresholdsSchema>
