/**
 * `make eval-risk`: conversations and pile-ons, from their text through normalize, classify and comment-risk, against the
 * contrastive rare-class score per sender and a linear model on the concatenated conversation. DATA: folder of the shared
 * data sets. Exit code 1 where Wardline is behind a baseline in F1, F0.5 or recall at equal false alarms of any task.
 */
import { approachWeight } from '@wardline/comment-risk/parts'
import { type Conversation, Simulator, type WordingName } from '@wardline/conversation-simulator'
import type { AssessedEvent, Category } from '@wardline/events'
import { Random } from '@wardline/sample-feed'
import { reportHead, table, writeReport } from '../../cli/report.ts'
import { RiskChain, sessionConversation } from './chain.ts'
import {
  FITTED,
  HONEST_RATIO,
  PERTURBED,
  SEEDS,
  sessions,
  shippedClassifier,
  shippedPolicy,
  simulated,
} from './data.ts'
import { ConcatenatedModel } from './logistic.ts'
import { bestThreshold, type Measures, measure, type Outcome } from './measure.ts'
import { SentinelIndex, skewness } from './sentinel.ts'
import { toneLines, toneModel } from './tone-fit.ts'

const wording: WordingName = process.argv.includes('--development') ? 'development' : 'testing'
const option = (name: string, otherwise: number): number => {
  const at = process.argv.indexOf(`--${name}`)
  return at === -1 ? otherwise : Number(process.argv[at + 1])
}
const COUNT = option('conversations', 500)
const ALARMS = option('harmless', 100_000)
/** False alarms per million at which recalls are compared. */
const EQUAL_ALARMS = 1_000
/** Baselines are slower; their false alarms are counted on so many. */
const BASELINE_ALARMS = option('baseline-harmless', 20_000)

/** What baselines learn from before their threshold is chosen on the development wording. */
const LEARNED = FITTED.filter((each) => each !== 'development')

type Task = 'approach' | 'recruiting' | 'pile-on' | 'sessions'

/** Scores after each message of the side that is watched; what is found is the first at or above the threshold. */
interface Detector {
  readonly name: string
  scores(conversation: Conversation): { score: number; telling: boolean }[]
  threshold: number
}

/** What is said to the minor, or in the thread: the side that detectors judge. */
const watched = ({ messages, minorId }: Conversation) => messages.filter(({ actorId }) => actorId !== minorId)

const CATEGORIES: Readonly<Record<Task, ReadonlySet<Category>>> = {
  approach: new Set(['grooming', 'sexual_enticement', 'contact_solicitation']),
  recruiting: new Set(['game_companion', 'contact_solicitation', 'grooming']),
  'pile-on': new Set(['abuse_bullying', 'hate', 'privacy_exposure']),
  sessions: new Set(['abuse_bullying', 'hate', 'privacy_exposure']),
}
/** A pile-on is a finding about many; one rude comment in a thread is none. A session is found by attacks of many or of few. */
const FINDINGS: Readonly<Partial<Record<Task, readonly string[]>>> = {
  'pile-on': ['pile_on'],
  sessions: ['pile_on', 'targeted_abuse'],
}

const bundle = shippedPolicy()
const startedAt = new Date()
const dataFolder = process.env.DATA ?? '../shared/data'
const chain = new RiskChain(shippedClassifier(bundle), bundle.risk)
/** By which thresholds are chosen: with tones that have not seen the development wording, and rules that know little of it. */
const unseenChain = new RiskChain(shippedClassifier(bundle), bundle.risk, {
  tones: toneModel(toneLines(dataFolder, LEARNED)),
  perturb: { ...PERTURBED, random: new Random(SEEDS.development) },
})

/**
 * What comment-risk says: the category of an event, whether a finding about the conversation or one line made it so;
 * `singleLines` false: the findings alone. A pile-on is always a finding, and so is what a session is found by.
 */
