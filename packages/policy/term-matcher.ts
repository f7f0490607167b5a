import { readFileSync } from 'node:fs'
import type { Span, TextForm } from '@wardline/events'
import { decodeMap, fold, isHan, originalSpan, phonetic } from '@wardline/text'
import { Automaton } from './automaton.ts'
import { cutsWord } from './word-boundary.ts'

/** Confidence in a hit by how far the matched form is from what was written. */
export const CONFIDENCE = {
  exact: 1,
  folded: 0.95,
  /** Digits and signs for letters: sh1t. */
  leet: 0.85,
  /** Written out in Latin letters, in part or as a whole. */
  pinyin: 0.85,
  /** The same sound in other characters. */
  homophone: 0.8,
  /** Two characters changed places. */
  swapped: 0.75,
  /** Few syllables sound like other words often enough to need a second sign. */
  shortPinyin: 0.62,
  shortHomophone: 0.62,
  shortSwapped: 0.62,
  /** First letters of the syllables, four and more; three. */
  initials: 0.62,
  shortInitials: 0.5,
} as const
/** What is left of the confidence where a dictionary word crosses an end of the hit. */
const CUT = 0.4
/** Hits of a text that are looked at for word boundaries; the others count in full. */
const MOST_BOUNDARY_CHECKS = 8
/** Fewest syllables for a match by sound, in characters of another sound and in Latin letters. */
const LEAST_SYLLABLES = 3
const LEAST_LATIN_SYLLABLES = 2
/** Two syllables that everyday Chinese is full of (data/README.md): in Latin letters they are no sign, meiyou is 没有. */
export const EVERYDAY_SOUNDS: ReadonlySet<string> = new Set(
  readFileSync(new URL('data/everyday-sounds.txt', import.meta.url), 'utf8').split('\n'),
)
/** How far before a hit a negation reaches, code units, within the same clause. */
const NEGATION_REACH = 8
const LATIN_NEGATION_REACH = 24
/** Context never takes more than this from a hit. */
const LEAST_CONTEXT = 0.25
const MOST_SPANS = 8

export interface MatcherTerm {
  readonly term: string
  /** Highest weight that any rule gives the term. */
  readonly weight: number
  /** Numbers of the rules that use it. */
  readonly rules: readonly number[]
}

/** A phrase that makes less of a hit, and what it leaves of the confidence. */
export interface ContextPhrase {
  readonly term: string
  readonly weight: number
}

export interface MatcherPolicy {
  readonly terms: readonly MatcherTerm[]
  /** Innocent phrases: a hit inside of one does not count. */
  readonly allow: readonly string[]
  /** Phrases before a hit in the same clause: negation, warning. */
  readonly negations: readonly ContextPhrase[]
  /** Phrases anywhere in the text: news, reporting, help offered. */
  readonly contexts: readonly ContextPhrase[]
}

/** What was found in the texts of one event. Read before the next event: the memory is used again. */
export class TermHits {
  readonly #confidence: Float64Array
  /** Pairs start, end in the text by term. */
  readonly #ranges: (number[] | undefined)[]
  readonly #found: number[] = []

  constructor(terms: number) {
    this.#confidence = new Float64Array(terms)
    this.#ranges = new Array(terms)
  }

  /** Numbers of the terms found, in order of the first hit. */
  get found(): readonly number[] {
    return this.#found
  }

  confidence(term: number): number {
    return this.#confidence[term]!
  }

  /** Pairs start, end of the term's hits in the event's text. */
  ranges(term: number): readonly number[] {
    return this.#ranges[term] ?? NO_RANGES
  }

  clear(): void {
    for (const term of this.#found) {
      this.#confidence[term] = 0
      this.#ranges[term] = undefined
    }
    this.#found.length = 0
  }

  /** Whether another hit of the term would still say something. */
  wants(term: number, confidence: number): boolean {
    return this.#confidence[term]! < confidence || (this.#ranges[term]?.length ?? 0) < MOST_SPANS * 2
  }

