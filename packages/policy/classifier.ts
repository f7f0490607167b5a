import type {
  Category,
  CategoryScore,
  Media,
  NormalizedEvent,
  RuleHit,
  RuleMode,
  Span,
} from '@wardline/events'
import { explainingSpans, type Model, type Profile } from '@wardline/model'
import { decodeMap, fold, makeForms, originalSpan } from '@wardline/text'
import { findContactHandles } from './contact-handles.ts'
import type { Policy } from './load.ts'
import type { Rule } from './rules.ts'
import { createTermMatcher, TermHits } from './term-matcher.ts'
import type { ToneScores } from './tones.ts'

/** What the classifier looks at. */
export type ClassifierInput = Pick<
  NormalizedEvent,
  | 'kind'
  | 'occurredAt'
  | 'text'
  | 'forms'
  | 'media'
  | 'links'
  | 'searchQuery'
  | 'device'
  | 'actorAgeBand'
  | 'usage'
>

/** As in ClassifiedEvent. */
export interface Classification {
  readonly category: Category
  readonly score: number
  readonly scores: CategoryScore[]
  readonly ruleHits: RuleHit[]
  readonly signals: string[]
}

export interface Classifier {
  readonly policyVersion: string
  readonly modelVersion: string | null
  classify(event: ClassifierInput): Classification
  /** What the wording of a folded text alone speaks for. */
  tones(folded: string): ToneScores
}

const MOST_SPANS = 8
/** Terms of one event up to which hits inside of hits are told apart; a text with more is harmful or hostile. */
const MOST_COMPARED = 64
/** A longer hit holds a shorter one where its confidence is at least this share of the shorter one's. */
const COMPARABLE = 0.7
/**
 * By profile of the trained model: where it gives every category less than this, what a lexicon's terms and ways to be reached
 * say counts in proportion to the model's highest score, as evidence (-log of the doubt they leave), but no less than the least
 * share: one ordinary term does not pass where the model is sure of no harm, several do, and each passes as ever where the model
 * only leans to none. Terms that a rule writes itself, unless it calls them weak (below 0.5), are its author's word, and what
 * media, a QR code, a listed host or the time of use say is no judgement of the text: they count as they were said. The research
 * profile has seen more kinds of text. How they were chosen: docs/detection.md, "The model".
 */
const SURELY_HARMLESS: Readonly<Record<Profile, number>> = { open: 0.075, research: 0.2 }
const LEAST_SHARE = 0.3
const NEGATIONS = 'context-before'
const CONTEXTS = 'context-anywhere'
/** Lexicons that hold no terms but what makes less of them; see policy/lexicon/README.md. */
export const CONTEXT_LEXICONS: readonly string[] = [NEGATIONS, CONTEXTS]

interface CompiledRule {
  readonly rule: Rule
  readonly mode: RuleMode
  readonly from: number
  readonly until: number
  readonly kinds: ReadonlySet<string> | null
  readonly hasText: boolean
  readonly yieldsToModel: boolean
  /** Index of the model's category that the rule asks for, or -1. */
  readonly modelCategory: number
}

interface TermUse {
  readonly rule: number
  readonly weight: number
}

