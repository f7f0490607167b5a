import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { type Labelled, MODEL_CATEGORIES } from './sources.ts'

const FOLDER = new URL('examples/', import.meta.url)
export const EXAMPLES_SOURCE = 'synthetic/examples'

/** Of 1000 examples so many are kept for measuring. */
const TEST_PART = 100

export class InvalidExamples extends Error {
  override readonly name = 'InvalidExamples'
}

/** By the first line: threads below the same post stay together. */
const isTest = (text: string) =>
  createHash('sha1').update(text.split('\n')[0]!).digest().readUInt32BE(4) % 1000 < TEST_PART

/**
 * Texts written one by one for Wardline (training/examples/README.md), in the order of their files' names. Throws
 * InvalidExamples, which names file and line.
 */
export function writtenExamples(split: 'train' | 'test'): Labelled[] {
  const rows: Labelled[] = []
  const seen = new Map<string, string>()
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.tsv'))
  for (const file of files.sort()) {
    const lines = readFileSync(new URL(file, FOLDER), 'utf8').split('\n')
    for (const [i, line] of lines.entries()) {
      if (line === '' && i === lines.length - 1) continue
      const place = `${file}:${i + 1}`
      const [name, written, ...more] = line.split('\t')
      const category = name === 'benign' ? name : MODEL_CATEGORIES.find((known) => known === name)
      if (category === undefined || !written?.trim() || more.length > 0)
        throw new InvalidExamples(`${place}: not a category, a tab and a text: ${line}`)
      const text = written.replaceAll('\\n', '\n')
      const before = seen.get(text)
      if (before !== undefined) throw new InvalidExamples(`${place}: the same text as in ${before}`)
      seen.set(text, place)
      if (isTest(text) === (split === 'test')) rows.push({ text, category, source: EXAMPLES_SOURCE })
    }
  }
  return rows
}
