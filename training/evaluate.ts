/**
 * `make eval`: lexicon, model and both, for both profiles, beside a plain baseline trained on the same rows, on the dev
 * splits: as they are, disguised, and the sets that others have disguised. Writes .wardline/reports/eval.json and the
 * table of docs/detection.md.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Category, TextForm } from '@wardline/events'
import { loadModel, PROFILES, type Profile } from '@wardline/model'
import { type Classifier, createClassifier, loadPolicy, policyFolder } from '@wardline/policy'
import { isHan, makeForms } from '@wardline/text'
import { reportHead, writeReport } from '../cli/report.ts'
import { createEvaluationDisguise } from './evaluation-disguise.ts'
import { EXAMPLES_SOURCE, writtenExamples } from './examples.ts'
import { type Counts, count, type Figures, figures, noCounts } from './metrics.ts'
import { DISGUISED_SETS, type Labelled, MODEL_CATEGORIES, readSplit, TRAINING_SETS } from './sources.ts'
import { syntheticTexts } from './templates.ts'
import { DEFAULTS, trainingRows, withoutDevTexts } from './train-model.ts'

const ROOT = new URL('../', import.meta.url)
const WORK = new URL('.wardline/eval/', ROOT)
const BEGIN = '<!-- begin: make eval -->'
const END = '<!-- end: make eval -->'
const HARMFUL_FROM = 0.5

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: '../shared/data' },
    /** Without the baseline, which takes most of the time. */
    quick: { type: 'boolean', default: false },
  },
})

type Condition = 'clean' | 'disguised'
interface Sample {
  readonly set: string
  readonly condition: Condition
  readonly text: string
  readonly category: Labelled['category']
  readonly synthetic: boolean
}

const isChinese = (text: string) => [...text].filter((c) => isHan(c.charCodeAt(0))).length >= 3

/** Dev texts and synthetic test texts as they are, and once more disguised where they are Chinese and nobody has disguised them yet. */
function samples(data: string): Sample[] {
  const disguise = createEvaluationDisguise(data)
  const all: Sample[] = []
  const add = (row: Labelled, disguisable: boolean) => {
    if (row.category === null) return
    const synthetic = row.source.startsWith('synthetic/')
    const sample = { set: row.source, text: row.text, category: row.category, synthetic }
    all.push({ ...sample, condition: 'clean' })
    if (disguisable && isChinese(row.text))
      all.push({ ...sample, condition: 'disguised', text: disguise(row.text.toWellFormed()) })
  }
  for (const { name } of TRAINING_SETS) for (const row of readSplit(data, name, 'dev') ?? []) add(row, true)
  for (const name of DISGUISED_SETS) for (const row of readSplit(data, name, 'dev') ?? []) add(row, false)
  for (const row of syntheticTexts('test', DEFAULTS.seed + 7)) add(row, true)
  for (const row of writtenExamples('test')) add(row, true)
  return all
}

/** Scores of one system for each sample, by category where it has them. */
interface System {
  readonly name: string
  readonly harmful: Float64Array
  readonly categories: ReadonlyMap<Category, Float64Array> | null
}

function scoreAll(
  name: string,
  classifier: Classifier,
  all: readonly Sample[],
  forms: readonly TextForm[][],
): System {
  const harmful = new Float64Array(all.length)
  const categories = new Map<Category, Float64Array>(
    MODEL_CATEGORIES.map((c) => [c, new Float64Array(all.length)]),
  )
  for (const [i, { text }] of all.entries()) {
    const { scores } = classifier.classify({
      kind: 'COMMENT',
      occurredAt: Date.UTC(2026, 5, 1),
      text,
      forms: forms[i]!,
      media: [],
      links: [],
      searchQuery: null,
      device: 'PHONE',
      actorAgeBand: 'UNKNOWN',
    } as Parameters<Classifier['classify']>[0])
    for (const { category, score } of scores) {
      const column = categories.get(category)
      if (column) column[i] = score
      if (score > harmful[i]!) harmful[i] = score
    }
  }
  return { name, harmful, categories }
}