/** Compiles a policy. The result holds no state between events. Without a model the rules that ask for it never fire. */
export function createClassifier(policy: Policy, model: Model | null = null): Classifier {
  const rules = policy.rules
    .filter((rule) => rule.mode === 'live' || rule.mode === 'shadow')
    .map((rule) => compileRule(rule, model))
  const terms: { term: string; weight: number; rules: number[] }[] = []
  const uses: TermUse[][] = []
  const indexOf = new Map<string, number>()
  const use = (term: string, rule: number, weight: number) => {
    const folded = fold(term).text
    const index = indexOf.get(folded)
    if (index === undefined) {
      indexOf.set(folded, terms.length)
      terms.push({ term, weight, rules: [rule] })
      uses.push([{ rule, weight }])
      return
    }
    const known = terms[index]!
    known.weight = Math.max(known.weight, weight)
    known.rules.push(rule)
    uses[index]!.push({ rule, weight })
  }
  for (const [i, { rule }] of rules.entries()) {
    for (const term of rule.when.terms ?? []) use(term, i, rule.weight)
    for (const { term, weight } of (rule.when.lexicon && policy.lexicons.get(rule.when.lexicon)) || [])
      use(term, i, weight)
  }
  const matcher = createTermMatcher({
    terms,
    allow: policy.allow,
    negations: policy.lexicons.get(NEGATIONS) ?? [],
    contexts: policy.lexicons.get(CONTEXTS) ?? [],
  })
  // Work space of classify, used again for the next event.
  const hits = new TermHits(terms.length)
  /** Share of doubt that each rule's terms leave: the product of 1 - weight. */
  const doubt = new Float64Array(rules.length).fill(1)
  const touched: number[] = []
  const modelWork = new Float64Array(model?.categories.length ?? 0)
  const { thresholds } = policy
  const surelyHarmless = SURELY_HARMLESS[model?.profile ?? 'open']
  const thresholdOf: ThresholdOf = (category, modelAlone) => {
    const { categories, default: otherwise } = modelAlone ? thresholds.modelAlone : thresholds
    return categories[category as keyof typeof categories] ?? otherwise
  }

  /** Of two spellings found at one place the nearer one counts, once. */
  const isStronger = (a: number, b: number) =>
    hits.confidence(a) > hits.confidence(b) || (hits.confidence(a) === hits.confidence(b) && a < b)
  /** Whether every hit of a term lies inside of longer ones of the same rule: 叶子 in 飞叶子 is no second sign. */
  const isInside = (term: number, rule: number): boolean => {
    if (hits.found.length < 2 || hits.found.length > MOST_COMPARED) return false
    const spans = hits.ranges(term)
    for (const other of hits.found) {
      if (other === term || !terms[other]!.rules.includes(rule)) continue
      if (hits.confidence(other) < hits.confidence(term) * COMPARABLE) continue
      const around = hits.ranges(other)
      let inside = spans.length > 0
      for (let i = 0; i < spans.length && inside; i += 2)
        inside = holds(around, spans[i]!, spans[i + 1]!, isStronger(other, term))
      if (inside) return true
    }
    return false
  }

  const tones = policy.tones[model?.profile ?? 'open']
  return {
    policyVersion: policy.version,
    tones: (folded) => tones.scores(folded),
    modelVersion: model?.version ?? null,
    classify(event) {
      hits.clear()
      matcher.match(event.text, event.forms, hits, true)
      for (const text of otherTexts(event.media, event.searchQuery))
        matcher.match(text, makeForms(text), hits, false)

      const modelScores = model && scoreTexts(model, event, modelWork)
      const share = modelScores
        ? Math.max(LEAST_SHARE, Math.min(1, highestOf(modelScores) / surelyHarmless))
        : 1

      for (const term of hits.found) {
        const confidence = hits.confidence(term)
        for (const { rule, weight } of uses[term]!) {
          if (isInside(term, rule)) continue
          if (doubt[rule] === 1) touched.push(rule)
          doubt[rule]! *= 1 - weight * confidence
        }
      }
      const spansOf = (rule: number): Span[] => {
        const spans: Span[] = []
        for (const term of hits.found) {
          if (spans.length >= MOST_SPANS) break
          if (!terms[term]!.rules.includes(rule)) continue
          const ranges = hits.ranges(term)
          for (let i = 0; i < ranges.length; i += 2) spans.push({ start: ranges[i]!, end: ranges[i + 1]! })
        }
        return spans
      }

      let handles: Handles | undefined
      const handlesIn = () => (handles ??= findHandles(event))
      const ruleHits: RuleHit[] = []
      const signals: string[] = []
      const categoryDoubt = new Map<Category, number>()
      const modelDoubt = new Map<Category, number>()
      for (let i = 0; i < rules.length; i++) {
        const compiled = rules[i]!
        const textDoubt = doubt[i]!
        if (compiled.hasText && textDoubt === 1) continue
        const { rule, mode } = compiled
        if (rule.when.model !== undefined && (!modelScores || compiled.modelCategory < 0)) continue
        if (!applies(compiled, event) || !metadataHolds(rule, event, handlesIn)) continue
        const asked = modelScores && compiled.modelCategory >= 0 ? modelScores[compiled.modelCategory]! : 0
        if (rule.when.model !== undefined && asked < rule.threshold) continue
        const said = textDoubt * (1 - (rule.score ?? 0))
        const score = Math.max(asked, 1 - (share < 1 && compiled.yieldsToModel ? said ** share : said))
        if (score < rule.threshold) continue
        if (rule.signal !== undefined) {
          if (mode === 'LIVE' && !signals.includes(rule.signal)) signals.push(rule.signal)
          continue
        }
        const spans = compiled.hasText ? spansOf(i) : []
        if (model && compiled.modelCategory >= 0)
          spans.push(...modelSpans(model, event, compiled.modelCategory))
        if (rule.when.contactHandle) spans.push(...handlesIn().contacts)
        if (rule.when.links === 'any') spans.push(...handlesIn().links)
        ruleHits.push({
          ruleId: rule.id,
          item: rule.item,
          category: rule.category,
          score,
          mode,
          spans: spans.slice(0, MOST_SPANS),
        })
        if (mode !== 'LIVE') continue
        // The model reads the words that the lexicons list: it is no independent witness, so the surer of the two counts.
        if (compiled.modelCategory >= 0)
          modelDoubt.set(rule.category, Math.min(modelDoubt.get(rule.category) ?? 1, 1 - score))
        else categoryDoubt.set(rule.category, (categoryDoubt.get(rule.category) ?? 1) * (1 - score))
      }
      const modelAlone = new Set<Category>()
      for (const [category, left] of modelDoubt) {
        if (!categoryDoubt.has(category)) modelAlone.add(category)
        categoryDoubt.set(category, Math.min(categoryDoubt.get(category) ?? 1, left))
      }
      for (const rule of touched) doubt[rule] = 1
      touched.length = 0
      return { ...decide(categoryDoubt, modelAlone, thresholdOf), ruleHits, signals }
    },
  }
}

