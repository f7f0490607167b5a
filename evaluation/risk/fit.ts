/**
 * `make fit-risk`: fits what comment-risk weighs by, and writes it to policy/tones.yaml and policy/risk.yaml. DATA: folder of
 * the shared data sets. docs/risk.md says what is fitted from what.
 *
 * No weight is fitted on tones that have seen the line: tones for the wording "fitting" come from a model of
 * "development" and the other way round.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  approachFeatures,
  approachWeight,
  hashOf,
  hostilityOf,
  pileOnFeatures,
  threadOf,
  unpackPair,
} from '@wardline/comment-risk/parts'
import { type Conversation, Simulator, type WordingName } from '@wardline/conversation-simulator'
import { policyFolder } from '@wardline/policy'
import { APPROACH_FEATURES, type ApproachFeature, PILE_ON_FEATURES, RISK_FILE } from '@wardline/policy/risk'
import { TONES_FILE, type ToneModel } from '@wardline/policy/tones'
import { Random } from '@wardline/sample-feed'
import { parseDocument, stringify } from 'yaml'
import { syntheticTexts } from '../../training/templates.ts'
import { RiskChain } from './chain.ts'
import { HONEST_RATIO, SEEDS, shippedClassifier, shippedPolicy, simulated } from './data.ts'
import { fitLogistic, type Sample } from './logistic.ts'
import { dataLines, fitTones, simulatedLines, type ToneLine, type ToneLines, toneModel } from './tone-fit.ts'

/** The threshold of an approach lets one in so many harmless conversations through, counted on `HARMLESS` of each wording. */
const ALARM_ONE_IN = 400
const HARMLESS = 10_000
const THREAD_ALARM_ONE_IN = 250
const THREADS = 3_000
const APPROACHES = 1_000
const PILE_ONS = 150

/**
 * What is believed before anything is seen: secrecy, sexual talk and what is hidden weigh most, as the literature on grooming has it
 * (O'Connell 2003; Gámez-Guadix et al. 2018); the fit moves away from it as far as the samples ask for.
 */
const APPROACH_PRIOR: Readonly<Record<ApproachFeature, number>> = {
  contact: 0.2,
  rapport: 0.8,
  asking: 0.6,
  alone: 1.5,
  secrecy: 2,
  gift: 1,
  sexual: 2.5,
  move: 1.2,
  meet: 1.2,
  pressing: 1,
  order: 1.5,
  hidden: 2,
  breadth: 2,
  pace: 0.3,
  unanswered: 0.3,
  refused: 1,
  night: 0.5,
  harm: 0.5,
  tone: 2,
  toneAbove: 2,
  openness: -2,
  answered: -0.3,
  acquainted: -0.3,
  started: -0.5,
}

const { risk, ...bundle } = shippedPolicy()
const classifier = shippedClassifier({ risk, ...bundle })
const dataFolder = process.env.DATA ?? '../shared/data'

interface Observed {
  readonly features: number[]
  /** Whether the message shows anything that a finding may rest on. */
  readonly shows: boolean
}
interface Watched {
  readonly harmful: boolean
  readonly observed: readonly Observed[]
}

/** The features after each of the other side's messages. */
function observeApproach(conversation: Conversation, chain: RiskChain): Watched {
  const state = chain.newState()
  const observed: Observed[] = []
  const { minorId, minorBand, otherId, guardianIds, harmful } = conversation
  for (const [i, message] of conversation.messages.entries()) {
    const [assessed] = chain.run(
      { ...conversation, id: `${conversation.id}-${i}`, messages: [message] },
      state,
    )
    if (message.actorId !== otherId) continue
    const packed = state.pairs.get(`${minorId}|${otherId}`)
    if (!packed) continue
    const pair = unpackPair(packed)
    const features = new Float64Array(APPROACH_FEATURES.length)
    const guardian = guardianIds.includes(otherId) ? risk.approach.guardianWeight : 1
    const who = approachWeight(message.actorBand, minorBand) * guardian
    approachFeatures(pair, message.at, who, risk, features)
    observed.push({ features: [...features], shows: assessed!.signals.length > 0 && pair.marks.length > 0 })
  }
  return { harmful, observed }
}

function observePileOn(conversation: Conversation, chain: RiskChain): Watched {
  const state = chain.newState()
  const observed: Observed[] = []
  for (const [i, message] of conversation.messages.entries()) {
    const [assessed] = chain.run(
      { ...conversation, id: `${conversation.id}-${i}`, messages: [message] },
      state,
    )
    const hostility = hostilityOf({ ...assessed!, tones: chain.tonesOf(message.text) }, risk)
    const account = state.accounts.get(conversation.minorId)
    if (hostility < risk.pileOn.attackFrom || !account) continue
    const features = new Float64Array(PILE_ON_FEATURES.length)
    pileOnFeatures(
      account,
      message.at,
      threadOf(account, hashOf(message.conversationId)),
      hostility,
      features,
    )
    observed.push({ features: [...features], shows: true })
  }
  return { harmful: conversation.harmful, observed }
}

/**
 * The end of a conversation, and for harmful ones a moment two thirds through; harmless ones count at every moment that shows
 * something, together as one.
 */
