import { foldCodePoint, isPicture, SPLIT_CHARACTERS, separatorStrength } from './code-points.ts'

/** Longest run of one Han character or mark that the folded form keeps; digits are kept all, since they may be a number. */
const LONGEST_RUN = 2
/** Single letters pulled apart that make a word by themselves: f u c k. Two need Han or a digit beside them: 加 v x. */
const LONE_LETTERS = 3
/** Single digits pulled apart that make a number: 1 3 8 0 0. Fewer are a version or a score. */
const LONE_DIGITS = 5
/** Doubled characters in a row that are one word: 加加微微信信. Two are everyday words: 高高兴兴. */
const DOUBLED = 3

/** A text in another form while it is made: its characters and the original offset of each, in UTF-16 code units. */
export interface MappedText {
  readonly text: string
  /** Original offset of each code unit of `text`. */
  readonly offsets: Int32Array
}

/** Code units and their original offsets in memory that is used again for the next text: read before the next call. */
export interface UnitBuffer {
  units: Uint16Array
  offsets: Int32Array
  length: number
}

// What a code unit folds to: -1 not asked yet, -2 several units or none in the first plane (see wide), else the unit; 0 is dropped.
const NOT_ASKED = -1
const WIDE = -2
const narrow = new Int32Array(0x10000).fill(NOT_ASKED)
const wide = new Map<number, string>()
/** SeparatorStrength + 1 by code unit; 0 not asked yet. */
const strengths = new Uint8Array(0x10000)

const folded: UnitBuffer = { units: new Uint16Array(1024), offsets: new Int32Array(1024), length: 0 }
// Pictures in the text: where their reading begins and ends in `folded`, and which they are.
let pictures = new Int32Array(96)

function reserve(length: number): void {
  if (length <= folded.units.length) return
  const size = Math.max(length, folded.units.length * 2)
  const units = new Uint16Array(size)
  units.set(folded.units)
  const offsets = new Int32Array(size)
  offsets.set(folded.offsets)
  folded.units = units
  folded.offsets = offsets
}

/** Han characters. */
export function isHan(code: number): boolean {
  return (code >= 0x4e00 && code <= 0x9fff) || (code >= 0x3400 && code <= 0x4dbf)
}
const isDigit = (code: number) => code >= 0x30 && code <= 0x39
const isLatin = (code: number) => code >= 0x61 && code <= 0x7a
const HAN_DIGITS: ReadonlySet<number> = new Set(
  [...'零〇一二三四五六七八九幺两洞拐壹贰叁肆伍陆柒捌玖'].map((c) => c.charCodeAt(0)),
)

function strengthOf(code: number): number {
  const known = strengths[code]!
  if (known !== 0) return known - 1
  const strength = separatorStrength(String.fromCharCode(code))
  strengths[code] = strength + 1
  return strength
}

/** The folded form; see foldUnits. */
export function fold(text: string): MappedText {
  const { offsets, length } = foldUnits(text)
  return { text: foldedText(text), offsets: offsets.slice(0, length) }
}

/** The text that foldUnits has just made of `original`. */
export function foldedText(original: string): string {
  const { units, length } = folded
  if (length === original.length) {
    let i = 0
    while (i < length && units[i] === original.charCodeAt(i)) i++
    if (i === length) return original
  }
  return Buffer.from(units.buffer, 0, length * 2).toString('utf16le')
}

/**
 * Folds a text: see foldCodePoint for single characters; then separators and repeated pictures between single
 * characters are dropped (加.微.信, 加⭐微⭐信 → 加微信), split characters are put together (亻尔 → 你) and runs are cut.
 * Linear in the length. The result is valid until the next call.
 */
