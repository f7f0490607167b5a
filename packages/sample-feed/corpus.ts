import { readFileSync } from 'node:fs'
import type { Category } from '@wardline/events'

/** A real post from a data set, with the data set's own label; see data/README.md. */
export interface CorpusPost {
  readonly text: string
  readonly label: string
  readonly category: Category
}

export const CORPUS_NAMES = ['coldataset', 'swsr'] as const
export type CorpusName = (typeof CORPUS_NAMES)[number]

/** Reads the posts that come with this package. Throws where the file is missing or broken. */
export function readCorpus(name: CorpusName): CorpusPost[] {
  return readFileSync(new URL(`data/${name}.jsonl`, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as CorpusPost)
}
