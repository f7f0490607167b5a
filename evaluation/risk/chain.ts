import { classify } from '@wardline/classify'
import { assess, createCommentRiskStage } from '@wardline/comment-risk'
import type { Conversation, SimulatedMessage } from '@wardline/conversation-simulator'
import type { AssessedEvent, ClassifiedEvent, FeedEvent } from '@wardline/events'
import { normalize } from '@wardline/normalize'
import { type Classifier, SIGNALS } from '@wardline/policy'
import type { RiskPolicy } from '@wardline/policy/risk'
import type { ToneModel, ToneScores } from '@wardline/policy/tones'
import type { Random } from '@wardline/sample-feed'
import { makeForms, wellFormed } from '@wardline/text'
import { foldedOf } from './tone-fit.ts'

const folding = { makeForms, wellFormed }
const HOUR = 3_600_000

/** From the text of a message to what classify publishes, by the code that normalize and classify run. */
export function classifyMessage(
  message: SimulatedMessage,
  eventId: string,
  classifier: Classifier,
): ClassifiedEvent {
  const event: FeedEvent = {
    eventId,
    kind: message.kind,
    occurredAt: message.at,
    actorId: message.actorId,
    actorAgeBand: message.actorBand,
    subjectId: message.subjectId,
    subjectAgeBand: message.subjectBand,
    contentId: null,
    parentId: null,
    conversationId: message.conversationId,
    section: null,
    text: message.text,
    language: null,
    media: [],
    links: [],
    mentions: [],
    searchQuery: null,
    device: 'PHONE',
    usage: null,
    promotion: null,
  }
  const result = normalize(event, { partition: 0, offset: 0, appendedAt: message.at, bytes: 400 }, folding)
  if (result.kind !== 'forward') throw new Error(`not forwarded: ${JSON.stringify(result)}`)
  return classify(result.outputs[0]!, classifier)
}

/** What a fit changes about the chain. */
export interface ChainChanges {
  /** Tones by another model than the policy's. */
  readonly tones?: ToneModel
  /** Shares of signals that are dropped, and of messages that get one that is not there. */
  readonly perturb?: { readonly random: Random; readonly dropped: number; readonly madeUp: number }
}

/**
 * A conversation through normalize, classify and comment-risk, each event in turn. Each conversation has a state of its
 * own: templates are said to thousands of simulated minors, which would make a spread of what people say in their own words.
 */
export class RiskChain {
  readonly #classifier: Classifier
  readonly #risk: RiskPolicy
  readonly #changes: ChainChanges
  readonly #stage
  // The text of a template is classified once; what depends on who and when is not taken from it.
  readonly #known = new Map<string, ClassifiedEvent>()

  constructor(classifier: Classifier, risk: RiskPolicy, changes: ChainChanges = {}) {
    this.#classifier = classifier
    this.#risk = risk
    this.#changes = changes
    this.#stage = createCommentRiskStage({ risk })
  }

  tonesOf(text: string): ToneScores {
    return this.#changes.tones?.scores(foldedOf(text)) ?? this.#classifier.tones(foldedOf(text))
  }

  /** What comment-risk says to each message, in order. `seen` is called with each event before. */
  run(conversation: Conversation, state = this.#stage.createState()): AssessedEvent[] {
    const { minorId, minorBand, guardianIds } = conversation
    state.profiles.put(minorId, {
      ageBand: minorBand,
      youthMode: true,
      utcOffsetMinutes: 480,
      dailyLimitMinutes: null,
      restStartMinute: 1_320,
      restEndMinute: 360,
      guardianIds: [...guardianIds],
    })
    return conversation.messages.map((message, i) =>
      assess(this.#classified(message, `${conversation.id}-${i}`), state, this.#risk),
    )
  }

  newState() {
    return this.#stage.createState()
  }

  #classified(message: SimulatedMessage, eventId: string): ClassifiedEvent {
    const key = `${message.kind} ${message.text}`
    let known = this.#known.get(key)
    if (!known) {
      known = classifyMessage(message, eventId, this.#classifier)
      const { tones } = this.#changes
      if (tones) known = { ...known, tones: tones.scores(foldedOf(message.text)) }
      if (this.#known.size < 200_000) this.#known.set(key, known)
    }
    const answers =
      message.subjectBand === 'ADULT' && message.actorBand !== 'ADULT' && message.actorBand !== 'UNKNOWN'
    return {
      ...known,
      signals: this.#perturbed(known.signals),
      eventId,
      occurredAt: message.at,
      feedAppendedAt: message.at,
      actorId: message.actorId,
      actorAgeBand: message.actorBand,
      subjectId: message.subjectId,
      protectedId: answers ? message.actorId : message.subjectId,
      contentId: eventId,
      conversationId: message.conversationId,
    }
  }

  #perturbed(signals: string[]): string[] {
    const { perturb } = this.#changes
    if (!perturb) return signals
    const { random, dropped, madeUp } = perturb
    const kept = signals.filter(() => !random.chance(dropped))
    if (random.chance(madeUp)) kept.push(random.pick(SIGNALS))
    return kept
  }
}

/** Comments of a session, one a minute, each by an account of its own, to one minor: the set names no accounts. */
export function sessionConversation(id: string, text: string, harmful: boolean): Conversation {
  const minorId = `${id}-minor`
  const start = Date.UTC(2026, 8, 21, 4)
  const messages: SimulatedMessage[] = text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line, i) => ({
      at: start + i * (HOUR / 60),
      actorId: `${id}-${i}`,
      actorBand: 'UNKNOWN',
      subjectId: minorId,
      subjectBand: 'AGE_12_TO_15',
      kind: 'COMMENT',
      conversationId: id,
      text: line,
      telling: harmful,
    }))
  return {
    id,
    kind: harmful ? 'pile_on' : 'thread',
    scenario: 'session',
    harmful,
    minorId,
    minorBand: 'AGE_12_TO_15',
    otherId: `${id}-other`,
    guardianIds: [],
    messages,
  }
}
