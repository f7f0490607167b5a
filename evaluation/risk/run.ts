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
import { RiskChain } from './chain.ts'
import { HONEST_RATIO, SEEDS, sessions, shippedClassifier, shippedPolicy, simulated } from './data.ts'
import { ConcatenatedModel } from './logistic.ts'
import { bestThreshold, type Measures, measure, type Outcome } from './measure.ts'
import { SentinelIndex, skewness } from './sentinel.ts'

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
/** A pile-on is a finding about many; one rude comment in a thread is none. */
const FINDING: Readonly<Partial<Record<Task, string>>> = { 'pile-on': 'pile_on', sessions: 'pile_on' }

const bundle = shippedPolicy()
const chain = new RiskChain(shippedClassifier(bundle), bundle.risk)
const startedAt = new Date()
const dataFolder = process.env.DATA ?? '../shared/data'

/**
 * What comment-risk says: the category of an event, whether a finding about the conversation or one line made it so;
 * `singleLines` false: the findings alone. A pile-on is always a finding.
 */
function wardline(task: Task, singleLines = true): Detector {
  const code = FINDING[task]
  const scoreOf = (assessed: AssessedEvent): number => {
    let score = singleLines && !code && CATEGORIES[task].has(assessed.riskCategory) ? assessed.risk : 0
    for (const finding of assessed.findings) {
      const counts = code ? finding.code === code : CATEGORIES[task].has(finding.category)
      if (counts && finding.score > score) score = finding.score
    }
    return score
  }
  return {
    name: singleLines ? 'Wardline' : 'Wardline, findings alone',
    threshold: 0.5,
    scores: (conversation) => {
      const assessed = chain.run(conversation)
      return conversation.messages.flatMap(({ actorId, telling }, i) =>
        actorId === conversation.minorId ? [] : [{ score: scoreOf(assessed[i]!), telling }],
      )
    },
  }
}

/** classify alone: any message whose category is one of the task's. */
function classifyAlone(task: Task): Detector {
  return {
    name: 'classify alone',
    threshold: 0.5,
    scores: (conversation) => {
      const assessed = chain.run(conversation)
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

function sentinel(fitting: readonly Conversation[], leastMessages: number): Detector {
  const rare = new Set<string>()
  const common = new Set<string>()
  for (const conversation of fitting)
    for (const { text, telling, actorId } of conversation.messages)
      if (actorId !== conversation.minorId) (telling ? rare : common).add(text)
  for (const text of rare) common.delete(text)
  const negatives = new Random(5).shuffle([...common]).slice(0, 5 * rare.size)
  const index = new SentinelIndex([...rare], negatives)
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

interface Row extends Measures {
  readonly task: string
  readonly detector: string
  alarmsPerMillion: number | null
  /** Recall where the threshold lets through 1,000 of a million harmless pairs, chosen on those very pairs. */
  recallAtEqualAlarms: number | null
  harmlessPairs: number | null
}
const rows: Row[] = []

function evaluate(task: Task, detectors: readonly Detector[], testing: readonly Conversation[]): void {
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

/** False alarms on harmless conversations that no table has seen. */
function countAlarms(task: Task, detectors: readonly Detector[], testing: readonly Conversation[]): void {
  for (const detector of detectors) {
    const count = detector.name.startsWith('Wardline') ? ALARMS : BASELINE_ALARMS
    const simulator = new Simulator(SEEDS.alarms, wording)
    let alarms = 0
    const scores: number[] = []
    for (let i = 0; i < count; i++) {
      const score = highest(detector.scores(simulator.conversation('honest')))
      scores.push(score)
      if (score >= detector.threshold) alarms++
    }
    scores.sort((a, b) => b - a)
    const equal = scores[Math.floor((count * EQUAL_ALARMS) / 1e6)]!
    const harmful = testing.filter((each) => each.harmful)
    const found = harmful.filter((each) => highest(detector.scores(each)) > equal).length
    const row = rows.find((each) => each.task === task && each.detector === detector.name)!
    row.alarmsPerMillion = Math.round((1e6 * alarms) / count)
    row.harmlessPairs = count
    row.recallAtEqualAlarms = found / harmful.length
  }
}

for (const [task, kind] of [
  ['approach', 'approach'],
  ['recruiting', 'recruiting'],
  ['pile-on', 'pile_on'],
] as const) {
  const fitting = simulated(SEEDS.fitting, 'fitting', kind, 1_000)
  const development = simulated(SEEDS.development, 'development', kind, 1_000)
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
  const detectors = [
    wardline(task),
    ...(FINDING[task] ? [] : [wardline(task, false)]),
    classifyAlone(task),
    ...baselines,
  ]
  evaluate(task, detectors, testing)
  if (kind === 'approach') countAlarms(task, detectors, testing)
}
const [train, dev] = [sessions(dataFolder, 'train'), sessions(dataFolder, 'dev')]
if (train && dev) {
  const baselines = [sentinel(train, 10), sentinel(train, 3), concatenated(train)]
  const [first, second] = [train.filter((_, i) => i % 2 === 0), train.filter((_, i) => i % 2 === 1)]
  const halves = [sentinel(first, 10), sentinel(first, 3), concatenated(first)]
  for (const [i, half] of halves.entries()) baselines[i]!.threshold = tuned(half, second).threshold
  evaluate('sessions', [wardline('sessions'), classifyAlone('sessions'), ...baselines], dev)
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
weights fitted on the wording "fitting", thresholds on "development", measured on "${wording}", seeds ${SEEDS.testing} and ${SEEDS.alarms}`)

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
