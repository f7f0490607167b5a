import { writeFileSync } from 'node:fs'
import { loadPolicy, policyFolder } from '@wardline/policy'
import { fold, isHan, phonetic } from '@wardline/text'
import { writtenExamples } from './examples.ts'
import { chineseWords } from './ordinary-text.ts'

/** Occurrences in a million characters from which two syllables are everyday ones. */
const EVERYDAY = 10
/** Fewer occurrences than this in the examples are chance. */
const LEAST_SEEN = 8

export const EVERYDAY_SOUNDS_FILE = new URL('../packages/policy/data/everyday-sounds.txt', import.meta.url)

/**
 * Two syllables that everyday Chinese is full of, one a line in the phonetic form: a listed term that sounds like them cannot
 * be told by its pinyin alone (mei you is 没有, xin xi 信息). Throws where the policy is not valid.
 */
export function everydaySounds(): string {
  const listed = listedTerms()
  const everyday = new Set<string>()
  /** Adds the sounds of pairs of characters that occur often enough among so many characters. */
  const addFrequent = (pairs: Iterable<readonly [string, number]>, characters: number, least: number) => {
    const counts = new Map<string, number>()
    for (const [pair, count] of pairs) {
      // What a listed term itself is written in says nothing against its sound.
      if (listed.has(pair)) continue
      const sound = phonetic(fold(pair)).text.trim()
      counts.set(sound, (counts.get(sound) ?? 0) + count)
    }
    for (const [sound, count] of counts)
      if (count >= least && (count / characters) * 1e6 >= EVERYDAY) everyday.add(sound)
  }

  const words: [string, number][] = []
  let inDictionary = 0
  for (const [word, frequency] of chineseWords()) {
    inDictionary += frequency * word.length
    if (isPair(word)) words.push([word, frequency])
  }
  addFrequent(words, inDictionary, 1)

  // Neighbours that are no word, too: written out, 是我 and 侍卧 are one.
  const neighbours = new Map<string, number>()
  let inExamples = 0
  for (const { text, category } of writtenExamples('train')) {
    if (category !== 'benign') continue
    for (let i = 0; i + 1 < text.length; i++) {
      const pair = text.slice(i, i + 2)
      if (!isPair(pair)) continue
      inExamples++
      neighbours.set(pair, (neighbours.get(pair) ?? 0) + 1)
    }
  }
  addFrequent(neighbours, inExamples, LEAST_SEEN)
  return `${[...everyday].sort().join('\n')}\n`
}

const isPair = (text: string) => text.length === 2 && isHan(text.charCodeAt(0)) && isHan(text.charCodeAt(1))

/** Terms of the rules, folded. Lists of context (没有, 警方) are none. */
function listedTerms(): ReadonlySet<string> {
  const loaded = loadPolicy(policyFolder(process.env))
  if (!loaded.ok) throw new Error(`the policy is not valid: ${loaded.problems[0]?.message}`)
  const { lexicons, rules } = loaded.policy
  const listed = new Set<string>()
  for (const { when } of rules) {
    const ofLexicon = when.lexicon === undefined ? [] : (lexicons.get(when.lexicon) ?? [])
    for (const { term } of ofLexicon) listed.add(fold(term).text)
    for (const term of when.terms ?? []) listed.add(fold(term).text)
  }
  return listed
}

// node training/everyday-sounds.ts writes the file.
if (import.meta.main) writeFileSync(EVERYDAY_SOUNDS_FILE, everydaySounds())
