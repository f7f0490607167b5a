import { pinyin } from 'pinyin-pro'
import type { MappedText } from './forms.ts'

const HAN_FIRST = 0x4e00
const HAN_LAST = 0x9fff
/** Longest run of Latin letters that is looked at as written-out pinyin. */
const LONGEST_LATIN_RUN = 64

// Syllable of each Han character with the space that ends it, filled as they are met: asking costs 20 µs, reading nothing.
const syllables: (string | undefined)[] = new Array(HAN_LAST - HAN_FIRST + 1)

/**
 * A toneless syllable as sloppy writers and regional accents merge it: zh, ch, sh to z, c, s; ang, eng, ing, ong to
 * an, en, in, on; initial l to n; ü to v. Both sides of a comparison go through it.
 */
export function foldSyllable(syllable: string): string {
  let s = syllable.replace('ü', 'v')
  if (s.length > 2 && s[1] === 'h') s = s[0]! + s.slice(2)
  if (s.endsWith('ng')) s = s.slice(0, -1)
  if (s.startsWith('l')) s = `n${s.slice(1)}`
  return s
}

function syllableOf(code: number): string {
  const known = syllables[code - HAN_FIRST]
  if (known !== undefined) return known
  const char = String.fromCharCode(code)
  const [reading = char] = pinyin(char, { toneType: 'none', type: 'array', v: true })
  return (syllables[code - HAN_FIRST] = `${foldSyllable(reading)} `)
}

/**
 * The phonetic form of a folded text: a syllable for each Han character, written-out pinyin cut into syllables,
 * other runs of letters and digits as they are; each ended by one space. Everything else parts what stands
 * around it: a lone `/`.
 */
export function phonetic(folded: MappedText): MappedText {
  const { text, offsets } = folded
  const parts: string[] = []
  const map: number[] = []
  const add = (part: string, from: number) => {
    parts.push(part)
    for (let k = 0; k < part.length; k++) map.push(offsets[from]!)
  }
  for (let i = 0; i < text.length; ) {
    const code = text.charCodeAt(i)
    if (code >= HAN_FIRST && code <= HAN_LAST) {
      add(syllableOf(code), i++)
      continue
    }
    if (!isAlphanumeric(code)) {
      // Spaces part nothing: written-out pinyin has one between its syllables.
      if (code !== 0x20) add('/ ', i)
      i++
      continue
    }
    let end = i
    while (end < text.length && isAlphanumeric(text.charCodeAt(end))) end++
    addRun(text.slice(i, end), i, add)
    i = end
  }
  return { text: parts.join(''), offsets: Int32Array.from(map) }
}

const isAlphanumeric = (code: number) => (code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39)

function addRun(run: string, from: number, add: (part: string, from: number) => void): void {
  const cut = run.length <= LONGEST_LATIN_RUN ? cutPinyin(run) : null
  if (!cut) return add(`${run} `, from)
  let at = 0
  for (const length of cut) {
    add(`${foldSyllable(run.slice(at, at + length))} `, from + at)
    at += length
  }
}

const INITIALS = [
  '',
  'b',
  'p',
  'm',
  'f',
  'd',
  't',
  'n',
  'l',
  'g',
  'k',
  'h',
  'j',
  'q',
  'x',
  'zh',
  'ch',
  'sh',
  'r',
  'z',
  'c',
  's',
  'y',
  'w',
]
const FINALS: Readonly<Record<string, string>> = {
  '': 'a o e ai ei ao ou an en ang eng er',
  b: 'a o ai ei ao an en ang eng i ie iao ian in ing u',
  p: 'a o ai ei ao ou an en ang eng i ie iao ian in ing u',
  m: 'a o e ai ei ao ou an en ang eng i ie iao iu ian in ing u',
  f: 'a o ei ou an en ang eng u',
  d: 'a e ai ei ao ou an en ang eng ong i ie iao iu ian ing u uo ui uan un',
  t: 'a e ai ao ou an ang eng ong i ie iao ian ing u uo ui uan un',
  n: 'a e ai ei ao ou an en ang eng ong i ie iao iu ian in iang ing u uo uan v ve',
  l: 'a e ai ei ao ou an ang eng ong i ia ie iao iu ian in iang ing u uo uan un v ve',
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
const PINYIN: ReadonlySet<string> = new Set(INITIALS.flatMap((i) => FINALS[i]!.split(' ').map((f) => i + f)))
const LONGEST_SYLLABLE = 6

/**
 * Lengths of the syllables of a run that is pinyin from end to end and more than one syllable, with as few syllables as
 * can be (xian is one, xi'an would be two); null where it is not. Work is bounded by the run's length times six.
 */
export function cutPinyin(run: string): number[] | null {
  const best = new Int32Array(run.length + 1).fill(-1)
  const count = new Int32Array(run.length + 1).fill(0x7fff)
  count[0] = 0
  for (let end = 1; end <= run.length; end++) {
    for (let length = Math.min(LONGEST_SYLLABLE, end); length >= 1; length--) {
      const start = end - length
      if (count[start]! + 1 >= count[end]! || !PINYIN.has(run.slice(start, end))) continue
      count[end] = count[start]! + 1
      best[end] = length
    }
  }
  if (best[run.length] === -1 || count[run.length] === 1) return PINYIN.has(run) ? [run.length] : null
  const lengths: number[] = []
  for (let end = run.length; end > 0; end -= best[end]!) lengths.push(best[end]!)
  return lengths.reverse()
}
