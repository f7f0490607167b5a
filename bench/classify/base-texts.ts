import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** One line of a data set. */
export interface LabelledText {
  readonly text: string
  readonly category: string | null
  readonly source: string
}

/** A disguised text and what it was before. */
export interface DisguisedPair {
  readonly source: string
  readonly disguised: string
  readonly base: string
}

/** Lines of `<folder>/<set>/<split>.jsonl`; none where the file is absent. */
export function readSplit(folder: string, set: string, split: 'train' | 'dev'): LabelledText[] {
  const file = join(folder, set, `${split}.jsonl`)
  if (!existsSync(file)) return []
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LabelledText)
}

/** Share of characters in common that two texts must have to be taken for the same one, disguised. */
const LEAST_ALIKE = 0.4

/**
 * Finds the text that each disguised one was made of: the sets name none. The most alike by characters and pairs of
 * characters as written, so that no form is favoured; texts without one that is alike enough are left out.
 */
export function alignWithBases(
  disguised: readonly LabelledText[],
  bases: readonly string[],
): DisguisedPair[] {
  const grams = bases.map(gramsOf)
  const byGram = new Map<string, number[]>()
  for (const [i, set] of grams.entries()) {
    for (const gram of set) {
      const known = byGram.get(gram)
      if (known) known.push(i)
      else byGram.set(gram, [i])
    }
  }
  const pairs: DisguisedPair[] = []
  const shared = new Float64Array(bases.length)
  for (const { text, source } of disguised) {
    shared.fill(0)
    const own = gramsOf(text)
    for (const gram of own) {
      const holders = byGram.get(gram)
      // Rare grams say more.
      if (holders) for (const i of holders) shared[i]! += 1 / Math.log2(2 + holders.length)
    }
    let best = -1
    for (let i = 0; i < shared.length; i++) {
      if (shared[i]! === 0) continue
      if (
        best === -1 ||
        shared[i]! / Math.sqrt(grams[i]!.size) > shared[best]! / Math.sqrt(grams[best]!.size)
      )
        best = i
    }
    if (best === -1) continue
    const base = bases[best]!
    if (alike(text, base) >= LEAST_ALIKE) pairs.push({ source, disguised: text, base })
  }
  return pairs
}

function gramsOf(text: string): Set<string> {
  const characters = [...text]
  const grams = new Set<string>(characters)
  for (let i = 0; i + 1 < characters.length; i++) grams.add(characters[i]! + characters[i + 1]!)
  return grams
}

function alike(a: string, b: string): number {
  const [inA, inB] = [new Set(a), new Set(b)]
  let both = 0
  for (const character of inA) if (inB.has(character)) both++
  return both / Math.max(1, Math.max(inA.size, inB.size))
}
