import { pinyin } from 'pinyin-pro'

const HAN_FIRST = 0x4e00
const HAN_LAST = 0x9fff

const FINALS: Readonly<Record<string, string>> = {
  '': 'a o e ai ei ao ou an en ang eng er',
  b: 'a o ai ei ao an en ang eng i ie iao ian in ing u',
  p: 'a o ai ei ao ou an en ang eng i ie iao ian in ing u',
  m: 'a o e ai ei ao ou an en ang eng i ie iao iu ian in ing u',
  f: 'a o ei ou an en ang eng u',
  d: 'a e ai ei ao ou an en ang eng ong i ia ie iao iu ian ing u uo ui uan un',
  t: 'a e ai ao ou an ang eng ong i ie iao ian ing u uo ui uan un',
  n: 'a e ai ei ao ou an en ang eng ong i ie iao iu ian in iang ing u uo uan v ve ue',
  l: 'a e o ai ei ao ou an ang eng ong i ia ie iao iu ian in iang ing u uo uan un v ve ue',
  g: 'a e ai ei ao ou an en ang eng ong u ua uo uai ui uan un uang',
  k: 'a e ai ei ao ou an en ang eng ong u ua uo uai ui uan un uang',
  h: 'a e ai ei ao ou an en ang eng ong u ua uo uai ui uan un uang',
  j: 'i ia ie iao iu ian in iang ing iong u ue uan un',
  q: 'i ia ie iao iu ian in iang ing iong u ue uan un',
  x: 'i ia ie iao iu ian in iang ing iong u ue uan un',
  zh: 'a e i ai ei ao ou an en ang eng ong u ua uo uai ui uan un uang',
  ch: 'a e i ai ao ou an en ang eng ong u ua uo uai ui uan un uang',
  sh: 'a e i ai ei ao ou an en ang eng u ua uo uai ui uan un uang',
  r: 'e i ao ou an en ang eng ong u uo ui uan un',
  z: 'a e i ai ei ao ou an en ang eng ong u uo ui uan un',
  c: 'a e i ai ao ou an en ang eng ong u uo ui uan un',
  s: 'a e i ai ao ou an en ang eng ong u uo ui uan un',
  y: 'a o e i ao ou an in ang ing ong u ue uan un',
  w: 'a o ai ei an en ang eng u',
}
/** The syllables of standard Chinese without tones; v is ü. */
export const SYLLABLES: readonly string[] = Object.entries(FINALS).flatMap(([initial, finals]) =>
  finals.split(' ').map((final) => initial + final),
)
const LONGEST_SYLLABLE = 6

/**
 * A toneless syllable as sloppy writers and regional accents merge it: zh, ch, sh to z, c, s; ang, eng, ing, ong to
 * an, en, in, on; initial l to n; ü to v. Both sides of a comparison go through it.
 */
export function foldSyllable(syllable: string): string {
  let s = syllable.replace('ü', 'v')
  if (s === 'lue' || s === 'nue') s = 'nve'
  if (s.length > 2 && s[1] === 'h') s = s[0]! + s.slice(2)
  if (s.endsWith('ng')) s = s.slice(0, -1)
  if (s.startsWith('l')) s = `n${s.slice(1)}`
  return s
}

// A trie over SYLLABLES: child of a node by letter, and the number of the syllable that ends there.
const LETTERS = 26
const { children, ending } = (() => {
  const children = new Int16Array(SYLLABLES.length * LONGEST_SYLLABLE * LETTERS)
  const ending = new Int16Array(SYLLABLES.length * LONGEST_SYLLABLE).fill(-1)
  let nodes = 1
  for (const [number, syllable] of SYLLABLES.entries()) {
    let node = 0
    for (let i = 0; i < syllable.length; i++) {
      const edge = node * LETTERS + syllable.charCodeAt(i) - 0x61
      if (children[edge] === 0) children[edge] = nodes++
      node = children[edge]!
    }
    ending[node] = number
  }
  return { children: children.slice(0, nodes * LETTERS), ending: ending.slice(0, nodes) }
})()

/** Merged syllables as bytes with the space that ends each, by number of the syllable. */
export const SYLLABLE_BYTES: readonly Uint8Array[] = SYLLABLES.map((s) => Buffer.from(`${foldSyllable(s)} `))

/** Characters of several readings whose everyday one pinyin-pro does not give first for the character alone. */
const READ_OTHERWISE: Readonly<Record<string, string>> = { 了: 'le', 瞭: 'le', 便: 'bian', 弹: 'dan' }

// Reading of each Han character, filled as they are met: asking costs 20 µs, reading nothing.
const readings: (Uint8Array | undefined)[] = new Array(HAN_LAST - HAN_FIRST + 1)

export const isRead = (code: number) => code >= HAN_FIRST && code <= HAN_LAST

/** Merged syllable of a Han character (see isRead), as bytes with the space that ends it. */
export function readingOf(code: number): Uint8Array {
  const known = readings[code - HAN_FIRST]
  if (known !== undefined) return known
  const char = String.fromCharCode(code)
  const [common = ''] = pinyin(char, { toneType: 'none', type: 'array', v: true })
  const reading = READ_OTHERWISE[char] ?? common
  // Characters without a reading part what stands around them.
  const merged = /^[a-zü]+$/.test(reading) ? foldSyllable(reading) : '/'
  return (readings[code - HAN_FIRST] = Buffer.from(`${merged} `))
}

// Work space of cutPinyin by end of a syllable: fewest syllables up to there, and the last one's number.
let counts = new Int32Array(64)
let lasts = new Int16Array(64)
let cut = new Int16Array(64)

/**
 * Cuts letters a–z that are pinyin from end to end into as few syllables as can be (xian is one; xi'an would be two).
 * The numbers of the syllables are in the result's first `count` places until the next call; count is 0 where the
 * letters are no pinyin. Of cuts with equally few syllables the one with the longer first ones is taken. Linear.
 */
export function cutPinyin(
  units: Uint16Array,
  start: number,
  end: number,
): { cut: Int16Array; count: number } {
  const length = end - start
  if (counts.length <= length) {
    counts = new Int32Array(length * 2)
    lasts = new Int16Array(length * 2)
    cut = new Int16Array(length * 2)
  }
  counts.fill(0x7fffffff, 0, length + 1)
  counts[0] = 0
  let reached = 0
  for (let from = 0; from < length; from++) {
    const count = counts[from]!
    if (count === 0x7fffffff) {
      // Nothing reaches beyond this place any more.
      if (from > reached) return { cut, count: 0 }
      continue
    }
    let node = 0
    for (let at = from; at < length; at++) {
      node = children[node * LETTERS + units[start + at]! - 0x61]!
      if (node === 0) break
      const syllable = ending[node]!
      if (syllable >= 0 && count + 1 <= counts[at + 1]!) {
        // Later starts replace equal counts: shorter last, longer first syllables.
        counts[at + 1] = count + 1
        lasts[at + 1] = syllable
        if (at + 1 > reached) reached = at + 1
      }
    }
  }
  const count = counts[length]!
  if (count === 0x7fffffff) return { cut, count: 0 }
  for (let at = length, k = count - 1; at > 0; k--) {
    const syllable = lasts[at]!
    cut[k] = syllable
    at -= SYLLABLES[syllable]!.length
  }
  return { cut, count }
}
