import { readFileSync } from 'node:fs'
import { Converter } from 'opencc-js/t2cn'

const readPairs = (name: string): [string, string][] =>
  readFileSync(new URL(`data/${name}`, import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('# '))
    .map((line) => line.split('\t') as [string, string])

const simplify = Converter({ from: 't', to: 'cn' })
const CONFUSABLES = new Map(readPairs('confusables.tsv'))
// What is written for Wardline goes before the CLDR name.
const EMOJI = new Map([...readPairs('emoji-names.tsv'), ...readPairs('emoji-readings.tsv')])

/** Sequences of parts to the character that they make: 犭句 to 狗, 丶乂 to 义. */
export const SPLIT_CHARACTERS: readonly (readonly [string, string])[] = readPairs('split-characters.tsv')

// Controls, zero-width and bidirectional characters, variation selectors, soft hyphen, combining marks, tags, fillers,
// skin tones of emoji.
const DROPPED =
  /^[\p{Cc}\p{Cf}\p{Mn}\p{Me}\p{Variation_Selector}\u115f\u1160\u3164\uffa0\u2800\p{Emoji_Modifier}]$/u
// Line ends and tabs part words; other controls do not.
const WHITE = /^[\s\u0085]$/u
// Letters in squares, circles and flags that NFKC does not open.
const REGIONAL_A = 0x1f1e6
const ENCLOSED_LETTERS = [0x1f150, 0x1f170, REGIONAL_A]

/**
 * What one code point becomes in the folded form: '' where it is dropped. NFKC, lower case, accents dropped,
 * traditional to simplified, look-alike letters, emoji to the word they stand for.
 */
export function foldCodePoint(codePoint: number): string {
  const char = String.fromCodePoint(codePoint)
  if (WHITE.test(char)) return ' '
  if (DROPPED.test(char)) return ''
  for (const a of ENCLOSED_LETTERS) {
    if (codePoint >= a && codePoint < a + 26) return String.fromCharCode(0x61 + codePoint - a)
  }
  const known = EMOJI.get(char) ?? CONFUSABLES.get(char)
  if (known !== undefined) return known
  let folded = ''
  for (const part of char.normalize('NFKD').toLowerCase()) {
    if (DROPPED.test(part)) continue
    folded += CONFUSABLES.get(part) ?? part
  }
  folded = folded.normalize('NFKC')
  // (1), 1. and (一) as one character are digits in a dress.
  if (folded.length > 1 && isEnclosed(codePoint)) folded = folded.replace(/[(),.〔〕]/g, '')
  return codePoint < 0x2e80 ? folded : simplify(folded)
}

const isEnclosed = (codePoint: number) =>
  (codePoint >= 0x2460 && codePoint <= 0x24ff) ||
  (codePoint >= 0x3200 && codePoint <= 0x32ff) ||
  (codePoint >= 0x1f100 && codePoint <= 0x1f1ff)

/** Whether a code point is a picture that may stand between characters as a mere separator. */
export function isPicture(codePoint: number): boolean {
  return (
    codePoint >= 0x1f000 ||
    (codePoint >= 0x2190 && codePoint <= 0x27bf && !(codePoint >= 0x2460 && codePoint <= 0x24ff)) ||
    (codePoint >= 0x2900 && codePoint <= 0x2bff)
  )
}

/**
 * How strongly a code unit of folded text parts what stands around it.
 * 0: a letter, digit or other character that is no separator. 1: goes only between two single characters.
 * 2: goes also beside one single character.
 */
export type SeparatorStrength = 0 | 1 | 2

const ENDS_SENTENCE = /^[,、:;!?。()[\]【】<>《》「」『』“”‘’'"…—\n]$/u
const SEPARATOR = /^[\p{P}\p{S}\p{Z}丶丨]$/u

export function separatorStrength(unit: string): SeparatorStrength {
  if (ENDS_SENTENCE.test(unit)) return 1
  // + & @ % say something where they stand: +v, 50%.
  return SEPARATOR.test(unit) && !/^[+&@%$¥€£\p{Sc}]$/u.test(unit) ? 2 : 0
}