function wardline(task: Task, { singleLines = true, by = chain } = {}): Detector {
  const codes = FINDINGS[task]
  const scoreOf = (assessed: AssessedEvent): number => {
    let score = singleLines && !codes && CATEGORIES[task].has(assessed.riskCategory) ? assessed.risk : 0
    for (const finding of assessed.findings) {
      const counts = codes ? codes.includes(finding.code) : CATEGORIES[task].has(finding.category)
      if (counts && finding.score > score) score = finding.score
    }
    return score
  }
  return {
    name: singleLines ? 'Wardline, as shipped' : 'Wardline, as shipped, findings alone',
    threshold: 0.5,
    scores: (conversation) => {
      const assessed = by.run(conversation)
      return conversation.messages.flatMap(({ actorId, telling }, i) =>
        actorId === conversation.minorId ? [] : [{ score: scoreOf(assessed[i]!), telling }],
      )
    },
  }
}

/** With the threshold chosen as the baselines' are: by the best F1 on the development wording. */
const wardlineByF1 = (task: Task, shipped: Detector, development: readonly Conversation[]): Detector => ({
  ...shipped,
  name: 'Wardline',
  threshold: tuned(wardline(task, { by: unseenChain }), development).threshold,
})

/** classify alone: any message whose category is one of the task's. */
function classifyAlone(task: Task, by = chain): Detector {
  return {
    name: 'classify alone',
    threshold: 0.5,
    scores: (conversation) => {
      const assessed = by.run(conversation)
      return conversation.messages.flatMap(({ actorId, telling }, i) =>
        actorId === conversation.minorId
          ? []
          : [{ score: CATEGORIES[task].has(assessed[i]!.category) ? 1 : 0, telling }],
      )
    },
  }
}

/** The baselines know what is said, not who says it; with `ages` they are only asked where Wardline is: adult or unknown to minor. */
const withAges = (detector: Detector): Detector => ({
  ...detector,
  name: `${detector.name}, ages known`,
  scores: (conversation) => {
    const scores = detector.scores(conversation)
    const band = watched(conversation)[0]?.actorBand ?? 'UNKNOWN'
    const guarded = conversation.guardianIds.length > 0
    return approachWeight(band, conversation.minorBand) >= 0.5 && !guarded
      ? scores
      : scores.map(({ telling }) => ({ score: Number.NEGATIVE_INFINITY, telling }))
  },
})

/** Examples of the rare class; more make it slow and change little. */
const MOST_RARE = 5_000

function sentinel(fitting: readonly Conversation[], leastMessages: number): Detector {
  const rare = new Set<string>()
  const common = new Set<string>()
  for (const conversation of fitting)
    for (const { text, telling, actorId } of conversation.messages)
      if (actorId !== conversation.minorId) (telling ? rare : common).add(text)
  for (const text of rare) common.delete(text)
  const random = new Random(5)
  const positives = random.shuffle([...rare]).slice(0, MOST_RARE)
  const negatives = random.shuffle([...common]).slice(0, 5 * positives.length)
  const index = new SentinelIndex(positives, negatives)
  return {
    name: `rare-class score${leastMessages === 10 ? '' : `, from ${leastMessages} messages`}`,
    threshold: 0,
    scores: (conversation) => {
      const seen: number[] = []
      return watched(conversation).map(({ text, telling }) => {
        seen.push(index.observe(text))
        return { score: skewness(seen, leastMessages), telling }
      })
    },
  }
}

function concatenated(fitting: readonly Conversation[]): Detector {
  const model = new ConcatenatedModel()
  const texts = fitting.flatMap((conversation) => {
    const messages = watched(conversation).map(({ text }) => text)
    const half = messages.slice(0, Math.ceil(messages.length / 2))
    return [messages, half].map((each) => ({ messages: each, harmful: conversation.harmful }))
  })
  model.fit(texts, new Random(6))
  return {
    name: 'linear, concatenated',
    threshold: 0.5,
    scores: (conversation) => {
      const messages = watched(conversation)
      const scores = model.scores(messages.map(({ text }) => text))
      return messages.map(({ telling }, i) => ({ score: scores[i]!, telling }))
    },
  }
}

const highest = (scores: readonly { score: number }[]) =>
  scores.reduce((max, { score }) => Math.max(max, score), -1e9)

/** Sets the threshold of a baseline to the one with the best F1 on conversations that it was not trained on. */
function tuned(detector: Detector, unseen: readonly Conversation[]): Detector {
  const scored = unseen.map((conversation) => ({
    harmful: conversation.harmful,
    score: highest(detector.scores(conversation)),
  }))
  detector.threshold = bestThreshold(scored)
  return detector
}

