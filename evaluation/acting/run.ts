/**
 * `make eval-acting`: how many harmless texts the shipped policy takes for harm, and how many harmful ones it finds, as classify
 * decides: by the thresholds of policy/, not at a score of 0.5. Beside it: without the model, and with the model at the ordinary
 * thresholds. DATA: folder of the shared data sets; sets that are not there are left out, and said.
 */
import { loadModel } from '@wardline/model'
import {
  type Classifier,
  createClassifier,
  loadBundle,
  policyFolder,
  readPolicyFiles,
} from '@wardline/policy'
import { createSampleFeed } from '@wardline/sample-feed'
import { reportHead, writeReport } from '../../cli/report.ts'
import { exampleEvent } from '../../packages/policy/example-event.ts'
import { readSplit, TRAINING_SETS } from '../../training/sources.ts'
import { syntheticTexts } from '../../training/templates.ts'

interface Text {
  readonly text: string
  readonly harmful: boolean
}

/** Not the seeds that tests or training use. */
const FEED_SEED = 8_101
const FEED_EVENTS = 40_000
/** What the feed draws hangs on the hour, too: the same figures whenever it runs. */
const FEED_STARTS = Date.UTC(2026, 5, 1)
const TEMPLATE_SEED = 8_102

const startedAt = new Date()
const dataFolder = process.env.DATA ?? '../shared/data'
const loaded = loadBundle(readPolicyFiles(policyFolder(process.env)))
if (!loaded.ok)
  throw new Error(loaded.problems.map(({ file, line, message }) => `${file}:${line}: ${message}`).join('\n'))
const { policy } = loaded.bundle
const model = loadModel(policyFolder(process.env), process.env)
const { modelAlone, ...ordinary } = policy.thresholds
const classifiers: readonly (readonly [string, Classifier])[] = [
  ['as shipped', createClassifier(policy, model)],
  [
    'model at ordinary thresholds',
    createClassifier({ ...policy, thresholds: { ...ordinary, modelAlone: ordinary } }, model),
  ],
  ['without model', createClassifier(policy)],
]

function* sets(): Generator<readonly [name: string, texts: readonly Text[]]> {
  const feed = [...createSampleFeed({ seed: FEED_SEED, startAt: FEED_STARTS }).events(FEED_EVENTS)]
  for (const source of ['template', 'coldataset', 'swsr'] as const) {
    const texts: Text[] = []
    for (const item of feed)
      if (item.source === source && item.event.text !== null && item.event.text !== '')
        texts.push({ text: item.event.text, harmful: item.intent !== 'benign' })
    yield [`sample feed, ${source}`, texts]
  }
  yield [
    'written templates, test part',
    syntheticTexts('test', TEMPLATE_SEED).map(({ text, category }) => ({
      text,
      harmful: category !== 'benign',
    })),
  ]
  for (const { name } of TRAINING_SETS) {
    const rows = readSplit(dataFolder, name, 'dev')
    if (!rows) {
      console.error(
        `${dataFolder}/${name} is not there: left out; give DATA=<folder of the shared data sets>`,
      )
      continue
    }
    yield [
      name,
      rows.flatMap(({ text, category }) =>
        category === null ? [] : [{ text, harmful: category !== 'benign' }],
      ),
    ]
  }
}

const now = startedAt.getTime()
const share = (texts: readonly Text[], classifier: Classifier): number | null => {
  if (texts.length === 0) return null
  let passed = 0
  for (const { text } of texts)
    if (classifier.classify(exampleEvent(text, now)).category !== 'benign') passed++
  return passed / texts.length
}
const percent = (value: number | null) => (value === null ? '–' : `${(100 * value).toFixed(2)} %`)

const rows = []
console.log(
  `| set | harmless | harmful | ${classifiers.map(([name]) => `${name}: false, found`).join(' | ')} |`,
)
console.log(`|---|---|---|${'---|'.repeat(classifiers.length)}`)
for (const [name, texts] of sets()) {
  const harmless = texts.filter((each) => !each.harmful)
  const harmful = texts.filter((each) => each.harmful)
  const measured = classifiers.map(([of, classifier]) => ({
    of,
    falseAlarms: share(harmless, classifier),
    found: share(harmful, classifier),
  }))
  rows.push({ set: name, harmless: harmless.length, harmful: harmful.length, measured })
  const cells = measured.map(({ falseAlarms, found }) => `${percent(falseAlarms)}, ${percent(found)}`)
  console.log(`| ${name} | ${harmless.length} | ${harmful.length} | ${cells.join(' | ')} |`)
}
console.log(writeReport('eval-acting', { ...reportHead(startedAt), policyVersion: policy.version, rows }))
