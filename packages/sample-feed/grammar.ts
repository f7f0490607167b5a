import type { Random } from './random.ts'

/**
 * A text grammar. A template is a string with `{slot}` where a word of that slot is put in, and `<…>`
 * around the words that carry the meaning, which a writer who hides it would disguise. Words of a slot are
 * templates too. Templates are compiled once; writing one is a loop over its parts.
 */
export type SlotSource = readonly string[] | ((random: Random) => string)

/** Compiled template: literals and slots in turn. */
interface Part {
  readonly literal: string
  readonly slot: Slot | null
  /** Whether it stands between `<` and `>`. */
  readonly core: boolean
}

type Word = string | readonly Part[]

interface Slot {
  words: readonly Word[]
  make: ((random: Random) => string) | null
}

/** Templates to choose from, compiled. */
export interface Pool {
  readonly words: readonly Word[]
}

export class UnknownSlotError extends Error {
  override readonly name = 'UnknownSlotError'
}

/** Holds the slots and compiles templates against them. */
export class Grammar {
  readonly #slots = new Map<string, Slot>()

  constructor(sources: Readonly<Record<string, SlotSource>>) {
    for (const [name, source] of Object.entries(sources)) {
      this.#slots.set(name, { words: [], make: typeof source === 'function' ? source : null })
    }
    for (const [name, source] of Object.entries(sources)) {
      if (typeof source !== 'function')
        this.#slots.get(name)!.words = source.map((word) => this.#compile(word))
    }
  }

  /** Throws UnknownSlotError where a template names a slot that there is not. */
  pool(templates: readonly string[]): Pool {
    return { words: templates.map((template) => this.#compile(template)) }
  }

  #compile(template: string): Word {
    if (!/[{<]/.test(template)) return template
    const parts: Part[] = []
    let core = false
    for (const token of template.split(/(\{[A-Za-z0-9]+\}|<|>)/)) {
      if (token === '') continue
      if (token === '<' || token === '>') {
        core = token === '<'
      } else if (token.startsWith('{')) {
        const slot = this.#slots.get(token.slice(1, -1))
        if (!slot) throw new UnknownSlotError(`no slot ${token} for the template ${template}`)
        parts.push({ literal: '', slot, core })
      } else {
        parts.push({ literal: token, slot: null, core })
      }
    }
    return parts
  }
}

/** Writes texts. The result of the last `write` stands in `text` and `cores`; it is overwritten by the next. */
export class Writer {
  readonly #random: Random
  text = ''
  /** Start and end of each core in `text`, in UTF-16 code units, flat. */
  cores: number[] = []

  constructor(random: Random) {
    this.#random = random
  }

  write(pool: Pool): string {
    this.text = ''
    this.cores.length = 0
    this.#put(this.#random.pick(pool.words), false)
    return this.text
  }

  /** Writes the template with this number, counted round the pool. */
  writeNth(pool: Pool, n: number): string {
    this.text = ''
    this.cores.length = 0
    this.#put(pool.words[n % pool.words.length]!, false)
    return this.text
  }

  /** Adds one more text of the pool behind the last. */
  append(pool: Pool): string {
    this.#put(this.#random.pick(pool.words), false)
    return this.text
  }

  #put(word: Word, withinCore: boolean): void {
    if (typeof word === 'string') {
      this.text += word
      return
    }
    for (const part of word) {
      const start = this.text.length
      const { slot } = part
      if (slot === null) this.text += part.literal
      else if (slot.make) this.text += slot.make(this.#random)
      else this.#put(this.#random.pick(slot.words), withinCore || part.core)
      if (part.core && !withinCore && this.text.length > start) {
        const last = this.cores.length - 1
        if (last > 0 && this.cores[last] === start) this.cores[last] = this.text.length
        else this.cores.push(start, this.text.length)
      }
    }
  }
}