  add(term: number, confidence: number, span: Span | null): void {
    if (this.#confidence[term] === 0) this.#found.push(term)
    if (confidence > this.#confidence[term]!) this.#confidence[term] = confidence
    if (!span) return
    const ranges = this.#ranges[term]
    if (!ranges) {
      this.#ranges[term] = [span.start, span.end]
      return
    }
    if (ranges.length >= MOST_SPANS * 2) return
    for (let i = 0; i < ranges.length; i += 2)
      if (ranges[i] === span.start && ranges[i + 1] === span.end) return
    ranges.push(span.start, span.end)
  }
}

const NO_RANGES: readonly number[] = []

export interface TermMatcher {
  /** Adds what is found in a text and its forms; spans are in the text. Linear in its length. */
  match(text: string, forms: readonly TextForm[], hits: TermHits, withSpans: boolean): void
}

const isLatin = (code: number) => code >= 0x61 && code <= 0x7a
const isDigit = (code: number) => code >= 0x30 && code <= 0x39
const isAlphanumeric = (code: number) => isLatin(code) || isDigit(code)

/** A term that begins or ends with a letter or a digit is no part of a longer word or number. */
function isWhole(text: string, start: number, end: number): boolean {
  const first = text.charCodeAt(start)
  if (start > 0 && isAlphanumeric(first) && isAlphanumeric(text.charCodeAt(start - 1))) return false
  const last = text.charCodeAt(end - 1)
  return !(end < text.length && isAlphanumeric(last) && isAlphanumeric(text.charCodeAt(end)))
}

const isHanOnly = (text: string) => {
  for (let i = 0; i < text.length; i++) if (!isHan(text.charCodeAt(i))) return false
  return true
}

/** Neighbours that changed places: 微加信, 加信微. Patterns to the number of the term. */
function swappedSpellings(terms: readonly string[]): Map<string, number> {
  const known = new Set(terms)
  const spellings = new Map<string, number>()
  for (const [number, term] of terms.entries()) {
    if (term.length < 3 || term.length > 8 || !isHanOnly(term)) continue
    for (let i = 0; i + 1 < term.length; i++) {
      if (term[i] === term[i + 1]) continue
      const swapped = term.slice(0, i) + term[i + 1] + term[i] + term.slice(i + 2)
      if (!known.has(swapped)) spellings.set(swapped, number)
    }
  }
  return spellings
}

/** Compiles terms, allow-phrases and context. `terms` are numbered as given. */
export function createTermMatcher(policy: MatcherPolicy): TermMatcher {
  const terms = policy.terms.map(({ term }) => fold(term).text)
  const swapped = [...swappedSpellings(terms)]
  const allow = policy.allow.map((phrase) => fold(phrase).text)
  const negations = policy.negations.map(({ term }) => fold(term).text)
  const contexts = policy.contexts.map(({ term }) => fold(term).text)
  // One automaton for all that is looked for in the folded form; a pattern's place says what it is.
  const firstSwapped = terms.length
  const firstAllow = firstSwapped + swapped.length
  const firstNegation = firstAllow + allow.length
  const firstContext = firstNegation + negations.length
  const foldedMatcher = new Automaton([
    ...terms,
    ...swapped.map(([spelling]) => spelling),
    ...allow,
    ...negations,
    ...contexts,
  ])

  const sounds = terms.map((term) => {
    if (!isHanOnly(term) || term.length < LEAST_LATIN_SYLLABLES) return ''
    return phonetic(fold(term)).text
  })
  // Terms that sound alike are one pattern.
  const termsOfSound = new Map<string, number[]>()
  for (const [number, sound] of sounds.entries()) {
    if (sound === '') continue
    const known = termsOfSound.get(sound)
    if (known) known.push(number)
    else termsOfSound.set(sound, [number])
  }
  // One disguised word is one sign for a rule, whichever of its spellings are listed.
  const oncePerRule = (numbers: readonly number[]): number[] => {
    const covered = new Set<number>()
    return [...numbers]
      .sort((a, b) => policy.terms[b]!.weight - policy.terms[a]!.weight)
      .filter((number) => {
        const { rules } = policy.terms[number]!
        const isNew = rules.some((rule) => !covered.has(rule))
        for (const rule of rules) covered.add(rule)
        return isNew
      })
  }
  const soundPatterns = [...termsOfSound.keys()]
  const soundTerms = [...termsOfSound.values()].map(oncePerRule)
  const soundSyllables = soundTerms.map((numbers) => terms[numbers[0]!]!.length)
  const isEveryday = soundPatterns.map((sound) => EVERYDAY_SOUNDS.has(sound.trim()))
  const phoneticMatcher = new Automaton(soundPatterns)

  // First letters; those with a vowel among them look like words of other languages.
  const termsOfInitials = new Map<string, number[]>()
  let longestInitials = 0
  for (const [sound, numbers] of termsOfSound) {
    const initials = sound
      .trim()
      .split(' ')
      .map((syllable) => syllable[0])
      .join('')
    if (initials.length < 3 || /[aeiou]/.test(initials)) continue
    const strong = numbers.filter((number) => policy.terms[number]!.weight >= 0.55)
    if (strong.length === 0) continue
    termsOfInitials.set(initials, oncePerRule([...(termsOfInitials.get(initials) ?? []), ...strong]))
    longestInitials = Math.max(longestInitials, initials.length)
  }

  const isLatinTerm = terms.map((term) => term.length >= 4 && /^[a-z ]+$/.test(term))
  const isShortHan = terms.map((term) => term.length <= 3 && isHanOnly(term))

  // Work space, used again: ranges of allow-phrases and of negations in the folded form, in order of the ends.
  const allowed: number[] = []
  const negated: number[] = []
  /** Triples (term, start, end in the original) of the hits in the folded form, in order of the ends. */
  const written: number[] = []
  /** By index of an allowed range: the least start among it and all that end later. */
  let reach: number[] = []

  return {
    match(text, forms, hits, withSpans) {
      const folded = forms.find((form) => form.form === 'FOLDED')
      if (!folded) return
      const foldedText = folded.text
      let offsets: Int32Array | undefined
      const spanOf = (start: number, end: number): Span => {
        offsets ??= decodeMap(folded)
        const [from, to] = originalSpan(offsets, start, end, text)
        return { start: from, end: to }
      }

      const count = foldedMatcher.scan(foldedText)
      const found = foldedMatcher.hits
      let context = 1
      let termHits = 0
      allowed.length = 0
      negated.length = 0
      written.length = 0
      for (let i = 0; i < count; i++) {
        const pattern = found[i * 2]!
        const end = found[i * 2 + 1]!
        const start = end - foldedMatcher.lengths[pattern]!
        if (pattern < firstAllow) termHits++
        else if (!isWhole(foldedText, start, end)) continue
        else if (pattern < firstNegation) allowed.push(start, end)
        else if (pattern < firstContext) negated.push(start, end, pattern - firstNegation)
        else context = Math.min(context, policy.contexts[pattern - firstContext]!.weight)
      }
      reach = allowReach(allowed, reach)

      if (termHits > 0) {
        let allowAt = 0
        let negationAt = 0
        let checks = 0
        for (let i = 0; i < count; i++) {
          let term = found[i * 2]!
          if (term >= firstAllow) continue
          const end = found[i * 2 + 1]!
          const start = end - foldedMatcher.lengths[term]!
          while (allowAt * 2 < allowed.length && allowed[allowAt * 2 + 1]! < end) allowAt++
          // A range that ends here or later and begins here or earlier holds the hit.
          if (allowAt * 2 < allowed.length && reach[allowAt]! <= start) continue
          if (!isWhole(foldedText, start, end)) continue
          while (negationAt * 3 < negated.length && negated[negationAt * 3 + 1]! <= start) negationAt++
          let confidence: number
          if (term >= firstSwapped) {
            term = swapped[term - firstSwapped]![1]
            confidence = terms[term]!.length > 3 ? CONFIDENCE.swapped : CONFIDENCE.shortSwapped
          } else confidence = CONFIDENCE.folded
          confidence *= Math.max(LEAST_CONTEXT, context * negationBefore(foldedText, start, negationAt))
          const span = spanOf(start, end)
          if (isEmoticons(text, span.start, span.end)) continue
          written.push(term, span.start, span.end)
          if (!hits.wants(term, confidence)) continue
          if (isShortHan[term] && checks < MOST_BOUNDARY_CHECKS) {
            checks++
            if (cutsWord(foldedText, start, end)) confidence *= CUT
          }
          if (found[i * 2] === term && text.slice(span.start, span.end).toLowerCase() === terms[term])
            confidence *= CONFIDENCE.exact / CONFIDENCE.folded
          hits.add(term, confidence, withSpans ? span : null)
        }
      }
      // What the scans below note is weaker; found is theirs from here on.
      matchLatin(foldedText, context, hits, withSpans ? spanOf : null)
      const sounding = forms.find((form) => form.form === 'PHONETIC')
      if (sounding) matchSound(text, sounding, context, hits, withSpans, spanOf)
    },
  }

  /** As negationBefore, for a place in the original. */
  function negationBeforeSound(
    text: string,
    from: number,
    until: number,
    spanOf: (start: number, end: number) => Span,
  ): number {
    if (until === 0) return 1
    const ends: number[] = []
    for (let k = Math.max(0, until - 4); k < until; k++)
      ends.push(spanOf(negated[k * 3]!, negated[k * 3 + 1]!).end)
    return clauseLeft(text, from, until, (k) => ends[k - Math.max(0, until - 4)]!)
  }

  /** What the negations before a place in the same clause leave of the confidence. `until` counts those that end before it. */
  function negationBefore(folded: string, start: number, until: number): number {
    return clauseLeft(folded, start, until, (k) => negated[k * 3 + 1]!)
  }

  function clauseLeft(folded: string, start: number, until: number, endOf: (k: number) => number): number {
    let left = 1
    const reach = isLatin(folded.charCodeAt(start) | 0x20) ? LATIN_NEGATION_REACH : NEGATION_REACH
    for (let k = until - 1; k >= 0 && k >= until - 4; k--) {
      const end = endOf(k)
      if (start - end > reach) break
      let sameClause = true
      for (let i = end; i < start && sameClause; i++) sameClause = !'，,。.！!？?；;'.includes(folded[i]!)
      if (sameClause) left = Math.min(left, policy.negations[negated[k * 3 + 2]!]!.weight)
    }
    return left
  }

  /** Initials and leetspeak: words of Latin letters and digits only. */
  function matchLatin(
    folded: string,
    context: number,
    hits: TermHits,
    spanOf: ((start: number, end: number) => Span) | null,
  ): void {
    let hasLeet = false
    for (let i = 0; i < folded.length; ) {
      if (!isAlphanumeric(folded.charCodeAt(i))) {
        i++
        continue
      }
      let end = i
      let letters = 0
      for (; end < folded.length && isAlphanumeric(folded.charCodeAt(end)); end++)
        if (isLatin(folded.charCodeAt(end))) letters++
      const length = end - i
      if (letters === length) {
        if (length >= 3 && length <= longestInitials) {
          for (const term of termsOfInitials.get(folded.slice(i, end)) ?? [])
            hits.add(
              term,
              context * (length > 3 ? CONFIDENCE.initials : CONFIDENCE.shortInitials),
              spanOf?.(i, end) ?? null,
            )
        }
      } else if (letters > 0 && length >= 4) hasLeet = true
      const next = folded.charCodeAt(end)
      if (letters > 0 && (next === 0x24 || next === 0x40 || next === 0x21)) hasLeet = true
      i = end
    }
    if (!hasLeet) return
    for (const one of ['i', 'l']) {
      const plain = unleet(folded, one)
      const count = foldedMatcher.scan(plain)
      const found = foldedMatcher.hits
      for (let i = 0; i < count; i++) {
        const term = found[i * 2]!
        if (term >= firstSwapped || !isLatinTerm[term]) continue
        const end = found[i * 2 + 1]!
        const start = end - foldedMatcher.lengths[term]!
        if (!isWhole(plain, start, end) || !hits.wants(term, CONFIDENCE.leet * context)) continue
        if (plain.slice(start, end) === folded.slice(start, end)) continue
        hits.add(term, CONFIDENCE.leet * context, spanOf?.(start, end) ?? null)
      }
      if (!folded.includes('1')) break
    }
  }

  function matchSound(
    text: string,
    sounding: TextForm,
    context: number,
    hits: TermHits,
    withSpans: boolean,
    spanOf: (start: number, end: number) => Span,
  ): void {
    const sound = sounding.text
    const count = phoneticMatcher.scan(sound)
    if (count === 0) return
    const found = phoneticMatcher.hits
    const offsets = decodeMap(sounding)
    let allowAt = 0
    let negationAt = 0
    let writtenAt = 0
    for (let i = 0; i < count; i++) {
      const pattern = found[i * 2]!
      const end = found[i * 2 + 1]!
      const start = end - phoneticMatcher.lengths[pattern]!
      if (start > 0 && sound.charCodeAt(start - 1) !== 0x20) continue
      const [from, to] = originalSpan(offsets, start, end, text)
      if (isEmoticons(text, from, to)) continue
      const syllables = soundSyllables[pattern]!
      const latin = latinShare(text, from, to)
      if (latin === 0 ? syllables < LEAST_SYLLABLES : syllables < LEAST_LATIN_SYLLABLES) continue
      if (latin === 1 && isEveryday[pattern]) continue
      const isShort = latin > 0 ? syllables < LEAST_SYLLABLES : syllables <= LEAST_SYLLABLES
      while (
        negationAt * 3 < negated.length &&
        spanOf(negated[negationAt * 3]!, negated[negationAt * 3 + 1]!).end <= from
      )
        negationAt++
      const left = Math.max(LEAST_CONTEXT, context * negationBeforeSound(text, from, negationAt, spanOf))
      const confidence =
        left *
        (latin > 0
          ? isShort
            ? CONFIDENCE.shortPinyin
            : CONFIDENCE.pinyin
          : isShort
            ? CONFIDENCE.shortHomophone
            : CONFIDENCE.homophone)
      // What is allowed as it is written is not forbidden by its sound.
      while (
        allowAt * 2 < allowed.length &&
        spanOf(allowed[allowAt * 2]!, allowed[allowAt * 2 + 1]!).end < to
      )
        allowAt++
      if (allowAt * 2 < allowed.length) {
        const first = reach[allowAt]!
        if (spanOf(first, first + 1).start <= from) continue
      }
      while (writtenAt * 3 < written.length && written[writtenAt * 3 + 2]! < to) writtenAt++
      for (const term of soundTerms[pattern]!) {
        // What is written as it is listed has been judged as such.
        let isWritten = false
        for (let k = writtenAt * 3; k < written.length && written[k + 2] === to && !isWritten; k += 3)
          isWritten = written[k] === term && written[k + 1] === from
        if (isWritten || !hits.wants(term, confidence)) continue
        hits.add(term, confidence, withSpans ? { start: from, end: to } : null)
      }
    }
  }
}

/** Whether a range of the original is one emoticon's name again and again: 色][色 in [色][色] is a face, no word. */
function isEmoticons(text: string, from: number, to: number): boolean {
  if (text[from - 1] !== '[' || text[to] !== ']') return false
  const names = text.slice(from, to).split('][')
  return names.length > 1 && names.every((name) => name === names[0])
}

/** By index of a range (pairs start, end; ends ascending): the least start among it and all after it. */
function allowReach(allowed: readonly number[], reach: number[]): number[] {
  const ranges = allowed.length / 2
  reach.length = ranges
  let least = Number.POSITIVE_INFINITY
  for (let i = ranges - 1; i >= 0; i--) {
    least = Math.min(least, allowed[i * 2]!)
    reach[i] = least
  }
  return reach
}

/** Share of Latin letters in a range of the original, its spaces left out. */
function latinShare(text: string, from: number, to: number): number {
  let latin = 0
  let all = 0
  for (let i = from; i < to; i++) {
    const code = text.charCodeAt(i)
    if (code === 0x20) continue
    all++
    if (isLatin(code | 0x20)) latin++
  }
  return all === 0 ? 0 : latin / all
}

const LEET: Readonly<Record<string, string>> = {
  '0': 'o',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '8': 'b',
  '@': 'a',
  $: 's',
  '!': 'i',
}

/** Letters for the digits and signs that stand in a word of Latin letters; as long as the text. `one` is what 1 stands for. */
function unleet(folded: string, one: string): string {
  const out: string[] = []
  for (let i = 0; i < folded.length; ) {
    const start = i
    let letters = 0
    while (i < folded.length && (isAlphanumeric(folded.charCodeAt(i)) || LEET[folded[i]!] !== undefined)) {
      if (isLatin(folded.charCodeAt(i))) letters++
      i++
    }
    for (let k = start; k < i; k++) {
      const unit = folded[k]!
      out.push(letters === 0 ? unit : unit === '1' ? one : (LEET[unit] ?? unit))
    }
    if (i < folded.length) out.push(folded[i++]!)
  }
  return out.join('')
}
