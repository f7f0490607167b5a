import { readFileSync } from 'node:fs'
import { Converter } from 'opencc-js/t2cn'

const readPairs = (name: string): [string, string][] =>
  readFileSync(new URL(`data/${name}`, import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t') as [string, string])

const simplify = Converter({ from: 't', to: 'cn' })
const CONFUSABLES = new Map(readPairs('confusables.tsv'))
const EMOJI = new Map(readPairs('emoji-readings.tsv'))

/** Two components to the character they make, by the first component. */
export const SPLIT_CHARACTERS: ReadonlyMap<string, ReadonlyMap<string, string>> = (() => {
  const byFirst = new Map<string, Map<string, string>>()
  for (const [parts, whole] of readPairs('split-characters.tsv')) {
    const [first, second] = [...parts] as [string, string]
    const seconds = byFirst.get(first) ?? new Map<string, string>()
    seconds.set(second, whole)
    byFirst.set(first, seconds)
  }
  return byFirst
})()

// Controls, zero-width and bidirectional characters, variation selectors, soft hyphen, combining marks, tags.
const DROPPED = /^[\p{Cc}\p{Cf}\p{Mn}\p{Me}\u115f\u1160\u3164\uffa0\u2800]$/u
// Line ends and tabs part words; other controls do not.
const WHITE = /^[\s\u0085]$/u

/**
 * What one code point becomes in the folded form: '' where it is dropped. NFKC, lower case, accents dropped,
 * traditional to simplified, look-alike letters, emoji that stand for a word.
 */
export function foldCodePoint(codePoint: number): string {
  const char = String.fromCodePoint(codePoint)
  if (WHITE.test(char)) return ' '
  if (DROPPED.test(char)) return ''
  const reading = EMOJI.get(char)
  if (reading !== undefined) return reading
  const ascii = CONFUSABLES.get(char)
  if (ascii !== undefined) return ascii
  let folded = ''
  for (const part of char.normalize('NFKD').toLowerCase()) {
    if (DROPPED.test(part)) continue
    folded += CONFUSABLES.get(part) ?? part
  }
  folded = folded.normalize('NFKC')
  return codePoint < 0x2e80 ? folded : simplify(folded)
}
