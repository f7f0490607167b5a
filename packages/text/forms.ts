import type { TextForm } from '@wardline/events'
import { phonetic } from './phonetic.ts'
import { foldCodePoint, SPLIT_CHARACTERS } from './text-tables.ts'

/** Longest run of one character that the folded form keeps; digits are kept all, since they may be a number. */
const LONGEST_RUN = 2

/** A text in another form while it is made: its characters and the original offset of each, in UTF-16 code units. */
export interface MappedText {
  readonly text: string
  /** Original offset of each code unit of `text`. */
  readonly offsets: Int32Array
}

/** The text with lone surrogates replaced by U+FFFD, so that offsets mean the same to every reader. */
export const wellFormed = (text: string): string => text.toWellFormed()

/** The comparison forms of a text, each with its way back. Linear in the length. Empty for an empty text. */
export function makeForms(text: string): TextForm[] {
  if (text === '') return []
  const folded = fold(text)
  return [
    { form: 'FOLDED', text: folded.text, map: encodeMap(folded, text) },
    { form: 'PHONETIC', ...withMap(phonetic(folded), text) },
  ]
}

const withMap = (mapped: MappedText, original: string) => ({
  text: mapped.text,
  map: encodeMap(mapped, original),
})

// Folded code points by code point of the first plane, filled as they are met: the tables behind are slow to ask.
const folds: (string | undefined)[] = new Array(0x10000)

function foldOf(codePoint: number): string {
  if (codePoint > 0xffff) return foldCodePoint(codePoint)
  const known = folds[codePoint]
  if (known !== undefined) return known
  return (folds[codePoint] = foldCodePoint(codePoint))
}

/**
 * The folded form: see foldCodePoint for single characters; then split characters are put together (亻尔 → 你),
 * separators between single characters are dropped (加.微.信 → 加微信), and runs are cut.
 */
export function fold(text: string): MappedText {
  const units: string[] = []
  const offsets: number[] = []
  // Plain loop over code points: this runs for every text of the feed.
  for (let i = 0; i < text.length; ) {
    const codePoint = text.codePointAt(i)!
    const folded = foldOf(codePoint)
    for (let k = 0; k < folded.length; k++) {
      units.push(folded[k]!)
      offsets.push(i)
    }
    i += codePoint > 0xffff ? 2 : 1
  }
  joinSplitCharacters(units, offsets)
  dropSeparators(units, offsets)
  cutRuns(units, offsets)
  return { text: units.join(''), offsets: Int32Array.from(offsets) }
}

function joinSplitCharacters(units: string[], offsets: number[]): void {
  let out = 0
  for (let i = 0; i < units.length; i++, out++) {
    const whole = i + 1 < units.length ? SPLIT_CHARACTERS.get(units[i]!)?.get(units[i + 1]!) : undefined
    units[out] = whole ?? units[i]!
    offsets[out] = offsets[i]!
    if (whole !== undefined) i++
  }
  units.length = out
  offsets.length = out
}

/** 0: ends a word or a sentence and stays. 1: only between two single characters. 2: also beside one single character. */
function separatorStrength(unit: string): 0 | 1 | 2 {
  switch (unit) {
    case ' ':
    case '.':
    case '·':
    case '•':
    case '-':
    case '_':
    case '*':
    case '~':
    case '|':
    case '/':
    case '\\':
    case '^':
    case '`':
    case '=':
    case '#':
      return 2
    case ',':
    case '、':
    case ':':
    case ';':
    case '(':
    case ')':
    case '[':
    case ']':
    case '【':
    case '】':
    case '<':
    case '>':
    case "'":
    case '"':
      return 1
    default:
      return 0
  }
}

/** Han characters. */
export function isHan(code: number): boolean {
  return (code >= 0x4e00 && code <= 0x9fff) || (code >= 0x3400 && code <= 0x4dbf)
}
const HAN_DIGITS = '零〇一二三四五六七八九'
const isDigit = (code: number) => code >= 0x30 && code <= 0x39

/**
 * Drops runs of separators inside of a word that was pulled apart. Between Han characters: where the piece on one
 * side (both, for weak separators) is a single character. Between digits: always for strong ones. Latin words keep theirs.
 */
function dropSeparators(units: string[], offsets: number[]): void {
  let out = 0
  /** Length of the Han piece that ends at `out`. */
  let piece = 0
  for (let i = 0; i < units.length; ) {
    const unit = units[i]!
    const strength = separatorStrength(unit)
    if (strength === 0 || out === 0) {
      piece = isHan(unit.charCodeAt(0)) ? piece + 1 : 0
      units[out] = unit
      offsets[out++] = offsets[i++]!
      continue
    }
    let end = i
    let weakest: number = strength
    while (end < units.length && separatorStrength(units[end]!) !== 0) {
      weakest = Math.min(weakest, separatorStrength(units[end]!))
      end++
    }
    const before = units[out - 1]!.charCodeAt(0)
    const after = end < units.length ? units[end]!.charCodeAt(0) : 0
    let drop = false
    if (isHan(before) && isHan(after)) {
      const nextIsSingle = end + 1 >= units.length || !isHan(units[end + 1]!.charCodeAt(0))
      drop = weakest === 2 ? piece === 1 || nextIsSingle : piece === 1 && nextIsSingle
    } else if (isDigit(before) && isDigit(after)) {
      drop = weakest === 2
    }
    if (drop) {
      // The next character is a piece of its own still: in 来加.微.信聊 the second dot goes too.
      piece = 0
      i = end
      continue
    }
    for (; i < end; i++) {
      units[out] = units[i]!
      offsets[out++] = offsets[i]!
    }
    piece = 0
  }
  units.length = out
  offsets.length = out
}

function cutRuns(units: string[], offsets: number[]): void {
  let out = 0
  let run = 0
  for (let i = 0; i < units.length; i++) {
    const unit = units[i]!
    run = out > 0 && units[out - 1] === unit ? run + 1 : 1
    if (run > LONGEST_RUN && !isDigit(unit.charCodeAt(0)) && !HAN_DIGITS.includes(unit)) continue
    units[out] = unit
    offsets[out++] = offsets[i]!
  }
  units.length = out
  offsets.length = out
}

/** Pairs (offset in the form, offset in the original) where the two cease to run side by side; empty where form and original are equal. */
function encodeMap(mapped: MappedText, original: string): number[] {
  const { text, offsets } = mapped
  if (text === original) return []
  const map: number[] = []
  let expected = -1
  for (let i = 0; i < offsets.length; i++) {
    const offset = offsets[i]!
    if (offset !== expected) map.push(i, offset)
    expected = offset + 1
  }
  return map
}

/** The way back of a form: original offset of each of its code units. */
export function decodeMap(form: TextForm): Int32Array {
  const offsets = new Int32Array(form.text.length)
  if (form.map.length === 0) {
    for (let i = 0; i < offsets.length; i++) offsets[i] = i
    return offsets
  }
  for (let pair = 0; pair < form.map.length; pair += 2) {
    const from = form.map[pair]!
    const original = form.map[pair + 1]!
    const until = form.map[pair + 2] ?? offsets.length
    for (let i = from; i < until; i++) offsets[i] = original + (i - from)
  }
  return offsets
}

/** Range of the original that a range of a form stands for. `original` is the text that the form was made of. */
export function originalSpan(
  offsets: Int32Array,
  start: number,
  end: number,
  original: string,
): [number, number] {
  const first = offsets[start] ?? original.length
  const last = offsets[end - 1] ?? first
  const codePoint = original.codePointAt(last) ?? 0
  return [first, Math.min(original.length, last + (codePoint > 0xffff ? 2 : 1))]
}
