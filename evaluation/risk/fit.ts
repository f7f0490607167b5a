/**
 * `make fit-risk`: fits the weights of the approach model on the simulator's fitting wording, and those of the pile-on model on
 * its pile-ons and on the train sessions of SCCD, and writes them to policy/risk.yaml. Everything else there stays as it is.
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
} from '@wardline/comment-risk/fitting'
import { type Conversation, Simulator } from '@wardline/conversation-simulator'
import { policyFolder } from '@wardline/policy'
import {
  APPROACH_FEATURES,
  type ApproachFeature,
  LOWERING_FEATURES,
  PILE_ON_FEATURES,
  RISK_FILE,
  type RiskPolicy,
} from '@wardline/policy/risk'
import { parseDocument } from 'yaml'
import { RiskChain } from './chain.ts'
import { HONEST_RATIO, SEEDS, sessions, shippedClassifier, shippedPolicy, simulated } from './data.ts'
import { fitLogistic, type Sample } from './logistic.ts'

const APPROACHES = 1500
/** The threshold lets one in so many harmless conversations through, counted on `HARMLESS` of them. */
const ALARM_ONE_IN = 4_000
const HARMLESS = 20_000
const THREAD_ALARM_ONE_IN = 500
const THREADS = 5_000

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
  openness: -2,
  answered: -0.3,
  acquainted: -0.3,
}

interface Observed {
  readonly features: number[]
  readonly telling: boolean
  readonly shows: boolean
}

/** The features after each of the other side's messages. */
function observeApproach(conversation: Conversation, chain: RiskChain, risk: RiskPolicy): Observed[] {
  const state = chain.newState()
  const observed: Observed[] = []
  const { minorId, minorBand, otherId, guardianIds } = conversation
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
    const who =
      approachWeight(message.actorBand, minorBand) *
      (guardianIds.includes(otherId) ? risk.approach.guardianWeight : 1)
    approachFeatures(pair, message.at, who, risk, features)
    const shows = assessed!.signals.length > 0 && pair.marks.length > 0
    observed.push({ features: [...features], telling: message.telling, shows })
  }
  return observed
}

function observePileOn(conversation: Conversation, chain: RiskChain, risk: RiskPolicy): Observed[] {
  const state = chain.newState()
  const observed: Observed[] = []
  for (const [i, message] of conversation.messages.entries()) {
    const [assessed] = chain.run(
      { ...conversation, id: `${conversation.id}-${i}`, messages: [message] },
      state,
    )
    const hostility = hostilityOf(assessed as never, risk)
    const account = state.accounts.get(conversation.minorId)
    if (hostility < risk.pileOn.attackFrom || !account) continue
    const features = new Float64Array(PILE_ON_FEATURES.length)
    const thread = threadOf(account, hashOf(message.conversationId))
    pileOnFeatures(account, message.at, thread, hostility, features)
    observed.push({ features: [...features], telling: message.telling, shows: true })
  }
  return observed
}

/**
 * The end of a conversation, and for harmful ones a moment two thirds through; harmless ones count at every moment that shows
 * something, together as one.
 */
function samplesOf(observed: readonly Observed[], harmful: boolean, weight: number): Sample[] {
  const shown = observed.filter(({ shows }) => shows)
  if (shown.length === 0) return []
  if (!harmful) return shown.map(({ features }) => ({ features, harmful, weight: weight / shown.length }))
  const at = [shown.at(-1)!, shown[Math.floor((shown.length * 2) / 3)]!]
  return at.map(({ features }) => ({ features, harmful, weight: weight / 2 }))
}

interface Fit {
  readonly bias: number
  readonly weights: number[]
}

/** Fits, then moves the bias to where one in `oneIn` of the harmless conversations would be called harmful at its highest moment. */
function fitModel(
  conversations: readonly { harmful: boolean; observed: Observed[] }[],
  signs: readonly (1 | -1)[],
  prior: readonly number[],
  budget: { readonly harmless: readonly Observed[][]; readonly oneIn: number },
): Fit & { moved: number } {
  const samples = conversations.flatMap(({ harmful, observed }) =>
    samplesOf(observed, harmful, harmful ? HONEST_RATIO : 1),
  )
  const { bias, weights } = fitLogistic(samples, signs, prior)
  const highest = (observed: readonly Observed[]): number => {
    let score = -30
    for (const { features, shows } of observed) {
      if (!shows) continue
      let logit = bias
      for (let i = 0; i < weights.length; i++) logit += weights[i]! * features[i]!
      if (logit > score) score = logit
    }
    return score
  }
  const scores = budget.harmless.map(highest).sort((a, b) => b - a)
  const threshold = scores[Math.floor(scores.length / budget.oneIn)]!
  return { bias: bias - threshold, weights, moved: threshold }
}

const dataFolder = process.env.DATA ?? '../shared/data'
const bundle = shippedPolicy()
const chain = new RiskChain(shippedClassifier(bundle), bundle.risk)

const simulator = new Simulator(SEEDS.development, 'development')
const harmless = Array.from({ length: HARMLESS }, () =>
  observeApproach(simulator.conversation('honest'), chain, bundle.risk),
)
const threads = Array.from({ length: THREADS }, () =>
  observePileOn(simulator.conversation('thread'), chain, bundle.risk),
)
const approach = fitModel(
  simulated(SEEDS.fitting, 'fitting', 'approach', APPROACHES).map((conversation) => ({
    harmful: conversation.harmful,
    observed: observeApproach(conversation, chain, bundle.risk),
  })),
  APPROACH_FEATURES.map((name) => (LOWERING_FEATURES.has(name) ? -1 : 1)),
  APPROACH_FEATURES.map((name) => APPROACH_PRIOR[name]),
  { harmless, oneIn: ALARM_ONE_IN },
)
const train = sessions(dataFolder, 'train')
if (!train) console.error(`${dataFolder}/sccd-session is not there: pile-on weights from the simulator alone`)
const pileOn = fitModel(
  [...simulated(SEEDS.fitting + 1, 'fitting', 'pile_on', 150), ...(train ?? [])].map((conversation) => ({
    harmful: conversation.harmful,
    observed: observePileOn(conversation, chain, bundle.risk),
  })),
  PILE_ON_FEATURES.map(() => 1),
  PILE_ON_FEATURES.map(() => 1),
  { harmless: threads, oneIn: THREAD_ALARM_ONE_IN },
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
console.log({ approach: approach.moved, pileOn: pileOn.moved })