function samplesOf({ harmful, observed }: Watched): Sample[] {
  const shown = observed.filter(({ shows }) => shows)
  if (shown.length === 0) return []
  if (!harmful) return shown.map(({ features }) => ({ features, harmful, weight: 1 / shown.length }))
  const at = [shown.at(-1)!, shown[Math.floor((shown.length * 2) / 3)]!]
  return at.map(({ features }) => ({ features, harmful, weight: HONEST_RATIO / 2 }))
}

/** Fits, then moves the bias to where one in `oneIn` of the harmless conversations is called harmful at its highest moment. */
function fitModel(
  conversations: readonly Watched[],
  prior: readonly number[],
  harmless: readonly Watched[],
  oneIn: number,
  factor: number,
): { bias: number; weights: number[]; found: number } {
  const { weights } = fitLogistic(conversations.flatMap(samplesOf), prior, { factor })
  const highest = ({ observed }: Watched): number => {
    let score = -30
    for (const { features, shows } of observed) {
      if (!shows) continue
      let logit = 0
      for (let i = 0; i < weights.length; i++) logit += weights[i]! * features[i]!
      if (logit > score) score = logit
    }
    return score
  }
  const scores = harmless.map(highest).sort((a, b) => b - a)
  const threshold = scores[Math.floor(scores.length / oneIn)]!
  const harmful = conversations.filter((each) => each.harmful)
  const found = harmful.filter((each) => highest(each) > threshold).length / harmful.length
  return { bias: -threshold, weights, found }
}

// Tones

/** Sets whose licence allows it (Apache-2.0, MIT): what is fitted here is in every installation. */
const hostile = (category: string) => category !== 'benign'
const ownTexts = new Random(SEEDS.fitting)
  .shuffle(syntheticTexts('train', SEEDS.fitting))
  .filter(({ category }) => category === 'abuse_bullying' || category === 'benign')
  .slice(0, 20_000)
const hostileData: readonly ToneLine[] = [
  ...ownTexts.map(({ text, category }) => ({ text, has: category !== 'benign', weight: 1 })),
  ...dataLines(dataFolder, 'coldataset', hostile, 16_000),
  ...dataLines(dataFolder, 'swsr', hostile, 6_000),
  ...dataLines(dataFolder, 'davidson-hate', hostile, 4_000),
]

const linesFor = (wordings: readonly WordingName[]): ToneLines => {
  const lines = simulatedLines(wordings, SEEDS.fitting)
  return { ...lines, hostile: [...lines.hostile, ...hostileData] }
}
const tonesWithout: Readonly<Record<'fitting' | 'development', ToneModel>> = {
  fitting: toneModel(linesFor(['development'])),
  development: toneModel(linesFor(['fitting'])),
}
writeFileSync(
  join(policyFolder(process.env), TONES_FILE),
  `# yaml-language-server: $schema=tones.schema.json\n# What the wording of a line alone speaks for. Written by \`make fit-risk\`; docs/risk.md says from what.\n${stringify(
    fitTones(linesFor(['fitting', 'development'])),
    { lineWidth: 0 },
  )}`,
)

// Weights

/** Rules know the wordings that they were looked over with better than any other: some of their hits are dropped, some made up. */
const PERTURBED = { dropped: 0.4, madeUp: 0.03 }
const chainFor = (wording: 'fitting' | 'development') =>
  new RiskChain(classifier, risk, {
    tones: tonesWithout[wording],
    perturb: { ...PERTURBED, random: new Random(SEEDS[wording]) },
  })

const approaches: Watched[] = []
const harmless: Watched[] = []
const pileOns: Watched[] = []
const threads: Watched[] = []
for (const wording of ['fitting', 'development'] as const) {
  const chain = chainFor(wording)
  for (const each of simulated(SEEDS[wording], wording, 'approach', APPROACHES))
    approaches.push(observeApproach(each, chain))
  for (const each of simulated(SEEDS[wording] + 1, wording, 'pile_on', PILE_ONS))
    pileOns.push(observePileOn(each, chain))
  const simulator = new Simulator(SEEDS[wording] + 2, wording)
  for (let i = 0; i < HARMLESS; i++) harmless.push(observeApproach(simulator.conversation('honest'), chain))
  for (let i = 0; i < THREADS; i++) threads.push(observePileOn(simulator.conversation('thread'), chain))
}
const approach = fitModel(
  approaches,
  APPROACH_FEATURES.map((name) => APPROACH_PRIOR[name]),
  harmless,
  ALARM_ONE_IN,
  2,
)
const pileOn = fitModel(
  pileOns,
  PILE_ON_FEATURES.map(() => 1),
  threads,
  THREAD_ALARM_ONE_IN,
  4,
)

const path = join(policyFolder(process.env), RISK_FILE)
const document = parseDocument(readFileSync(path, 'utf8'))
const rounded = (value: number) => Math.round(value * 1000) / 1000
document.setIn(['approach', 'bias'], rounded(approach.bias))
for (const [i, name] of APPROACH_FEATURES.entries())
  document.setIn(['approach', 'weights', name], rounded(approach.weights[i]!))
document.setIn(['pileOn', 'bias'], rounded(pileOn.bias))
for (const [i, name] of PILE_ON_FEATURES.entries())
  document.setIn(['pileOn', 'weights', name], rounded(pileOn.weights[i]!))
writeFileSync(path, document.toString())
console.log(
  `approach: ${(100 * approach.found).toFixed(1)} % found, pile-on: ${(100 * pileOn.found).toFixed(1)} % found, of what was fitted, on tones that had not seen it`,
)
