import { readFileSync } from 'node:fs'
import { Grammar, Writer } from '@wardline/sample-feed/grammar'
import { Random } from '@wardline/sample-feed/random'
import { OrdinaryText } from './ordinary-text.ts'
import { type Labelled, MODEL_CATEGORIES, type ModelCategory } from './sources.ts'

const FOLDER = new URL('templates/', import.meta.url)
const FILES = [...MODEL_CATEGORIES.filter((category) => category !== 'hate'), 'general']

/** Texts made of a template: up to this many. */
const TEXTS_OF_TEMPLATE = 15
/** Texts put together of phrases, for each harmful category and for benign. */
const COMPOSED = 3_000
const COMPOSED_BENIGN = 16_000
/** Categories whose texts are advertisements: a string of phrases, then where to turn to. */
const ADVERTISING: readonly ModelCategory[] = [
  'obscene',
  'fraud',
  'gambling',
  'illegal_ads',
  'drugs_weapons',
  'game_companion',
  'privacy_exposure',
  'contact_solicitation',
  'sexual_enticement',
]
/** Rows of dictionary words: what nobody has said anything with yet is no harm. */
const ORDINARY_CHINESE = 24_000
const ORDINARY_ENGLISH = 10_000
/** Reports, warnings and questions about harm, for each category. */
const REPORTS = 500
const JOINTS = ['，', '，', '，', ' ', ' ', '', '、', '！', '。', '~', '；', '\n', '...']
const LEXICONS = new URL('../policy/lexicon/', import.meta.url)
/** A lexicon term counts as a phrase from this weight on. */
const LEAST_TERM_WEIGHT = 0.7

export class InvalidTemplates extends Error {
  override readonly name = 'InvalidTemplates'
}

const read = (name: string) => readFileSync(new URL(`${name}.txt`, FOLDER), 'utf8').split('\n')

function readSlots(): Record<string, string[]> {
  const slots: Record<string, string[]> = {}
  for (const line of read('slots')) {
    if (line === '' || line.startsWith('#')) continue
    const colon = line.indexOf(': ')
    slots[line.slice(0, colon)] = line.slice(colon + 2).split('|')
  }
  return slots
}

interface Section {
  readonly file: string
  readonly category: ModelCategory | 'benign'
  readonly part: 'train' | 'test' | 'phrases'
  readonly lines: readonly string[]
}

function readSections(): Section[] {
  const sections: Section[] = []
  for (const file of FILES) {
    let lines: string[] | undefined
    for (const line of read(file)) {
      if (line === '') continue
      const [, category, part] = /^== (\S+) (train|test|phrases)$/.exec(line) ?? []
      if (category !== undefined) {
        if (category !== 'benign' && category !== file)
          throw new InvalidTemplates(`${file}.txt: unknown section ${line}`)
        lines = []
        sections.push({
          file,
          category: category as Section['category'],
          part: part as Section['part'],
          lines,
        })
      } else if (lines === undefined)
        throw new InvalidTemplates(`${file}.txt: a template before the first section`)
      else lines.push(line)
    }
  }
  return sections
}

/**
 * Texts written for Wardline, marked `synthetic/<category>`. Train and test texts come from different templates, so
 * that a figure on the test texts says something; words of slots are shared. Train texts are also put together of
 * phrases, clauses and lexicon terms in any order, so that no template is learnt as a whole. The same seed gives the same texts.
 */
export function syntheticTexts(split: 'train' | 'test', seed: number): Labelled[] {
  const grammar = new Grammar(readSlots())
  const random = new Random(seed)
  const writer = new Writer(random)
  const rows: Labelled[] = []
  const seen = new Set<string>()
  const add = (text: string, category: ModelCategory | 'benign', file: string) => {
    if (text === '' || seen.has(text)) return
    seen.add(text)
    rows.push({ text, category, source: `synthetic/${file}` })
  }
  const sections = readSections()
  for (const { file, category, part, lines } of sections) {
    if (part !== split) continue
    for (const line of lines) {
      const pool = grammar.pool([line])
      for (let i = 0; i < TEXTS_OF_TEMPLATE; i++) add(writer.write(pool).trim(), category, file)
    }
  }
  if (split === 'test') return rows

  const contact = grammar.pool(['{contact}'])
  for (const category of [...MODEL_CATEGORIES, 'benign'] as const) {
    const own = sections.filter((section) => section.category === category && section.part !== 'test')
    const phrases = own.flatMap(({ part, lines }) =>
      part === 'phrases'
        ? lines
        : lines.flatMap((line) => line.split('，')).filter((clause) => clause.length > 3),
    )
    if (category !== 'benign') phrases.push(...lexiconTerms(category))
    if (phrases.length === 0) continue
    const pool = grammar.pool(phrases.filter((phrase) => phrase !== '{contact}'))
    const advertises = category !== 'benign' && ADVERTISING.includes(category)
    const count = category === 'benign' ? COMPOSED_BENIGN : COMPOSED
    for (let i = 0; i < count; i++) {
      const joint = random.pick(JOINTS)
      let text = writer.write(pool)
      for (let more = random.pick([0, 0, 0, 0, 1, 1, 2, 3, 6]); more > 0; more--)
        text += joint + writer.write(pool)
      // Honest shops leave a number too.
      if (random.chance(advertises ? 0.5 : 0.03)) text += joint + writer.write(contact)
      add(text.trim(), category, category === 'benign' ? 'general' : category)
    }
    if (category === 'benign') continue
    const frames = reportFrames()
    for (let i = 0; i < REPORTS; i++)
      add(
        random
          .pick(frames)
          .replace('{}', () => writer.write(pool))
          .trim(),
        'benign',
        'reports',
      )
  }
  const listed = MODEL_CATEGORIES.flatMap((category) => lexiconTerms(category))
  const ordinary = new OrdinaryText(listed, random)
  for (let i = 0; i < ORDINARY_CHINESE; i++) add(ordinary.chinese(), 'benign', 'ordinary')
  for (let i = 0; i < ORDINARY_ENGLISH; i++) add(ordinary.english(), 'benign', 'ordinary')
  return rows
}

/** Frames around harmful words that make a report of them. */
const reportFrames = () => read('reports').filter((line) => line !== '' && !line.startsWith('#'))

function lexiconTerms(category: ModelCategory): string[] {
  const terms: string[] = []
  for (const line of readFileSync(new URL(`${category}.tsv`, LEXICONS), 'utf8').split('\n')) {
    const [term = '', weight] = line.split('\t')
    if (!line.startsWith('#') && term !== '' && Number(weight) >= LEAST_TERM_WEIGHT && !/[{}<>]/.test(term))
      terms.push(term)
  }
  return terms
}

const GROUPS: readonly (readonly ModelCategory[])[] = [
  [
    'obscene',
    'fraud',
    'gambling',
    'illegal_ads',
    'contact_solicitation',
    'game_companion',
    'drugs_weapons',
    'privacy_exposure',
  ],
  ['sexual_enticement', 'obscene', 'grooming', 'contact_solicitation', 'game_companion'],
  ['abuse_bullying', 'hate', 'privacy_exposure'],
]

/** Categories that a synthetic text of a category may also belong to. */
export const silentOn = (category: ModelCategory): ModelCategory[] => [
  ...new Set(GROUPS.filter((group) => group.includes(category)).flat()),
]