/** Whether one of the ranges (pairs start, end) holds a range and is longer, or as long where `orEqual`. */
function holds(ranges: readonly number[], start: number, end: number, orEqual: boolean): boolean {
  for (let i = 0; i < ranges.length; i += 2) {
    const [from, to] = [ranges[i]!, ranges[i + 1]!]
    if (from <= start && end <= to && (orEqual || to - from > end - start)) return true
  }
  return false
}

/** Score from which a category passes; `modelAlone`: nothing but the trained model speaks for it. */
type ThresholdOf = (category: Category, modelAlone: boolean) => number

function decide(
  categoryDoubt: ReadonlyMap<Category, number>,
  modelAlone: ReadonlySet<Category>,
  thresholdOf: ThresholdOf,
) {
  const scores: CategoryScore[] = []
  let category: Category = 'benign'
  let best = 0
  let highest = 0
  for (const [candidate, doubt] of categoryDoubt) {
    const score = 1 - doubt
    scores.push({ category: candidate, score })
    if (score > highest) highest = score
    if (score >= thresholdOf(candidate, modelAlone.has(candidate)) && score > best) {
      best = score
      category = candidate
    }
  }
  return { category, score: category === 'benign' ? highest : best, scores }
}

/** The highest score of each of the model's categories over the texts of an event; null where it has none. */
function scoreTexts(model: Model, event: ClassifierInput, highest: Float64Array): Float64Array | null {
  const others = otherTexts(event.media, event.searchQuery)
  if (event.text === '' && others.length === 0) return null
  highest.fill(0)
  // The event's own text last, so that the model's contributions are those of it.
  for (const text of others) raise(highest, scoreForms(model, makeForms(text)))
  if (event.text !== '') raise(highest, scoreForms(model, event.forms))
  return highest
}

function highestOf(scores: Float64Array): number {
  let highest = 0
  for (const score of scores) if (score > highest) highest = score
  return highest
}

function scoreForms(model: Model, forms: ClassifierInput['forms']): Float64Array | null {
  const folded = forms.find((form) => form.form === 'FOLDED')
  const phonetic = forms.find((form) => form.form === 'PHONETIC')
  return folded && phonetic ? model.score(folded.text, phonetic.text).categories : null
}

