import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { disguiseRange } from '@wardline/sample-feed/disguise'
import { Random } from '@wardline/sample-feed/random'
import { isHan } from '@wardline/text'
import { pinyin } from 'pinyin-pro'

const METHODS = [
  'homophone',
  'pinyin_joined',
  'pinyin_spaced',
  'split_characters',
  'emoji',
  'separators',
  'zero_width',
  'full_width',
  'traditional',
  'swap',
] as const

/**
 * The fixed disguiser of the evaluation. It shares no table and no seed with that of training: homophones come from
 * variants/same_pinyin.tsv (of the data folder), emoji, splits and traditional characters from the sample feed's own small tables.
 * It does share the readings of pinyin-pro where whole words are written out.
 */
export function createEvaluationDisguise(data: string, seed = 4099): (text: string) => string {
  const random = new Random(seed)
  const sounds = new Map<string, string[]>()
  const file = join(data, 'variants', 'same_pinyin.tsv')
  if (existsSync(file)) {
    for (const line of readFileSync(file, 'utf8').split('\n')) {
      const [character, same = '', near = ''] = line.split('\t')
      const others = [...same, ...near].filter((other) => other.trim() !== '')
      if (character && others.length > 0) sounds.set(character, others)
    }
  }
  const rewrite = (text: string, method: (typeof METHODS)[number]): string => {
    switch (method) {
      case 'homophone':
        return [...text]
          .map((c) => (sounds.has(c) && random.chance(0.6) ? random.pick(sounds.get(c)!) : c))
          .join('')
      case 'pinyin_joined':
      case 'pinyin_spaced': {
        const join = method === 'pinyin_spaced' ? ' ' : ''
        return [...text]
          .map((c) => (isHan(c.charCodeAt(0)) ? pinyin(c, { toneType: 'none', v: true }) + join : c))
          .join('')
      }
      default:
        return disguiseRange(text, 0, text.length, method, random)
    }
  }
  return (text) => {
    const first = random.below(METHODS.length)
    for (let i = 0; i < METHODS.length; i++) {
      const result = rewrite(text, METHODS[(first + i) % METHODS.length]!)
      if (result !== text) return result
    }
    return text
  }
}
