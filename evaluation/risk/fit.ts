/**
 * `make fit-risk`: fits what comment-risk weighs by, and writes it to policy/tones.yaml and policy/risk.yaml. DATA: folder of
 * the shared data sets. docs/risk.md says what is fitted from what.
 *
 * No weight is fitted on tones that have seen the line: tones for one wording come from a model of the others.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  approachFeatures,
  approachWeight,
  hashOf,
  hostilityOf,
  marksOf,
  NEW_PAIR,
  pileOnFeatures,
  recruitingFeatures,
  showsRecruiting,
  threadOf,
  unpackPair,
} from '@wardline/comment-risk/parts'
import { type Conversation, Simulator } from '@wardline/conversation-simulator'
import { policyFolder } from '@wardline/policy'
import {
  APPROACH_FEATURES,
  type ApproachFeature,
  PILE_ON_FEATURES,
  type PileOnFeature,
  RECRUITING_FEATURES,
  type RecruitingFeature,
  RISK_FILE,
} from '@wardline/policy/risk'
import { TONES_FILE, ToneModel } from '@wardline/policy/tones'
import { Random } from '@wardline/sample-feed'
import { parseDocument, stringify } from 'yaml'
import { RiskChain } from './chain.ts'
import {
  FITTED,
  type FittedWording,
  HONEST_RATIO,
  PERTURBED,
  SEEDS,
  sessions,
  shippedClassifier,
  shippedPolicy,
  simulated,
} from './data.ts'
import { fitLogistic, type Sample } from './logistic.ts'
import { bestThreshold } from './measure.ts'
import { fitTone, fitTones, sessionLines, toneLines, toneModel } from './tone-fit.ts'

/** The thresholds let one in so many harmless conversations through, of `HARMLESS` of each wording. */
const APPROACH_ALARM_ONE_IN = 5_000
const RECRUITING_ALARM_ONE_IN = 250
const HARMLESS = 10_000
const THREAD_ALARM_ONE_IN = 100
const THREADS = 3_000
const APPROACHES = 500
const RECRUITERS = 400
const PILE_ONS = 150
/** Parts of SCCD's train sessions; each is observed with a tone that is fitted on the others. */
const FOLDS = [0, 1, 2, 3, 4]

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
  refusals: 1,
  night: 0.5,
  harm: 0.5,
  tone: 2,
  toneAbove: 2,
  toneSum: 2,
  openness: -2,
  answered: -0.3,
  acquainted: -0.3,
  started: -0.5,
}

/** Of spread the simulator has none: it stays as it is here. */
const RECRUITING_PRIOR: Readonly<Record<RecruitingFeature, number>> = {
  words: 2,
  own: 2,
  tone: 1.5,
  toneSum: 3,
  toneMean: 3,
  handle: 2.5,
  move: 0.7,
  repeated: 0.7,
  minor: 1.5,
  unverified: 1,
  spread: 2,
}