function raise(highest: Float64Array, scores: Float64Array | null): void {
  if (!scores) return
  for (let i = 0; i < highest.length; i++) if (scores[i]! > highest[i]!) highest[i] = scores[i]!
}

/** What of the event's text spoke for a category, where it was the last text that the model scored. */
const modelSpans = (model: Model, event: ClassifierInput, category: number): Span[] =>
  event.text === '' ? [] : explainingSpans(event.text, event.forms, model.contributions(category))

/** Whether what a rule says counts less where the model is sure of no harm. */
export const yieldsToModel = ({ when, weight, signal }: Rule): boolean =>
  signal === undefined &&
  (!when.terms || weight < 0.5) &&
  !when.qrCode &&
  !when.mediaLabels &&
  !when.usage &&
  !Array.isArray(when.links)

function compileRule(rule: Rule, model: Model | null): CompiledRule {
  return {
    rule,
    mode: rule.mode === 'live' ? 'LIVE' : 'SHADOW',
    from: rule.from === undefined ? Number.NEGATIVE_INFINITY : Date.parse(rule.from),
    until: rule.until === undefined ? Number.POSITIVE_INFINITY : Date.parse(rule.until),
    kinds: rule.kinds ? new Set(rule.kinds) : null,
    hasText: rule.when.lexicon !== undefined || rule.when.terms !== undefined,
    yieldsToModel: yieldsToModel(rule),
    modelCategory: rule.when.model === undefined || !model ? -1 : model.categories.indexOf(rule.when.model),
  }
}

function applies({ from, until, kinds }: CompiledRule, event: ClassifierInput): boolean {
  return event.occurredAt >= from && event.occurredAt < until && (kinds === null || kinds.has(event.kind))
}

function metadataHolds(rule: Rule, event: ClassifierInput, handlesIn: () => Handles): boolean {
  const { links, contactHandle, qrCode, mediaLabels, devices, actorAgeBands, usage } = rule.when
  if (usage && (event.usage === null || event.usage.sessionSeconds < usage.sessionSeconds)) return false
  if (devices && !devices.includes(event.device)) return false
  if (actorAgeBands && !actorAgeBands.includes(event.actorAgeBand)) return false
  if (qrCode && !event.media.some((media) => media.hasQrCode)) return false
  if (mediaLabels) {
    const { anyOf, atLeast } = mediaLabels
    if (
      !event.media.some((media) =>
        media.labels.some(({ label, score }) => score >= atLeast && anyOf.includes(label)),
      )
    )
      return false
  }
  if (links === 'any') {
    if (event.links.length === 0 && handlesIn().links.length === 0) return false
  } else if (links) {
    if (!event.links.some((link) => links.some((host) => hostMatches(link, host)))) return false
  }
  return !contactHandle || handlesIn().contacts.length > 0
}

/** Whether a link leads to a host or to one below it. */
function hostMatches(link: string, host: string): boolean {
  const at = link.indexOf('://')
  const authority = (at === -1 ? link : link.slice(at + 3)).split(/[/?#:]/, 1)[0]!.toLowerCase()
  return authority === host || authority.endsWith(`.${host}`)
}

/** Ways to be reached in the event's text, and links, each as ranges of the text. */
interface Handles {
  readonly contacts: readonly Span[]
  readonly links: readonly Span[]
}
const NO_HANDLES: Handles = { contacts: [], links: [] }

function findHandles(event: ClassifierInput): Handles {
  const folded = event.forms.find((form) => form.form === 'FOLDED')
  if (!folded) return NO_HANDLES
  const handles = findContactHandles(folded.text)
  if (handles.length === 0) return NO_HANDLES
  const offsets = decodeMap(folded)
  const contacts: Span[] = []
  const links: Span[] = []
  for (const { kind, start, end } of handles) {
    const [from, to] = originalSpan(offsets, start, end, event.text)
    ;(kind === 'link' ? links : contacts).push({ start: from, end: to })
  }
  return { contacts, links }
}

function otherTexts(media: readonly Media[], searchQuery: string | null): string[] {
  const texts: string[] = []
  for (const { recognizedText } of media) if (recognizedText) texts.push(recognizedText)
  if (searchQuery) texts.push(searchQuery)
  return texts
}
