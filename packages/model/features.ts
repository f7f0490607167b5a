/** Longest n-gram of characters of the folded form. */
export const CHARACTER_N = 4
/** Longest n-gram of tokens (syllables, words, numbers) of the phonetic form. */
export const TOKEN_N = 4
/** Longest run of tokens that is also taken without its order, so that swapped neighbours (拳女 for 女拳) stay equal. */
export const UNORDERED_N = 3

// Families keep equal n-grams of different kinds apart: one seed each.
const CHARACTERS = 0x2c1b3c6d
const TOKENS = 0x297a2d39
const UNORDERED = 0x5f356495

/** Longest part of a form that is read, in UTF-16 code units; normal texts are far shorter, and the lexicons read all. */
export const LONGEST_FOLDED = 4_000
export const LONGEST_PHONETIC = 16_000

const SPACE = 0x20
const SLASH = 0x2f

/** 32-bit finaliser of MurmurHash3 (Austin Appleby, public domain). */
function mixed(hash: number): number {
  let h = hash
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}

/**
 * The features of one text: hashed n-grams as 32-bit ids in the order of the text, repeats included. Made once and used
 * for text after text; it grows to the longest text met. `starts` and `ends` are offsets in the form that the
 * feature is of: the folded form below `firstToken`, the phonetic form from there on.
 */
export class Features {
  count = 0
  /** Index of the first feature of the phonetic form. */
  firstToken = 0
  ids = new Uint32Array(4096)
  starts = new Uint32Array(4096)
  ends = new Uint32Array(4096)
  #tokens = new Uint32Array(256)
  #tokenStarts = new Uint32Array(256)
  #tokenEnds = new Uint32Array(256)

  /** Hashes the n-grams of a text's forms, both as `makeForms` makes them, from their beginning on. */
  read(foldedForm: string, phonetic: string): void {
    const folded = foldedForm.length > LONGEST_FOLDED ? foldedForm.slice(0, LONGEST_FOLDED) : foldedForm
    const tokens = this.#readTokens(phonetic)
    this.#reserve((folded.length + 2) * CHARACTER_N + tokens * (TOKEN_N + UNORDERED_N))
    this.count = 0
    this.#addCharacters(folded)
    this.firstToken = this.count
    this.#addTokens(tokens)
  }

  #reserve(size: number): void {
    if (size <= this.ids.length) return
    const capacity = 2 ** Math.ceil(Math.log2(size))
    this.ids = new Uint32Array(capacity)
    this.starts = new Uint32Array(capacity)
    this.ends = new Uint32Array(capacity)
  }

  // The text with a space before and behind it, so that an n-gram can tell that it begins or ends one.
  #addCharacters(text: string): void {
    const { ids, starts, ends } = this
    const { length } = text
    let at = 0
    for (let i = -1; i <= length; i++) {
      let hash = CHARACTERS
      const last = Math.min(length, i + CHARACTER_N - 1)
      for (let k = i; k <= last; k++) {
        const code = k === -1 || k === length ? SPACE : text.charCodeAt(k)
        hash = Math.imul(hash ^ code, 0x01000193) ^ (hash >>> 15)
        ids[at] = mixed(hash + k - i)
        starts[at] = Math.max(i, 0)
        ends[at++] = Math.min(k + 1, length)
      }
    }
    this.count = at
  }

  /** Hashes of the tokens between the spaces; a lone slash, which stands for punctuation, is none. Returns how many. */
  #readTokens(text: string): number {
    let count = 0
    const length = Math.min(text.length, LONGEST_PHONETIC)
    for (let i = 0; i < length; ) {
      let code = text.charCodeAt(i)
      if (code === SPACE) {
        i++
        continue
      }
      const start = i
      let hash = TOKENS
      do {
        hash = Math.imul(hash ^ code, 0x01000193) ^ (hash >>> 15)
        code = ++i < length ? text.charCodeAt(i) : SPACE
      } while (code !== SPACE)
      if (i === start + 1 && text.charCodeAt(start) === SLASH) continue
      if (count === this.#tokens.length) this.#growTokens()
      this.#tokens[count] = mixed(hash)
      this.#tokenStarts[count] = start
      this.#tokenEnds[count++] = i
    }
    return count
  }

  #growTokens(): void {
    const grown = (old: Uint32Array<ArrayBuffer>) => {
      const array = new Uint32Array(old.length * 2)
      array.set(old)
      return array
    }
    this.#tokens = grown(this.#tokens)
    this.#tokenStarts = grown(this.#tokenStarts)
    this.#tokenEnds = grown(this.#tokenEnds)
  }

  #addTokens(count: number): void {
    const { ids, starts, ends } = this
    const tokens = this.#tokens
    let at = this.count
    for (let i = 0; i < count; i++) {
      let hash = TOKENS
      // A sum does not know an order.
      let sum = 0
      const last = Math.min(count, i + TOKEN_N) - 1
      for (let k = i; k <= last; k++) {
        const token = tokens[k]!
        hash = Math.imul(hash ^ token, 0x01000193) ^ (hash >>> 15)
        ids[at] = mixed(hash + k - i)
        starts[at] = this.#tokenStarts[i]!
        ends[at++] = this.#tokenEnds[k]!
        sum = (sum + Math.imul(token, 0x9e3779b1)) | 0
        if (k === i || k - i >= UNORDERED_N) continue
        ids[at] = mixed(sum ^ (UNORDERED + k - i))
        starts[at] = this.#tokenStarts[i]!
        ends[at++] = this.#tokenEnds[k]!
      }
    }
    this.count = at
  }
}
