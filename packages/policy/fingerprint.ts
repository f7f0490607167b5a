import { findContactHandles } from './contact-handles.ts'

/** Characters of a shingle. */
const SHINGLE = 3
/** Fewer letters and ideographs than this say too little: greetings and thanks would be copies of one another. */
const LEAST_CHARACTERS = 8
const HALF = 2 ** 26
const MOST_CONTACTS = 8

/** Digits as handles are read out, so that a handle has one hash however it is written. */
const DIGIT_OF_WORD: ReadonlyMap<string, string> = new Map(
  ['零〇洞', '一壹幺', '二贰两', '三叁', '四肆', '五伍', '六陆', '七柒拐', '八捌', '九玖'].flatMap(
    (words, digit) => [...words].map((word) => [word, String(digit)] as const),
  ),
)
const SEPARATORS = ' .-'

/** 32-bit finaliser of MurmurHash3 (Austin Appleby, public domain). */
function mixed(hash: number): number {
  let h = hash
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/**
 * Near-duplicate fingerprint of a folded text: two halves of 26 bits, each of two min-hashes (Broder 1997) over runs of
 * three letters or ideographs; digits count as one and the same, whatever else is left out. Texts whose runs have
 * the Jaccard similarity J agree in a half with the probability J², in one of the two with 1 - (1 - J²)². Equal halves are
 * looked up; a SimHash would have to be searched for within a distance. null where the text is too short.
 */
export function fingerprintOf(folded: string): number | null {
  let a = 0xffffffff
  let b = 0xffffffff
  let c = 0xffffffff
  let d = 0xffffffff
  let first = 0
  let second = 0
  let count = 0
  for (let i = 0; i < folded.length; i++) {
    let code = folded.charCodeAt(i)
    if (code < 0x80) {
      if (code >= 0x30 && code <= 0x39) code = 0x30
      else if (code < 0x61 || code > 0x7a) continue
    } else if (code < 0x3400) continue
    if (code >= 0xd800 && code <= 0xf8ff) continue
    if (++count >= SHINGLE) {
      const run = mixed(Math.imul(Math.imul(first, 0x01000193) ^ second, 0x01000193) ^ code)
      if (run < a) a = run
      const other = mixed(run ^ 0x2c1b3c6d)
      if (other < b) b = other
      const third = mixed(run ^ 0x297a2d39)
      if (third < c) c = third
      const fourth = mixed(run ^ 0x5f356495)
      if (fourth < d) d = fourth
    }
    first = second
    second = code
  }
  if (count < LEAST_CHARACTERS) return null
  return (mixed(a ^ Math.imul(b, 0x9e3779b1)) % HALF) * HALF + (mixed(c ^ Math.imul(d, 0x9e3779b1)) % HALF)
}

/** The two halves of a fingerprint; near copies have at least one in common. */
export const fingerprintHalves = (fingerprint: number): [number, number] => [
  Math.floor(fingerprint / HALF),
  fingerprint % HALF,
]

/** Hashes of the contact handles in a folded text, signed 32 bits, ascending, each once. See ClassifiedEvent.contactHashes. */
export function contactHashesOf(folded: string): number[] {
  const handles = findContactHandles(folded)
  if (handles.length === 0) return NO_CONTACTS
  const hashes = new Set<number>()
  for (const { kind, start, end } of handles) {
    let hash = kind.charCodeAt(0)
    for (let i = start; i < end; i++) {
      const unit = DIGIT_OF_WORD.get(folded[i]!) ?? folded[i]!
      if (!SEPARATORS.includes(unit)) hash = Math.imul(hash ^ unit.charCodeAt(0), 0x01000193)
    }
    hashes.add(mixed(hash) | 0)
    if (hashes.size === MOST_CONTACTS) break
  }
  return [...hashes].sort((x, y) => x - y)
}

/** Shared by the events without handles, which are most: nobody changes it. */
const NO_CONTACTS: number[] = []