/** All alike: nothing is believed before. */
const PILE_ON_PRIOR: Readonly<Record<PileOnFeature, number>> = {
  hour: 1,
  day: 1,
  week: 1,
  thread: 1,
  share: 1,
  sharpest: 1,
  tone: 1,
  toneAbove: 1,
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

/** The features of both models of a pair after each of the other side's messages. */
function observePair(
  conversation: Conversation,
  chain: RiskChain,
): { readonly approach: Watched; readonly recruiting: Watched } {
  const state = chain.newState()
  const approach: Observed[] = []
  const recruiting: Observed[] = []
  const { minorId, minorBand, otherId, guardianIds, harmful } = conversation
  for (const [i, message] of conversation.messages.entries()) {
    const known = state.pairs.get(`${minorId}|${otherId}`)
    const before = known === undefined ? NEW_PAIR : unpackPair(known)
    const [assessed] = chain.run(
      { ...conversation, id: `${conversation.id}-${i}`, messages: [message] },
      state,
    )
    if (message.actorId !== otherId) continue
    const packed = state.pairs.get(`${minorId}|${otherId}`)
    if (!packed) continue
    const pair = unpackPair(packed)
    const guardian = guardianIds.includes(otherId) ? risk.approach.guardianWeight : 1
    const who = approachWeight(message.actorBand, minorBand) * guardian
    const ofApproach = new Float64Array(APPROACH_FEATURES.length)
    approachFeatures(pair, message.at, who, risk, ofApproach)
    approach.push({
      features: [...ofApproach],
      shows: assessed!.signals.length > 0 && pair.marks.length > 0,
    })
    const input = {
      event: { ...assessed!, tones: chain.tonesOf(message.text) },
      markBits: marksOf(assessed!.signals, risk),
      who,
      spread: 0,
      before,
      pair,
      policy: risk,
    }
    const ofRecruiting = new Float64Array(RECRUITING_FEATURES.length)
    recruitingFeatures(input, ofRecruiting)
    // Between peers the score is taken down afterwards, so that half is hardly reached.
    recruiting.push({ features: [...ofRecruiting], shows: who >= 0.5 && showsRecruiting(input) })
  }
  return { approach: { harmful, observed: approach }, recruiting: { harmful, observed: recruiting } }
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
 * First the end of a conversation, and for harmful ones a moment two thirds through; harmless ones count at every moment that
 * shows something, together as one. Then, by the weights of that, the moment at which each is highest: that is what decides
 * whether it is found.
 */
function samplesOf({ harmful, observed }: Watched, fitted: Fitted | null, ratio: number): Sample[] {
  const shown = observed.filter(({ shows }) => shows)
  if (shown.length === 0) return []
  const weight = harmful ? ratio : 1
  if (fitted) return [{ features: highest(shown, fitted).features, harmful, weight }]
  if (!harmful) return shown.map(({ features }) => ({ features, harmful, weight: 1 / shown.length }))
  const at = [shown.at(-1)!, shown[Math.floor((shown.length * 2) / 3)]!]
  return at.map(({ features }) => ({ features, harmful, weight: ratio / 2 }))
}

interface Fitted {
  readonly bias: number
  readonly weights: readonly number[]
}

const logitOf = ({ features }: Observed, { bias, weights }: Fitted): number =>
  weights.reduce((sum, weight, i) => sum + weight * features[i]!, bias)

function highest(shown: readonly Observed[], fitted: Fitted): Observed {
  let best = shown[0]!
  for (const each of shown) if (logitOf(each, fitted) > logitOf(best, fitted)) best = each
  return best
}

/** Its highest logit; -30 where it never shows anything. */
function highestLogit({ observed }: Watched, fitted: Fitted): number {
  const shown = observed.filter(({ shows }) => shows)
  return shown.length === 0 ? -30 : logitOf(highest(shown, fitted), fitted)
}

const ROUNDS = 3

/** `ratio`: what a harmful conversation weighs more than a harmless one. */
function fitModel(
  conversations: readonly Watched[],
  prior: readonly number[],
  factor: number,
  ratio = HONEST_RATIO,
): Fitted {
  let fitted: Fitted | null = null
  for (let round = 0; round < ROUNDS; round++) {
    const samples: Sample[] = conversations.flatMap((each) => samplesOf(each, fitted, ratio))
    fitted = fitLogistic(samples, prior, { factor, rounds: 800 })
  }
  return fitted!
}

/** The bias with which one in `oneIn` of the harmless conversations is called harmful at its highest moment. */
function biasForAlarms(fitted: Fitted, harmless: readonly Watched[], oneIn: number): number {
  const scores = harmless.map((each) => highestLogit(each, fitted)).sort((a, b) => b - a)
  return fitted.bias - scores[Math.floor(scores.length / oneIn)]!
}

/** The bias with the best F1 over conversations. */
const biasForF1 = (fitted: Fitted, conversations: readonly Watched[]): number =>
  fitted.bias -
  bestThreshold(conversations.map((each) => ({ harmful: each.harmful, score: highestLogit(each, fitted) })))

const priorOf = <Name extends string>(
  names: readonly Name[],
  prior: Readonly<Record<Name, number>>,
): number[] => names.map((name) => prior[name])

// Tones

const tonesWithout = Object.fromEntries(
  FITTED.map((wording) => [
    wording,
    toneModel(
      toneLines(
        dataFolder,
        FITTED.filter((each) => each !== wording),
      ),
    ),
  ]),
) as Readonly<Record<FittedWording, ToneModel>>
const tones = fitTones(toneLines(dataFolder, FITTED))

// Weights

const chainFor = (wording: FittedWording) =>
  new RiskChain(classifier, risk, {
    tones: tonesWithout[wording],
    perturb: { ...PERTURBED, random: new Random(SEEDS[wording]) },
  })

const approaches: Watched[] = []
const recruiters: Watched[] = []
const honest: { approach: Watched[]; recruiting: Watched[] } = { approach: [], recruiting: [] }
const pileOns: Watched[] = []
const threads: Watched[] = []
for (const wording of FITTED) {
  const chain = chainFor(wording)
  for (const each of simulated(SEEDS[wording], wording, 'approach', APPROACHES))
    approaches.push(observePair(each, chain).approach)
  for (const each of simulated(SEEDS[wording] + 3, wording, 'recruiting', RECRUITERS))
    recruiters.push(observePair(each, chain).recruiting)
  for (const each of simulated(SEEDS[wording] + 1, wording, 'pile_on', PILE_ONS))
    pileOns.push(observePileOn(each, chain))
  const simulator = new Simulator(SEEDS[wording] + 2, wording)
  for (let i = 0; i < HARMLESS; i++) {
    const watched = observePair(simulator.conversation('honest'), chain)
    honest.approach.push(watched.approach)
    honest.recruiting.push(watched.recruiting)
  }
  for (let i = 0; i < THREADS; i++) threads.push(observePileOn(simulator.conversation('thread'), chain))
}
const approach = fitModel(approaches, priorOf(APPROACH_FEATURES, APPROACH_PRIOR), 3)
const recruiting = fitModel(recruiters, priorOf(RECRUITING_FEATURES, RECRUITING_PRIOR), 8)
const pileOn = fitModel(pileOns, priorOf(PILE_ON_FEATURES, PILE_ON_PRIOR), 8)

// For research: sessions of SCCD, which has no licence

const train = sessions(dataFolder, 'train')
if (!train)
  throw new Error(`${dataFolder}/sccd-session is not there; give DATA=<folder of the shared data sets>`)
const order = new Random(SEEDS.sessions).shuffle(train.map((_, i) => i))
const heldOut = FOLDS.flatMap((fold) => {
  const isIn = new Set(order.filter((_, k) => k % FOLDS.length === fold))
  const hostile = fitTone('hostile', sessionLines(train.filter((_, i) => !isIn.has(i))))
  const chain = new RiskChain(classifier, risk, { tones: new ToneModel({ ...tones, hostile }) })
  return train.filter((_, i) => isIn.has(i)).map((each) => observePileOn(each, chain))
})
const research = fitModel(heldOut, priorOf(PILE_ON_FEATURES, PILE_ON_PRIOR), 8, 1)
const hostileResearch = fitTone('hostile', sessionLines(train))

// What is written

const path = join(policyFolder(process.env), RISK_FILE)
const document = parseDocument(readFileSync(path, 'utf8'))
const rounded = (value: number) => Math.round(value * 1000) / 1000
function put(at: readonly string[], names: readonly string[], { weights }: Fitted, bias: number): void {
  document.setIn([...at, 'bias'], rounded(bias))
  for (const [i, name] of names.entries()) document.setIn([...at, 'weights', name], rounded(weights[i]!))
}
for (const { what, at, names, fitted, conversations, bias } of [
  {
    what: 'approach',
    at: ['approach'],
    names: APPROACH_FEATURES,
    fitted: approach,
    conversations: approaches,
    bias: biasForAlarms(approach, honest.approach, APPROACH_ALARM_ONE_IN),
  },
  {
    what: 'recruiting',
    at: ['recruiting'],
    names: RECRUITING_FEATURES,
    fitted: recruiting,
    conversations: recruiters,
    bias: biasForAlarms(recruiting, honest.recruiting, RECRUITING_ALARM_ONE_IN),
  },
  {
    what: 'pile-on',
    at: ['pileOn', 'open'],
    names: PILE_ON_FEATURES,
    fitted: pileOn,
    conversations: pileOns,
    bias: biasForAlarms(pileOn, threads, THREAD_ALARM_ONE_IN),
  },
  {
    what: 'sessions',
    at: ['pileOn', 'research'],
    names: PILE_ON_FEATURES,
    fitted: research,
    conversations: heldOut,
    bias: biasForF1(research, heldOut),
  },
]) {
  put(at, names, fitted, bias)
  const harmful = conversations.filter((each) => each.harmful)
  const found = harmful.filter((each) => highestLogit(each, { ...fitted, bias }) >= 0).length
  console.log(
    `${what}: ${((100 * found) / harmful.length).toFixed(1)} % found of what was fitted, on tones that had not seen it`,
  )
}
writeFileSync(path, document.toString())
writeFileSync(
  join(policyFolder(process.env), TONES_FILE),
  `# yaml-language-server: $schema=tones.schema.json\n# What the wording of a line alone speaks for. Written by \`make fit-risk\`; docs/risk.md says from what.\n${stringify(
    { ...tones, hostileResearch },
    { lineWidth: 0 },
  )}`,
)