function outcome(detector: Detector, conversation: Conversation): Outcome {
  const scores = detector.scores(conversation)
  const at = scores.findIndex(({ score }) => score >= detector.threshold)
  if (at === -1) return { harmful: conversation.harmful, found: null }
  const telling = scores.slice(0, at + 1).filter((each) => each.telling).length
  return { harmful: conversation.harmful, found: { messages: at + 1, telling } }
}

const rows: Row[] = []

interface Row extends Measures {
  readonly task: string
  readonly detector: string
  alarmsPerMillion: number | null
  /** Recall where the threshold lets through 1,000 of a million harmless pairs, chosen on those very pairs. */
  recallAtEqualAlarms: number | null
  harmlessPairs: number | null
}

function evaluate(task: string, detectors: readonly Detector[], testing: readonly Conversation[]): void {
  for (const detector of detectors) {
    const measures = measure(testing.map((conversation) => outcome(detector, conversation)))
    rows.push({
      task,
      detector: detector.name,
      ...measures,
      alarmsPerMillion: null,
      recallAtEqualAlarms: null,
      harmlessPairs: null,
    })
  }
}

/** False alarms on harmless conversations that no table has seen. Detectors that differ in the threshold alone are run once. */
function countAlarms(task: Task, detectors: readonly Detector[], testing: readonly Conversation[]): void {
  for (const scoresOf of new Set(detectors.map((each) => each.scores))) {
    const alike = detectors.filter((each) => each.scores === scoresOf)
    const count = alike[0]!.name.startsWith('Wardline') ? ALARMS : BASELINE_ALARMS
    const simulator = new Simulator(SEEDS.alarms, wording)
    const scores: number[] = []
    for (let i = 0; i < count; i++) scores.push(highest(scoresOf(simulator.conversation('honest'))))
    scores.sort((a, b) => b - a)
    const equal = scores[Math.floor((count * EQUAL_ALARMS) / 1e6)]!
    const harmful = testing.filter((each) => each.harmful)
    const found = harmful.filter((each) => highest(scoresOf(each)) > equal).length
    for (const { name, threshold } of alike) {
      const row = rows.find((each) => each.task === task && each.detector === name)!
      row.alarmsPerMillion = Math.round((1e6 * scores.filter((score) => score >= threshold).length) / count)
      row.harmlessPairs = count
      row.recallAtEqualAlarms = found / harmful.length
    }
  }
}

for (const [task, kind] of [
  ['approach', 'approach'],
  ['recruiting', 'recruiting'],
  ['pile-on', 'pile_on'],
] as const) {
  const development = simulated(SEEDS.development, 'development', kind, 1_000)
  const fitting = LEARNED.flatMap((each) => simulated(SEEDS[each], each, kind, 1_000))
  const testing = simulated(SEEDS.testing, wording, kind, COUNT)
  // The threshold from the wording that rules and thresholds of Wardline were looked over with; then all may learn from it.
  const learned = (of: (from: readonly Conversation[]) => Detector, ages: boolean): Detector => {
    const as = (detector: Detector) => (ages ? withAges(detector) : detector)
    const { threshold } = tuned(as(of(fitting)), development)
    return { ...as(of(wording === 'testing' ? [...fitting, ...development] : fitting)), threshold }
  }
  const kinds = [
    (from: readonly Conversation[]) => sentinel(from, 10),
    (from: readonly Conversation[]) => sentinel(from, 3),
    concatenated,
  ]
  const baselines = (kind === 'pile_on' ? [false] : [false, true]).flatMap((ages) =>
    kinds.map((of) => learned(of, ages)),
  )
  const shipped = wardline(task)
  const detectors = [
    wardlineByF1(task, shipped, development),
    shipped,
    ...(FINDINGS[task] ? [] : [wardline(task, { singleLines: false })]),
    classifyAlone(task),
    ...baselines,
  ]
  evaluate(task, detectors, testing)
  if (kind === 'approach') countAlarms(task, detectors, testing)
}

// Sessions, twice: with what may be fitted on open data alone, and with what was fitted on SCCD's train sessions, too. Baselines
// learn from the same.

