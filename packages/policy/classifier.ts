import type {
  Category,
  CategoryScore,
  Media,
  NormalizedEvent,
  RuleHit,
  RuleMode,
  Span,
  TextForm,
} from '@wardline/events'
import { decodeMap, fold, makeForms, originalSpan, phonetic } from '@wardline/text'
import { Automaton } from './automaton.ts'
import { findContactHandles } from './contact-handles.ts'
import type { Policy } from './load.ts'
import type { Rule } from './rules.ts'

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
}

/** Confidence in a hit by how far the matched form is from what was written. */
const EXACT = 1
const FOLDED = 0.95
const PHONETIC = 0.8
/** Three syllables sound like other words often enough to need a second sign. */
const PHONETIC_SHORT = 0.62
/** Fewer syllables sound like too much else. */
const LEAST_SYLLABLES = 3
const MOST_SPANS = 8

interface CompiledRule {
  readonly rule: Rule
  readonly mode: RuleMode
  readonly from: number
  readonly until: number
  readonly kinds: ReadonlySet<string> | null
  readonly hasText: boolean
}

interface TermUse {
  readonly rule: number
  readonly weight: number
}

/** What was found in the texts of one event, by term. */
interface TermHit {
  confidence: number
  readonly spans: Span[]
}

/** Compiles a policy. The result holds no state between events. */
export function createClassifier(policy: Policy): Classifier {
  const rules = policy.rules.filter((rule) => rule.mode === 'live' || rule.mode === 'shadow').map(compileRule)
  const terms: string[] = []
  const uses: TermUse[][] = []
  const indexOf = new Map<string, number>()
  const use = (term: string, rule: number, weight: number) => {
    const folded = fold(term).text
    let index = indexOf.get(folded)
    if (index === undefined) {
      index = terms.length
      indexOf.set(folded, index)
      terms.push(folded)
      uses.push([])
    }
    uses[index]!.push({ rule, weight })
  }
  for (const [i, { rule }] of rules.entries()) {
    for (const term of rule.when.terms ?? []) use(term, i, rule.weight)
    for (const { term, weight } of (rule.when.lexicon && policy.lexicons.get(rule.when.lexicon)) || [])
      use(term, i, weight)
  }

  const allow = policy.allow.map((phrase) => fold(phrase).text)
  const foldedMatcher = new Automaton([...terms, ...allow])
  const sounds = terms.map((term) => {
    const { text } = phonetic(fold(term))
    const syllables = text.split(' ').length - 1
    // A term with letters or digits in it is matched as it is written; its sound would be mostly spelling.
    return syllables >= LEAST_SYLLABLES && !/[0-9/]/.test(text) && /^\P{ASCII}+$/u.test(term) ? text : ''
  })
  const phoneticMatcher = new Automaton(sounds)
  const soundConfidence = sounds.map((sound) =>
    sound.split(' ').length - 1 > LEAST_SYLLABLES ? PHONETIC : PHONETIC_SHORT,
  )
  const thresholdOf = (category: Category) =>
    policy.thresholds.categories[category as keyof typeof policy.thresholds.categories] ??
    policy.thresholds.default

  const findTerms = (
    text: string,
    forms: readonly TextForm[],
    isMain: boolean,
    hits: Map<number, TermHit>,
  ) => {
    const folded = forms.find((form) => form.form === 'FOLDED')
    if (!folded) return
    let offsets: Int32Array | undefined
    const allowed: [number, number][] = []
    const found: { term: number; start: number; end: number }[] = []
    foldedMatcher.scan(folded.text, (pattern, end) => {
      const start = end - foldedMatcher.lengths[pattern]!
      if (pattern >= terms.length) allowed.push([start, end])
      else if (isWhole(folded.text, start, end)) found.push({ term: pattern, start, end })
    })
    for (const { term, start, end } of found) {
      if (allowed.some(([from, to]) => from <= start && end <= to)) continue
      offsets ??= decodeMap(folded)
      const [from, to] = originalSpan(offsets, start, end, text)
      note(
        hits,
        term,
        text.slice(from, to) === terms[term] ? EXACT : FOLDED,
        isMain ? { start: from, end: to } : null,
      )
    }

    const sounding = forms.find((form) => form.form === 'PHONETIC')
    if (!sounding) return
    let soundOffsets: Int32Array | undefined
    const isAllowed = (from: number, to: number) =>
      allowed.some(([start, end]) => {
        offsets ??= decodeMap(folded)
        const [first, last] = originalSpan(offsets, start, end, text)
        return first <= from && to <= last
      })
    phoneticMatcher.scan(sounding.text, (term, end) => {
      const start = end - phoneticMatcher.lengths[term]!
      if (start > 0 && sounding.text[start - 1] !== ' ') return
      if ((hits.get(term)?.confidence ?? 0) >= soundConfidence[term]!) return
      soundOffsets ??= decodeMap(sounding)
      const [from, to] = originalSpan(soundOffsets, start, end, text)
      // What is allowed as it is written is not forbidden by its sound.
      if (isAllowed(from, to)) return
      note(hits, term, soundConfidence[term]!, isMain ? { start: from, end: to } : null)
    })
  }

  return {
    policyVersion: policy.version,
    modelVersion: null,
    classify(event) {
      const hits = new Map<number, TermHit>()
      findTerms(event.text, event.forms, true, hits)
      for (const text of otherTexts(event.media, event.searchQuery))
        findTerms(text, makeForms(text), false, hits)

      // Share of doubt that each rule's terms leave: the product of 1 - weight.
      const doubt = new Map<number, number>()
      const spansOf = new Map<number, Span[]>()
      for (const [term, { confidence, spans }] of hits) {
        for (const { rule, weight } of uses[term]!) {
          doubt.set(rule, (doubt.get(rule) ?? 1) * (1 - weight * confidence))
          const known = spansOf.get(rule)
          if (known) known.push(...spans)
          else spansOf.set(rule, [...spans])
        }
      }

      let contact: Span[] | undefined
      const contactSpans = () => (contact ??= handlesOf(event))
      const ruleHits: RuleHit[] = []
      const signals: string[] = []
      const categoryDoubt = new Map<Category, number>()
      for (const [i, compiled] of rules.entries()) {
        const { rule, mode } = compiled
        const textDoubt = doubt.get(i) ?? 1
        if (compiled.hasText && textDoubt === 1) continue
        if (!applies(compiled, event) || !metadataHolds(rule, event, contactSpans)) continue
        const score = 1 - textDoubt * (1 - (rule.score ?? 0))
        if (score < rule.threshold) continue
        if (rule.signal !== undefined) {
          if (mode === 'LIVE' && !signals.includes(rule.signal)) signals.push(rule.signal)
          continue
        }
        const spans = spansOf.get(i) ?? []
        if (rule.when.contactHandle) spans.push(...contactSpans())
        ruleHits.push({
          ruleId: rule.id,
          item: rule.item,
          category: rule.category,
          score,
          mode,
          spans: spans.slice(0, MOST_SPANS),
        })
        if (mode === 'LIVE')
          categoryDoubt.set(rule.category, (categoryDoubt.get(rule.category) ?? 1) * (1 - score))
      }
      return { ...decide(categoryDoubt, thresholdOf), ruleHits, signals }
    },
  }
}