function python(): string {
  const path = fileURLToPath(new URL('../python/bin/python', WORK))
  if (existsSync(path)) return path
  console.log('installing scikit-learn into .wardline/python (once)')
  execFileSync('python3', ['-m', 'venv', fileURLToPath(new URL('../python', WORK))], { stdio: 'inherit' })
  execFileSync(
    path,
    [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--disable-pip-version-check',
      '-r',
      fileURLToPath(new URL('training/requirements-eval.txt', ROOT)),
    ],
    { stdio: 'inherit' },
  )
  return path
}

/** The baseline's answers; kept below .wardline/eval by what it was trained and asked on. */
function baseline(
  name: string,
  rows: readonly Labelled[],
  all: readonly Sample[],
  form: (text: string) => string,
): System {
  mkdirSync(WORK, { recursive: true })
  const lines = (list: readonly object[]) => list.map((row) => JSON.stringify(row)).join('\n')
  const train = lines(
    rows.map(({ text, category }) => ({
      text: form(text.slice(0, 500).toWellFormed()),
      harmful: category === 'benign' ? 0 : 1,
    })),
  )
  const texts = lines(all.map(({ text }) => ({ text: form(text) })))
  const script = readFileSync(new URL('baseline.py', import.meta.url))
  const key = createHash('sha256').update(script).update(train).update(texts).digest('hex').slice(0, 16)
  const file = (ending: string) => fileURLToPath(new URL(`${key}.${ending}`, WORK))
  if (!existsSync(file('json'))) {
    console.log(`training ${name}: minutes`)
    writeFileSync(file('train.jsonl'), train)
    writeFileSync(file('texts.jsonl'), texts)
    execFileSync(
      python(),
      [
        fileURLToPath(new URL('baseline.py', import.meta.url)),
        file('train.jsonl'),
        file('texts.jsonl'),
        file('json'),
      ],
      {
        stdio: 'inherit',
        env: { ...process.env, OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' },
      },
    )
  }
  const { probabilities } = JSON.parse(readFileSync(file('json'), 'utf8')) as { probabilities: number[] }
  return { name, harmful: Float64Array.from(probabilities), categories: null }
}

interface Row extends Figures {
  readonly set: string
  readonly condition: Condition
  readonly system: string
}

function harmfulRows(all: readonly Sample[], system: System): Row[] {
  const groups = new Map<string, Counts>()
  for (const [i, { set, condition, category }] of all.entries()) {
    const key = `${set}\t${condition}`
    const counts = groups.get(key) ?? noCounts()
    groups.set(key, counts)
    count(counts, category !== 'benign', system.harmful[i]! >= HARMFUL_FROM)
  }
  return [...groups].map(([key, counts]) => {
    const [set, condition] = key.split('\t') as [string, Condition]
    return { set, condition, system: system.name, ...figures(counts) }
  })
}

/** One category against all else. Texts whose set cannot tell whether they belong are left out. */
function categoryRows(all: readonly Sample[], system: System): Row[] {
  const groups = new Map<string, Counts>()
  for (const [i, sample] of all.entries()) {
    if (sample.category === null || DISGUISED_SETS.some((name) => sample.set.startsWith(name))) continue
    const silent = TRAINING_SETS.find(({ name }) => name === sample.set)?.silentOn ?? []
    for (const category of MODEL_CATEGORIES) {
      const truth = sample.category === category
      if (!truth && sample.category !== 'benign' && silent.includes(category)) continue
      const key = `${category}${sample.synthetic ? ' (synthetic)' : ''}\t${sample.condition}`
      const counts = groups.get(key) ?? noCounts()
      groups.set(key, counts)
      count(counts, truth, system.categories!.get(category)![i]! >= HARMFUL_FROM)
    }
  }
  return [...groups]
    .map(([key, counts]) => {
      const [set, condition] = key.split('\t') as [string, Condition]
      return { set, condition, system: system.name, ...figures(counts) }
    })
    .filter((row) => row.positives > 0)
    .sort((a, b) => a.set.localeCompare(b.set))
}

const share = (value: number | null | undefined) =>
  value === null || value === undefined ? '–' : value.toFixed(3)

function table(
  rows: readonly Row[],
  systems: readonly string[],
  condition: Condition,
  keep: (set: string) => boolean,
): string {
  const sets = [
    ...new Set(rows.filter((row) => row.condition === condition && keep(row.set)).map((row) => row.set)),
  ]
  const head = `| set | texts (harmful) | system | precision | recall | F1 | macro-F1 | FPR |\n|---|---|---|---|---|---|---|---|`
  const body = sets.flatMap((set) =>
    systems.map((system, i) => {
      const row = rows.find((r) => r.set === set && r.condition === condition && r.system === system)!
      const name = i === 0 ? `${set} | ${row.texts} (${row.positives})` : ' | '
      return `| ${name} | ${system} | ${share(row.precision)} | ${share(row.recall)} | ${share(row.f1)} | ${share(row.macroF1)} | ${share(row.falsePositiveRate)} |`
    }),
  )
  return [head, ...body].join('\n')
}

/** One line a set: macro-F1, and where a set holds only one kind of text, recall or false-positive rate. */
function summary(
  rows: readonly Row[],
  systems: readonly string[],
  condition: Condition,
  keep: (set: string) => boolean,
): string {
  const sets = [
    ...new Set(rows.filter((row) => row.condition === condition && keep(row.set)).map((row) => row.set)),
  ]
  const lines = sets.map((set) => {
    const cells = systems.map((system) => {
      const row = rows.find((r) => r.set === set && r.condition === condition && r.system === system)!
      if (row.macroF1 !== null)
        return `${share(row.f1)} / ${share(row.macroF1)} / ${share(row.falsePositiveRate)}`
      return row.positives > 0 ? `recall ${share(row.recall)}` : `FPR ${share(row.falsePositiveRate)}`
    })
    const { texts, positives } = rows.find((r) => r.set === set && r.condition === condition)!
    return `| ${set} | ${texts} (${positives}) | ${cells.join(' | ')} |`
  })
  return [
    `| set | texts (harmful) | ${systems.join(' | ')} |`,
    `|---|---|${systems.map(() => '---|').join('')}`,
    ...lines,
  ].join('\n')
}

function fallsInRecall(rows: readonly Row[], system: string): string {
  const lines = rows
    .filter(
      (row) =>
        row.condition === 'disguised' &&
        row.system === system &&
        row.recall !== null &&
        !row.set.startsWith('synthetic/'),
    )
    .map((row) => {
      const clean = rows.find((r) => r.set === row.set && r.condition === 'clean' && r.system === system)!
      return `| ${row.set} | ${share(clean.recall)} | ${share(row.recall)} | ${(100 * (clean.recall! - row.recall!)).toFixed(1)} | ${share(clean.falsePositiveRate)} | ${share(row.falsePositiveRate)} |`
    })
  return [
    '| set | recall | disguised | fall, points | FPR | disguised |',
    '|---|---|---|---|---|---|',
    ...lines,
  ].join('\n')
}

function run(data: string): void {
  if (TRAINING_SETS.every(({ name }) => readSplit(data, name, 'dev') === null)) {
    console.error(`eval: no data sets in ${data}: name their folder with DATA=<folder>`)
    process.exitCode = 1
    return
  }
  const startedAt = new Date()
  const folder = policyFolder(process.env)
  const loaded = loadPolicy(folder)
  if (!loaded.ok) throw new Error(`the policy is not valid: ${JSON.stringify(loaded.problems)}`)
  const { policy } = loaded
  const modelOnly = { ...policy, rules: policy.rules.filter((rule) => rule.when.model !== undefined) }
  const all = samples(data)
  const forms = all.map(({ text }) => makeForms(text))
  console.log(`${all.length} texts`)
  const lexicon = scoreAll('lexicon', createClassifier(policy), all, forms)
  const report: Record<string, unknown> = { ...reportHead(startedAt), policyVersion: policy.version }
  const sections: string[] = []
  const isReal = (set: string) => !set.startsWith('synthetic/')
  const isDisguisedSet = (set: string) => DISGUISED_SETS.some((name) => set.startsWith(name))
  for (const profile of PROFILES as readonly Profile[]) {
    const model = loadModel(folder, { WARDLINE_MODEL: profile })
    if (!model) continue
    const systems = [
      lexicon,
      scoreAll('model', createClassifier(modelOnly, model), all, forms),
      scoreAll('both', createClassifier(policy, model), all, forms),
    ]
    let rows: readonly Labelled[] = []
    if (!values.quick) {
      rows = withoutDevTexts(trainingRows(data, profile, DEFAULTS.seed), data)
      const folded = (text: string) => makeForms(text).find((form) => form.form === 'FOLDED')?.text ?? ''
      systems.push(
        baseline('baseline', rows, all, (text) => text),
        baseline('baseline, normalised', rows, all, folded),
      )
    }
    const names = systems.map(({ name }) => name)
    const harmful = systems.flatMap((system) => harmfulRows(all, system))
    const byCategory = systems
      .filter((system) => system.categories)
      .flatMap((system) => categoryRows(all, system))
    report[profile] = { modelVersion: model.version, harmful, byCategory }
    sections.push(
      `### Profile ${profile} (${model.version})`,
      `Harmful or benign, highest harmful score at ${HARMFUL_FROM}: F1 / macro-F1 / false-positive rate. Plain text:`,
      summary(harmful, names, 'clean', (set) => isReal(set) && !isDisguisedSet(set)),
      'Sets that others have disguised:',
      summary(harmful, names, 'clean', isDisguisedSet),
      'The dev splits after the fixed disguiser of the evaluation:',
      summary(harmful, names, 'disguised', isReal),
      'What the disguise costs lexicon and model together:',
      fallsInRecall(harmful, 'both'),
      'By category, one against all else, plain text (synthetic: texts written for Wardline, from templates that training has not seen):',
      table(byCategory, ['lexicon', 'model', 'both'], 'clean', () => true),
    )
    if (!values.quick) writeCard(profile, model.version, rows, harmful, byCategory)
    console.log(sections.slice(-10).join('\n\n'))
  }
  console.log(`\n${writeReport('eval', report)}`)
  if (!values.quick) writeDocs(sections.join('\n\n'))
}

const WEAKNESSES: Readonly<Record<Profile, readonly string[]>> = {
  open: [
    'Real texts are known from Weibo and Zhihu debates on region, race and gender (COLDataset, SWSR), English tweets and text messages; what else people write is known from examples that were drafted by a language model and read in samples, so their wording is narrower than people are. Insults in other surroundings (comments on news, fan quarrels) are still found a third to two thirds of the time.',
    'Obscene advertising, gambling, grooming, sexual enticement, drugs and weapons rest on few examples or on templates alone: what people write in other words is missed. The synthetic figures say that the written texts generalise to one another, not how well the model works on real users.',
    'Benign posts about region, race and gender are flagged three times as often as others.',
    'English: insults are judged against a set in which most texts are offensive.',
  ],
  research: [
    'Several of its sets are non-commercial or state no licence: it is for measuring, and for those who hold the rights.',
    'Labels differ between sets: what one calls general offence another calls hate; ChNCI marks as bullying what only its incident makes so.',
    'Categories without a labelled set rest on templates written for Wardline, as in the open profile.',
  ],
}

function writeCard(
  profile: Profile,
  version: string,
  rows: readonly Labelled[],
  harmful: readonly Row[],
  byCategory: readonly Row[],
): void {
  const counts = new Map<string, number>()
  for (const { source } of rows) {
    const name = source.startsWith('synthetic/') && source !== EXAMPLES_SOURCE ? 'templates' : source
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  const used = TRAINING_SETS.filter(({ name }) => counts.has(name)).map(
    ({ name, licence, reason }) => `| ${name} | ${counts.get(name)} | ${licence} | ${reason} |`,
  )
  const left = profile === 'open' ? TRAINING_SETS.filter(({ open }) => !open) : []
  const page = [
    `# Model card: ${version}`,
    'A linear model over hashed n-grams: 1 to 4 characters of the folded form, 1 to 4 syllables or words of the phonetic form, and 2 or 3 of these without their order, each counted once a text. One head for harmful at all over 1,048,576 n-grams, one for each category over the 131,072 that tell most; Platt scaling on 8 % of the training texts, held out with their disguised copies; what the head for harmful at all and the likeliest category say is joined by a soft maximum. A text of more than 150 characters has the mean of its own margin and that of its worst window of 120 characters. Each Chinese text is trained on as it is and once in disguise, benign ones too. `make train` makes the file, `make eval` this card.',
    profile === 'research'
      ? '**For research only.** Chosen with `WARDLINE_MODEL=research`; every decision names it in its model version.'
      : 'The default (`WARDLINE_MODEL=open`).',
    '## Training data',
    [
      '| set | texts | licence | why it may be used |',
      '|---|---|---|---|',
      ...used,
      `| templates of training/templates | ${counts.get('templates')} | Apache-2.0 | written for Wardline, synthetic; about a third are random words of the dictionaries of \`@node-rs/jieba\` and \`word-list\` (both MIT) |`,
      `| examples of training/examples | ${counts.get(EXAMPLES_SOURCE)} | Apache-2.0 | written for Wardline one by one, drafted by a language model with no data set in view; harmful ones and harmless ones on the same topics |`,
    ].join('\n'),
    'Texts behind a text of a dev split, also a disguised one, are left out, so that the figures below are of texts that the model has not seen (`training/near-duplicates.ts`). No dev text and no text of the disguised sets is trained on.',
    left.length > 0
      ? `Left out: ${left.map(({ name, licence, reason }) => `${name} (${licence}: ${reason})`).join('; ')}.`
      : '',
    '## Harmful or benign, by source',
    'The model alone, score at 0.5.',
    table(harmful, ['model'], 'clean', () => true),
    'The same texts after the disguiser of the evaluation:',
    table(harmful, ['model'], 'disguised', () => true),
    '## By category',
    table(byCategory, ['model'], 'clean', () => true),
    '## Known weaknesses',
    [
      ...WEAKNESSES[profile],
      'Scores are calibrated on texts of which about half are harmful. On a feed where few are, a score of 0.5 is more often a false alarm than its number says: act by severity and band, not at 0.5 alone.',
      'It sees n-grams, not meaning: quotation, irony, reports about harm and self-mockery are told apart only where the words around them show it. Only the first 4,000 characters are read.',
      'Shortened pinyin (initials only) is mostly missed.',
    ]
      .map((line) => `- ${line}`)
      .join('\n'),
  ]
  const file = new URL(`policy/model/${profile}.md`, ROOT)
  writeFileSync(file, `${page.filter((part) => part !== '').join('\n\n')}\n`)
}

function writeDocs(section: string): void {
  const file = new URL('docs/detection.md', ROOT)
  const page = readFileSync(file, 'utf8')
  const from = page.indexOf(BEGIN)
  const to = page.indexOf(END)
  if (from === -1 || to < from) throw new Error(`docs/detection.md has lost its markers ${BEGIN} and ${END}`)
  writeFileSync(file, `${page.slice(0, from + BEGIN.length)}\n\n${section}\n\n${page.slice(to)}`)
}

run(values.data)
