import { Features } from '@wardline/model'
import { formsOf } from './corpus.ts'

/** An n-gram that stands in more texts than this says nothing about which of them a text was made of. */
const MOST_POSTINGS = 400
/** Texts are compared by their beginnings. */
const COMPARED = 300
/** Share of the n-grams of the longer of two texts that both have to hold. */
const LEAST_SHARE = 0.3

/**
 * Finds texts that were made of a known text, also in disguise: those that share much of their characters or of
 * their sound with one. An evaluation set can hold what a training set holds in other words; a figure on
 * such texts shows memory, not skill.
 */
export class NearDuplicates {
  readonly #features = new Features()
  readonly #postings = new Map<number, number[]>()
  readonly #sizes: number[] = []

  add(text: string): void {
    const ids = this.#idsOf(text)
    const number = this.#sizes.push(ids.size) - 1
    for (const id of ids) {
      const posting = this.#postings.get(id)
      if (!posting) this.#postings.set(id, [number])
      else if (posting.length <= MOST_POSTINGS) posting.push(number)
    }
  }

  /** Whether this text and one that was added are made of the same. */
  has(text: string): boolean {
    const ids = this.#idsOf(text)
    const shared = new Map<number, number>()
    for (const id of ids) {
      const posting = this.#postings.get(id)
      if (!posting || posting.length > MOST_POSTINGS) continue
      for (const number of posting) {
        shared.set(number, (shared.get(number) ?? 0) + 1)
      }
    }
    for (const [number, count] of shared)
      if (count >= 2 && count >= Math.max(ids.size, this.#sizes[number]!) * LEAST_SHARE) return true
    return false
  }

  /** Pairs of neighbouring characters and of neighbouring syllables. */
  #idsOf(text: string): Set<number> {
    const [folded, phonetic] = formsOf(text, COMPARED)
    const features = this.#features
    features.read(folded.replace(/[^\p{L}\p{N}]/gu, ''), phonetic)
    const ids = new Set<number>()
    for (let i = 0; i < features.count; i++) {
      const length = features.ends[i]! - features.starts[i]!
      if (i < features.firstToken ? length === 2 : isPair(phonetic, features.starts[i]!, features.ends[i]!))
        ids.add(features.ids[i]!)
    }
    return ids
  }
}

function isPair(text: string, start: number, end: number): boolean {
  const space = text.indexOf(' ', start)
  return space > 0 && space < end && text.indexOf(' ', space + 1) >= end
}