function decide(categoryDoubt: ReadonlyMap<Category, number>, thresholdOf: (category: Category) => number) {
  const scores: CategoryScore[] = []
  let category: Category = 'benign'
  let best = 0
  let highest = 0
  for (const [candidate, doubt] of categoryDoubt) {
    const score = 1 - doubt
    scores.push({ category: candidate, score })
    if (score > highest) highest = score
    if (score >= thresholdOf(candidate) && score > best) {
      best = score
      category = candidate
    }
  }
  return { category, score: category === 'benign' ? highest : best, scores }
}

function compileRule(rule: Rule): CompiledRule {
  return {
    rule,
    mode: rule.mode === 'live' ? 'LIVE' : 'SHADOW',
    from: rule.from === undefined ? Number.NEGATIVE_INFINITY : Date.parse(rule.from),
    until: rule.until === undefined ? Number.POSITIVE_INFINITY : Date.parse(rule.until),
    kinds: rule.kinds ? new Set(rule.kinds) : null,
    hasText: rule.when.lexicon !== undefined || rule.when.terms !== undefined,
  }
}

function applies({ from, until, kinds }: CompiledRule, event: ClassifierInput): boolean {
  return event.occurredAt >= from && event.occurredAt < until && (kinds === null || kinds.has(event.kind))
}

function metadataHolds(rule: Rule, event: ClassifierInput, contactSpans: () => Span[]): boolean {
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
    if (event.links.length === 0 && !containsLink(event.text)) return false
  } else if (links) {
    if (!event.links.some((link) => links.some((host) => hostMatches(link, host)))) return false
  }
  return !contactHandle || contactSpans().length > 0
}

const containsLink = (text: string) => /https?:\/\/[^\s]/i.test(text)

/** Whether a link leads to a host or to one below it. */
function hostMatches(link: string, host: string): boolean {
  const at = link.indexOf('://')
  const authority = (at === -1 ? link : link.slice(at + 3)).split(/[/?#:]/, 1)[0]!.toLowerCase()
  return authority === host || authority.endsWith(`.${host}`)
}

function handlesOf(event: ClassifierInput): Span[] {
  const folded = event.forms.find((form) => form.form === 'FOLDED')
  if (!folded) return []
  const handles = findContactHandles(folded.text)
  if (handles.length === 0) return []
  const offsets = decodeMap(folded)
  return handles.map(({ start, end }) => {
    const [from, to] = originalSpan(offsets, start, end, event.text)
    return { start: from, end: to }
  })
}

function note(hits: Map<number, TermHit>, term: number, confidence: number, span: Span | null): void {
  const known = hits.get(term)
  if (!known) {
    hits.set(term, { confidence, spans: span ? [span] : [] })
    return
  }
  if (confidence > known.confidence) known.confidence = confidence
  if (span && known.spans.length < MOST_SPANS) known.spans.push(span)
}

const isLatinOrDigit = (code: number) => (code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39)

/** A term that begins or ends with a letter or a digit is no part of a longer word or number. */
function isWhole(text: string, start: number, end: number): boolean {
  if (start > 0 && isLatinOrDigit(text.charCodeAt(start)) && isLatinOrDigit(text.charCodeAt(start - 1)))
    return false
  return !(
    end < text.length &&
    isLatinOrDigit(text.charCodeAt(end - 1)) &&
    isLatinOrDigit(text.charCodeAt(end))
  )
}

function otherTexts(media: readonly Media[], searchQuery: string | null): string[] {
  const texts: string[] = []
  for (const { recognizedText } of media) if (recognizedText) texts.push(recognizedText)
  if (searchQuery) texts.push(searchQuery)
  return texts
}