const [train, dev] = [sessions(dataFolder, 'train'), sessions(dataFolder, 'dev')]
if (train && dev) {
  const known = FITTED.flatMap((each) => simulated(SEEDS[each], each, 'pile_on', 250))
  const unknown = simulated(SEEDS.development, 'development', 'pile_on', 250)
  const others = LEARNED.flatMap((each) => simulated(SEEDS[each], each, 'pile_on', 250))
  const open = toneLines(dataFolder, FITTED).hostile.map(({ text, has }, i) =>
    sessionConversation(`line-${i}`, text, has),
  )
  const [most, tenth] = [open.filter((_, i) => i % 10 !== 0), open.filter((_, i) => i % 10 === 0)]
  const kinds = [
    (from: readonly Conversation[]) => sentinel(from, 10),
    (from: readonly Conversation[]) => sentinel(from, 3),
    concatenated,
  ]
  const openly = kinds.map((of) => ({
    ...of([...known, ...open]),
    threshold: tuned(of([...others, ...most]), [...unknown, ...tenth]).threshold,
  }))
  evaluate(
    'sessions, open data',
    [{ ...wardline('sessions'), name: 'Wardline' }, classifyAlone('sessions'), ...openly],
    dev,
  )
  const research = new RiskChain(
    shippedClassifier(bundle, { ...process.env, WARDLINE_MODEL: 'research' }),
    bundle.risk,
  )
  const [first, second] = [train.filter((_, i) => i % 2 === 0), train.filter((_, i) => i % 2 === 1)]
  const trained = kinds.map((of) => ({ ...of(train), threshold: tuned(of(first), second).threshold }))
  const both = {
    ...concatenated([...train, ...known, ...open]),
    name: 'linear, concatenated, and open data',
    threshold: tuned(concatenated([...first, ...known, ...open]), second).threshold,
  }
  evaluate(
    'sessions, SCCD train too',
    [
      { ...wardline('sessions', { by: research }), name: 'Wardline' },
      classifyAlone('sessions', research),
      ...trained,
      both,
    ],
    dev,
  )
} else
  console.error(`${dataFolder}/sccd-session is not there: the sessions were left out; give DATA=<folder>`)

const percent = (share: number) => (100 * share).toFixed(1)
const cells = rows.map((row) => [
  row.task,
  row.detector,
  percent(row.precision),
  percent(row.recall),
  percent(row.f1),
  percent(row.f05),
  row.messages === null ? '–' : String(row.messages),
  row.telling === null ? '–' : String(row.telling),
  row.alarmsPerMillion === null ? '' : `${row.alarmsPerMillion} (of ${row.harmlessPairs})`,
  row.recallAtEqualAlarms === null ? '' : percent(row.recallAtEqualAlarms),
])
const head = [
  'task',
  'detector',
  'precision',
  'recall',
  'F1',
  'F0.5',
  'messages',
  'telling',
  'false alarms/million',
  'recall at 1,000',
]
console.log(table(head, cells, 'left'))
console.log(`
per conversation; recall at 1,000: with the threshold at which 1,000 of a million harmless conversations would be called harmful
${COUNT} harmful and ${HONEST_RATIO * COUNT} harmless ones a simulated task; messages, telling: median of what the other side sent until it was found
fitted on the wordings ${FITTED.join(', ')}, thresholds on "development", measured on "${wording}", seeds ${SEEDS.testing} and ${SEEDS.alarms}`)

const BASELINES = /^(?:rare-class|linear)/
const behind = rows.flatMap((row) => {
  if (!BASELINES.test(row.detector)) return []
  const own = rows.find(({ task, detector }) => task === row.task && detector === 'Wardline')!
  const measures = (['f1', 'f05', 'recallAtEqualAlarms'] as const).filter((name) => row[name]! > own[name]!)
  return measures.map((measured) => `${row.detector} on ${row.task}, ${measured}`)
})
const path = writeReport('eval-risk', {
  ...reportHead(startedAt),
  policyVersion: bundle.version,
  seeds: SEEDS,
  harmlessToOneHarmful: HONEST_RATIO,
  rows,
  behind,
})
console.log(path)
for (const each of behind) console.log(`behind: ${each}`)
if (behind.length > 0) process.exitCode = 1
