import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Random } from '@wardline/sample-feed/random'
import wordListPath from 'word-list'

const require = createRequire(import.meta.url)

/** Words of jieba's dictionary (MIT) and how often each was counted. */
export function* chineseWords(): Generator<readonly [word: string, frequency: number]> {
  const { dict } = require('@node-rs/jieba/dict') as { dict: Uint8Array }
  for (const line of Buffer.from(dict).toString('utf8').split('\n')) {
    const [word, frequency] = line.split(' ')
    if (word) yield [word, Number(frequency)]
  }
}

/** A dictionary word and how often it is drawn, relatively. */
interface Words {
  readonly words: readonly string[]
  readonly sums: Float64Array
}

/** Words from dictionaries: jieba's (MIT), by the square root of their frequency, and an English list (MIT). Read in training only. */
export class OrdinaryText {
  readonly #random: Random
  readonly #chinese: Words
  readonly #english: readonly string[]

  /** `listed`: terms of the lexicons; no word that holds one is used, so that ordinary text says nothing against them. */
  constructor(listed: readonly string[], random: Random) {
    this.#random = random
    const terms = new Set(listed.map((term) => term.toLowerCase()))
    const longest = Math.max(1, ...[...terms].map((term) => term.length))
    const isFree = (word: string) => {
      for (let i = 0; i < word.length; i++)
        for (let end = i + 1; end <= Math.min(word.length, i + longest); end++)
          if (terms.has(word.slice(i, end))) return false
      return true
    }
    const words: string[] = []
    const sums: number[] = []
    let sum = 0
    for (const [word, frequency] of chineseWords()) {
      if (!/^\p{Script=Han}+$/u.test(word) || !isFree(word)) continue
      sum += Math.sqrt(frequency || 1)
      words.push(word)
      sums.push(sum)
    }
    this.#chinese = { words, sums: Float64Array.from(sums) }
    // Words that hold a slur by chance (Scunthorpe) are wanted here: only whole listed words are left out.
    const list = wordListPath
    this.#english = readFileSync(list, 'utf8')
      .split('\n')
      .filter((word) => word.length > 1 && !terms.has(word))
  }

  /** One to eight Chinese words. */
  chinese(): string {
    const { words, sums } = this.#chinese
    let text = ''
    for (let n = this.#random.pick([1, 1, 2, 2, 3, 3, 4, 5, 8]); n > 0; n--) {
      const at = this.#random.float() * sums.at(-1)!
      let low = 0
      let high = sums.length - 1
      while (low < high) {
        const middle = (low + high) >> 1
        if (sums[middle]! > at) high = middle
        else low = middle + 1
      }
      text += words[low]!
      if (n > 1 && this.#random.chance(0.1)) text += '，'
    }
    return text
  }

  /** Two to eight English words with some of the small words between them. */
  english(): string {
    const parts: string[] = []
    for (let n = this.#random.between(1, 6); n > 0; n--) {
      if (this.#random.chance(0.6)) parts.push(this.#random.pick(SMALL_WORDS))
      parts.push(this.#random.pick(this.#english))
    }
    return parts.join(' ')
  }
}

const SMALL_WORDS =
  'the a an of and to in is are was it this that for with on at from by my your his her our their we you they i he she not no so very what when where how can will would have has had do did be been as or but if then there here all some more new good old first last one two day time people year way home school work'.split(
    ' ',
  )
