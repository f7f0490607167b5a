import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Random } from '@wardline/sample-feed/random'
import { isHan } from '@wardline/text'
import { Converter } from 'opencc-js/cn2t'
import { pinyin } from 'pinyin-pro'

/** How training texts are disguised. */
const METHODS = [
  'homophone',
  'homophone',
  'homophone',
  'pinyin_spaced',
  'pinyin_joined',
  'pinyin_joined',
  'pinyin_initials',
  'emoji',
  'emoji',
  'split',
  'look_alike',
  'look_alike',
  'swap',
  'separators',
  'traditional',
] as const
type Method = (typeof METHODS)[number]

const SEPARATORS = ['.', ' ', '*', '-', '/', '~', '、', '|', '_', '丶']
const TEXT_TABLES = fileURLToPath(new URL('../packages/text/data/', import.meta.url))

const rowsOf = (file: string): string[][] =>
  existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#'))
        .map((line) => line.split('\t'))
    : []

/** Rewrites texts as people do who hide from filters; benign texts too, since they are also written in play. */
export class Disguiser {
  readonly #bySound = new Map<string, string[]>()
  readonly #sounds = new Map<string, string>()
  readonly #emoji = new Map<string, string[]>()
  readonly #splits = new Map<string, string[]>()
  readonly #shapes = new Map<string, string[]>()
  readonly #toTraditional = Converter({ from: 'cn', to: 't' })
  readonly #random: Random

  /**
   * `characters`: those that a writer's keyboard would offer for a sound. `data`: the folder whose variants/ holds a table
   * of characters that look alike; without it none are used.
   */
  constructor(characters: Iterable<string>, data: string, random: Random) {
    this.#random = random
    for (const character of characters) {
      const sound = this.#soundOf(character)
      push(this.#bySound, sound, character)
    }
    for (const file of ['emoji-readings.tsv', 'emoji-names.tsv'])
      for (const [emoji, word] of rowsOf(join(TEXT_TABLES, file))) push(this.#emoji, word!, emoji!)
    for (const [parts, whole] of rowsOf(join(TEXT_TABLES, 'split-characters.tsv')))
      push(this.#splits, whole!, parts!)
    for (const [character, others] of rowsOf(join(data, 'variants', 'same_stroke.tsv')))
      for (const other of others ?? '') if (other.trim() !== '') push(this.#shapes, character!, other)
  }

  #soundOf(character: string): string {
    const known = this.#sounds.get(character)
    if (known !== undefined) return known
    const [sound = character] = pinyin(character, { toneType: 'none', type: 'array', v: true })
    this.#sounds.set(character, sound)
    return sound
  }

  /** The text with one method over all of it, or over a few runs; itself where nothing can be rewritten. */
  disguise(text: string): string {
    const random = this.#random
    const characters = [...text]
    const method = METHODS[random.below(METHODS.length)]!
    if (random.chance(0.45)) return this.#rewrite(characters, method)
    const runs = random.between(1, 1 + Math.ceil(characters.length / 12))
    const chosen = new Uint8Array(characters.length)
    for (let run = 0; run < runs; run++) {
      const start = random.below(Math.max(1, characters.length - 1))
      chosen.fill(1, start, start + random.between(2, 5))
    }
    let out = ''
    for (let i = 0; i < characters.length; ) {
      let end = i
      while (end < characters.length && chosen[end] === chosen[i]) end++
      const piece = characters.slice(i, end)
      out += chosen[i] === 1 ? this.#rewrite(piece, method) : piece.join('')
      i = end
    }
    return out
  }

  #rewrite(characters: string[], method: Method): string {
    const random = this.#random
    const each = (share: number, of: (character: string) => string | undefined) =>
      characters.map((c) => (isHan(c.charCodeAt(0)) && random.chance(share) ? (of(c) ?? c) : c)).join('')
    const pick = (values: readonly string[] | undefined) => (values ? random.pick(values) : undefined)
    switch (method) {
      case 'homophone': {
        const share = random.pick([0.4, 0.7, 1])
        return each(share, (c) => pick(this.#bySound.get(this.#soundOf(c))))
      }
      case 'pinyin_spaced':
        return each(1, (c) => `${this.#soundOf(c)} `)
      case 'pinyin_joined':
        return each(1, (c) => this.#soundOf(c))
      case 'pinyin_initials':
        return each(1, (c) => this.#soundOf(c)[0])
      case 'emoji':
        return this.#emojis(characters.join(''))
      case 'split':
        return each(0.9, (c) => pick(this.#splits.get(c)))
      case 'look_alike':
        return each(0.6, (c) => pick(this.#shapes.get(c)))
      case 'traditional':
        return this.#toTraditional(characters.join(''))
      case 'separators': {
        const separator = random.pick(SEPARATORS)
        return characters.join(separator)
      }
      case 'swap':
        for (let i = 0; i + 1 < characters.length; i++) {
          if (!random.chance(0.3)) continue
          const [a, b] = [characters[i]!, characters[i + 1]!]
          characters[i] = b
          characters[++i] = a
        }
        return characters.join('')
    }
  }

  // Words of several characters first, then by sound: 🐔 stands for 机 too.
  #emojis(text: string): string {
    let out = ''
    for (let i = 0; i < text.length; ) {
      let length = 3
      for (; length > 0; length--) {
        const emoji = this.#emoji.get(text.slice(i, i + length))
        if (!emoji || !this.#random.chance(0.8)) continue
        out += this.#random.pick(emoji)
        break
      }
      if (length === 0) out += text[i]
      i += Math.max(1, length)
    }
    return out
  }
}

function push(map: Map<string, string[]>, key: string, value: string): void {
  const list = map.get(key)
  if (list) list.push(value)
  else map.set(key, [value])
}