export function foldUnits(text: string): UnitBuffer {
  reserve(text.length + 32)
  // Plain loop over typed arrays: this runs for every character of the feed.
  let out = 0
  let pictureCount = 0
  let hasSeparator = false
  let hasSplit = false
  let hasRun = false
  let previous = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    let unit = narrow[code]!
    if (unit >= 0) {
      if (unit === 0) continue
      if (out === folded.units.length) reserve(out + 32)
      if (unit === previous) hasRun = true
      if (startsSplit[unit] === 1) hasSplit = true
      if (strengths[unit] !== 1) hasSeparator ||= strengthOf(unit) !== 0
      folded.units[out] = previous = unit
      folded.offsets[out++] = i
      continue
    }
    const from = i
    const codePoint = text.codePointAt(i)!
    if (codePoint > 0xffff) i++
    const reading = readingOf(codePoint)
    if (reading.length === 1 && codePoint <= 0xffff && !isPicture(codePoint)) {
      i--
      continue
    }
    if (reading.length === 0) continue
    if (isPicture(codePoint)) {
      if (pictureCount * 3 === pictures.length) pictures = doubled(pictures)
      pictures[pictureCount * 3] = out
      pictures[pictureCount * 3 + 1] = out + reading.length
      pictures[pictureCount * 3 + 2] = codePoint
      pictureCount++
    }
    reserve(out + reading.length + 32)
    for (let k = 0; k < reading.length; k++) {
      unit = reading.charCodeAt(k)
      if (unit === previous) hasRun = true
      if (startsSplit[unit] === 1) hasSplit = true
      hasSeparator ||= strengthOf(unit) !== 0
      folded.units[out] = previous = unit
      folded.offsets[out++] = from
    }
  }
  folded.length = out
  if (pictureCount > 1) dropRepeatedPictures(pictureCount)
  if (hasSeparator) dropSeparators()
  if (hasSplit) joinSplitCharacters()
  // Dropping may bring equal characters together.
  if (hasRun || hasSeparator || pictureCount > 1) cutRuns()
  return folded
}

function doubled(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(array.length * 2)
  larger.set(array)
  return larger
}

/** What a code point folds to; a single unit of the first plane goes to `narrow` on the way, and the caller reads it there. */
function readingOf(codePoint: number): string {
  const known = wide.get(codePoint)
  if (known !== undefined) return known
  const reading = foldCodePoint(codePoint)
  if (codePoint <= 0xffff && !isPicture(codePoint) && reading.length < 2) {
    narrow[codePoint] = reading === '' ? 0 : reading.charCodeAt(0)
    return reading
  }
  if (codePoint <= 0xffff) narrow[codePoint] = WIDE
  wide.set(codePoint, reading)
  return reading
}

/** One picture again and again between single Han characters is a separator, whatever it shows. */
function dropRepeatedPictures(count: number): void {
  const { units, offsets, length } = folded
  let drops = 0
  for (let p = 0; p + 1 < count; p++) {
    const end = pictures[p * 3 + 1]!
    const next = pictures[p * 3 + 3]!
    const start = pictures[p * 3]!
    const nextEnd = pictures[p * 3 + 4]!
    // A negative code marks a picture that goes.
    const code = Math.abs(pictures[p * 3 + 2]!)
    if (
      code === Math.abs(pictures[p * 3 + 5]!) &&
      next - end === 1 &&
      start > 0 &&
      nextEnd < length &&
      isHan(units[start - 1]!) &&
      isHan(units[end]!) &&
      isHan(units[nextEnd]!)
    ) {
      pictures[p * 3 + 2] = -code
      pictures[p * 3 + 5] = -code
      drops++
    }
  }
  if (drops === 0) return
  let out = 0
  let p = 0
  for (let i = 0; i < length; ) {
    while (p < count && pictures[p * 3]! < i) p++
    if (p < count && pictures[p * 3] === i && pictures[p * 3 + 2]! < 0) {
      i = pictures[p * 3 + 1]!
      continue
    }
    units[out] = units[i]!
    offsets[out++] = offsets[i++]!
  }
  folded.length = out
}

/**
 * Drops runs of separators inside of a word that was pulled apart. Between Han characters: where the piece on one
 * side (both, for weak separators) is a single character. Between single letters and single digits: where there are
 * enough of them. Words of several letters keep theirs.
 */
function dropSeparators(): void {
  const { units, offsets, length } = folded
  let out = 0
  /** Length of the Han piece that ends at `out`. */
  let piece = 0
  for (let i = 0; i < length; ) {
    const unit = units[i]!
    if (strengthOf(unit) === 0) {
      if (i === 0 || !(isLatin(units[i - 1]!) || isDigit(units[i - 1]!))) {
        const end = loneChainEnd(i, length)
        if (end > i) {
          for (; i < end; i++) {
            if (strengthOf(units[i]!) !== 0) continue
            units[out] = units[i]!
            offsets[out++] = offsets[i]!
          }
          piece = 0
          continue
        }
      }
      piece = isHan(unit) ? piece + 1 : 0
      units[out] = unit
      offsets[out++] = offsets[i++]!
      continue
    }
    let end = i
    let weakest = 2
    while (end < length) {
      const strength = strengthOf(units[end]!)
      if (strength === 0) break
      if (strength < weakest) weakest = strength
      end++
    }
    if (out > 0 && end < length && isHan(units[out - 1]!) && isHan(units[end]!)) {
      const nextIsSingle = end + 1 >= length || !isHan(units[end + 1]!)
      if (weakest === 2 ? piece === 1 || nextIsSingle : piece === 1 && nextIsSingle) {
        // The next character is a piece of its own still: in 来加.微.信聊 the second dot goes too.
        piece = 0
        i = end
        continue
      }
    }
    for (; i < end; i++) {
      units[out] = units[i]!
      offsets[out++] = offsets[i]!
    }
    piece = 0
  }
  folded.length = out
}

