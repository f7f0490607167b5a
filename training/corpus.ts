import { Features } from '@wardline/model'
import { makeForms } from '@wardline/text'

/** A text counts for training up to this many characters; what follows is more of the same. */
const LONGEST = 1_000

/** What is known of one head for one text: 1 it applies, 0 it does not, -1 the source cannot say. */
export type Target = 1 | 0 | -1

/** Texts as ids of their n-grams, each once a text, and targets, in flat arrays: hundreds of thousands of texts with hundreds of ids each. */
export class Corpus {
  readonly heads: number
  count = 0
  ids = new Uint32Array(1 << 20)
  /** Text i has ids from starts[i] up to starts[i + 1]. */
  starts = new Uint32Array(1 << 12)
  targets = new Int8Array(1 << 12)
  /** How much a text counts. */
  weights = new Float32Array(1 << 12)
  /** 1: kept out of the fit, for calibration. */
  heldOut = new Uint8Array(1 << 12)
  /** 1: a disguised copy. */
  disguised = new Uint8Array(1 << 12)
  readonly #features = new Features()

  constructor(heads: number) {
    this.heads = heads
  }

  add(
    text: string,
    targets: readonly Target[],
    { weight, heldOut, disguised }: { weight: number; heldOut: boolean; disguised: boolean },
  ): void {
    const features = this.#features
    const [folded, phonetic] = formsOf(text)
    features.read(folded, phonetic)
    const start = this.starts[this.count]!
    if (start + features.count > this.ids.length) this.ids = grown(this.ids, start + features.count)
    const end = addDistinct(features.ids.subarray(0, features.count), this.ids, start)
    if ((this.count + 2) * this.heads > this.targets.length) {
      this.targets = grown(this.targets, (this.count + 2) * this.heads)
    }
    if (this.count + 2 > this.starts.length) {
      this.starts = grown(this.starts, this.count + 2)
      this.weights = grown(this.weights, this.count + 2)
      this.heldOut = grown(this.heldOut, this.count + 2)
      this.disguised = grown(this.disguised, this.count + 2)
    }
    this.targets.set(targets, this.count * this.heads)
    this.weights[this.count] = weight
    this.heldOut[this.count] = heldOut ? 1 : 0
    this.disguised[this.count] = disguised ? 1 : 0
    this.starts[++this.count] = end
  }
}

/** Writes the distinct ids from a place on; returns the place behind them. Sorts `ids`. */
function addDistinct(ids: Uint32Array, into: Uint32Array, start: number): number {
  ids.sort()
  let end = start
  for (let i = 0; i < ids.length; i++) if (i === 0 || ids[i] !== ids[i - 1]) into[end++] = ids[i]!
  return end
}

/** The folded and the phonetic form, of the beginning of a long text. */
export function formsOf(text: string, longest: number = LONGEST): [string, string] {
  const forms = makeForms(text.slice(0, longest).toWellFormed())
  return [
    forms.find((form) => form.form === 'FOLDED')?.text ?? '',
    forms.find((form) => form.form === 'PHONETIC')?.text ?? '',
  ]
}

function grown<T extends Uint32Array | Int8Array | Float32Array | Uint8Array>(old: T, least: number): T {
  const array = new (old.constructor as new (length: number) => T)(Math.max(least, old.length * 2))
  array.set(old)
  return array
}