/** End of a chain of single letters, or of single digits, parted by strong separators, that begins at `start`; `start` where there is none. */
function loneChainEnd(start: number, length: number): number {
  const { units } = folded
  const first = units[start]!
  const isKind = isLatin(first) ? isLatin : isDigit(first) ? isDigit : null
  if (isKind === null) return start
  let count = 0
  let end = start
  for (let i = start; ; ) {
    // A longer piece is no part of the chain, and the separator before it stays.
    if (i + 1 < length && (isLatin(units[i + 1]!) || isDigit(units[i + 1]!))) break
    count++
    end = i + 1
    let next = end
    while (next < length && next - end < 3 && strengthOf(units[next]!) === 2) next++
    if (next === end || next >= length || !isKind(units[next]!)) break
    i = next
  }
  if (isKind === isDigit) return count >= LONE_DIGITS ? end : start
  if (count >= LONE_LETTERS) return end
  if (count < 2) return start
  let before = start - 1
  while (before >= 0 && start - before < 3 && strengthOf(units[before]!) !== 0) before--
  let after = end
  while (after < length && after - end < 3 && strengthOf(units[after]!) !== 0) after++
  return (before >= 0 && isHan(units[before]!)) ||
    (after < length && (isHan(units[after]!) || isDigit(units[after]!)))
    ? end
    : start
}

interface Parts {
  whole: number
  readonly next: Map<number, Parts>
}

const startsSplit = new Uint8Array(0x10000)
const splits = new Map<number, Parts>()
for (const [parts, whole] of SPLIT_CHARACTERS) {
  let nodes = splits
  let node: Parts | undefined
  for (let i = 0; i < parts.length; i++) {
    const code = parts.charCodeAt(i)
    node = nodes.get(code)
    if (!node) {
      node = { whole: 0, next: new Map() }
      nodes.set(code, node)
    }
    nodes = node.next
  }
  node!.whole = whole.charCodeAt(0)
  startsSplit[parts.charCodeAt(0)] = 1
}

/** Puts the parts of split characters together, the longest sequence first. */
function joinSplitCharacters(): void {
  const { units, offsets, length } = folded
  let out = 0
  for (let i = 0; i < length; out++) {
    let whole = 0
    let end = i + 1
    if (startsSplit[units[i]!] === 1) {
      let node = splits.get(units[i]!)
      for (let at = i + 1; node && at < length; at++) {
        node = node.next.get(units[at]!)
        if (node && node.whole !== 0) {
          whole = node.whole
          end = at + 1
        }
      }
    }
    units[out] = whole === 0 ? units[i]! : whole
    offsets[out] = offsets[i]!
    i = end
  }
  folded.length = out
}

/**
 * Cuts runs: of Han characters and marks to two, of letters inside of a word to one (fuuuck), of doubled characters
 * to single ones where three or more follow one another.
 */
function cutRuns(): void {
  const { units, offsets, length } = folded
  let out = 0
  for (let i = 0; i < length; ) {
    const unit = units[i]!
    let end = i + 1
    while (end < length && units[end] === unit) end++
    const run = end - i
    let keep = run
    if (run > LONGEST_RUN && !isDigit(unit) && !HAN_DIGITS.has(unit)) {
      const inWord =
        isLatin(unit) && ((out > 0 && isLatin(units[out - 1]!)) || (end < length && isLatin(units[end]!)))
      const isWww = unit === 0x77 && run === 3 && units[end] === 0x2e
      keep = inWord ? 1 : isWww ? run : LONGEST_RUN
    } else if (run === 2 && isHan(unit)) {
      const pairs = doubledPairs(i, length)
      if (pairs >= DOUBLED) {
        for (let pair = 0; pair < pairs; pair++) {
          units[out] = units[i + pair * 2]!
          offsets[out++] = offsets[i + pair * 2]!
        }
        i += pairs * 2
        continue
      }
    }
    for (let k = 0; k < keep; k++) {
      units[out] = unit
      offsets[out++] = offsets[i + k]!
    }
    i = end
  }
  folded.length = out
}

function doubledPairs(start: number, length: number): number {
  const { units } = folded
  let pairs = 0
  for (
    let i = start;
    i + 1 < length && units[i] === units[i + 1] && isHan(units[i]!) && !HAN_DIGITS.has(units[i]!);
    i += 2
  ) {
    if (i + 2 < length && units[i + 2] === units[i]) break
    pairs++
  }
  return pairs
}
