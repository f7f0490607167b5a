import type {
  AccountProfile,
  AgeBand,
  AssessedEvent,
  ClassifiedEvent,
  EnforcementDecision,
  PolicyControl,
  PriorItem,
  RiskFinding,
} from '@wardline/events'
import type { RiskPolicy } from '@wardline/policy/risk'
import {
  forward,
  jsonCodec,
  KeyedStore,
  type RecordContext,
  type Stage,
  type StageResult,
  TOPICS,
} from '@wardline/stream'
import {
  accountCodec,
  accountExpiresAt,
  afterSaid,
  DAY,
  kept,
  NEW_ACCOUNT,
  type ProtectedAccount,
} from './account.ts'
import { approachWeight, isMinor } from './age.ts'
import { passedStages, TELLING_BITS } from './approach.ts'
import { hashOf, withRecent } from './ids.ts'
import {
  afterAnswer,
  afterMessage,
  lastAtOf,
  marksOf,
  PAIR,
  type PackedPair,
  type Pair,
  packPair,
  pairAt,
  pairCodec,
  unpackPair,
} from './pair.ts'
import { type StoredProfile, sameProfile, storedProfile } from './profile.ts'
import { afterReversal, reversalOf } from './reversal.ts'
import { assessRisk, harmScore, hostilityOf, isAddressed, isConversation, RISK } from './risk.ts'
import { countSpread, type Spread, spreadCodec, spreadExpiresAt } from './spread.ts'
import { isNight, takeUsage } from './usage.ts'

/** A type alias, so that it has the index signature that Stage asks for. */
export type CommentRiskState = {
  profiles: KeyedStore<StoredProfile>
  pairs: KeyedStore<PackedPair>
  accounts: KeyedStore<ProtectedAccount>
  /** By contact handle or text: minors who got it. */
  spreads: KeyedStore<Spread>
}

export interface CommentRiskDeps {
  /** How conversations and attacks are weighed, until a policy is published. */
  readonly risk: RiskPolicy
  /** What a control record asks for, undefined where it is about something else; throws where it cannot be used. */
  readonly takePolicy?: (record: PolicyControl | null, key: string) => RiskPolicy | undefined
  /** Most entries of each store on one partition; the least recently written go first. docs/risk.md says what an entry takes. */
  readonly capacities?: {
    readonly profiles?: number
    readonly pairs?: number
    readonly accounts?: number
    readonly spreads?: number
  }
}

const HOUR_MS = 3_600_000
/** Events may be this late; what is forgotten by age must outlive them, or a replay in other batches would differ. */
const LATENESS_MS = 8 * DAY

type Context = RecordContext<CommentRiskState>
type Result = StageResult<AssessedEvent>

/** events.classified + accounts.profiles + enforcement.reversals → events.assessed: what is said to one account, over time. */
export function createCommentRiskStage(deps: CommentRiskDeps): Stage<'AssessedEvent', CommentRiskState> {
  const { capacities } = deps
  let policy = deps.risk
  return {
    name: 'comment-risk',
    inputs: [
      {
        topic: TOPICS.classified,
        record: 'ClassifiedEvent',
        role: 'events',
        handle: (event, { state }: Context) => forward(assess(event, state, policy)),
      },
      { topic: TOPICS.profiles, record: 'AccountProfile', role: 'table', handle: takeProfile },
      {
        topic: TOPICS.reversals,
        record: 'EnforcementDecision',
        role: 'table',
        handle: (decision, { state }: Context) => takeReversal(decision, state, policy),
      },
    ],
    output: {
      topic: TOPICS.assessed,
      record: 'AssessedEvent',
      key: (event) => event.actorId,
      category: (event) => event.riskCategory,
    },
    takeControl: (record, key) => {
      policy = deps.takePolicy?.(record, key) ?? policy
    },
    createState: () => ({
      profiles: new KeyedStore({
        name: 'profiles',
        codec: jsonCodec<StoredProfile>(),
        capacity: capacities?.profiles ?? 500_000,
      }),
      pairs: new KeyedStore({
        name: 'pairs',
        codec: pairCodec,
        capacity: capacities?.pairs ?? 1_000_000,
        expiresAt: (pair) => lastAtOf(pair) + policy.approach.forgetHours * HOUR_MS + LATENESS_MS,
      }),
      accounts: new KeyedStore({
        name: 'accounts',
        codec: accountCodec,
        capacity: capacities?.accounts ?? 300_000,
        expiresAt: (account) => accountExpiresAt(account) + LATENESS_MS,
      }),
      spreads: new KeyedStore({
        name: 'spreads',
        codec: spreadCodec,
        capacity: capacities?.spreads ?? 100_000,
        expiresAt: (spread) => spreadExpiresAt(spread, policy) + LATENESS_MS,
      }),
    }),
  }
}

function takeProfile(profile: AccountProfile | null, { key, state }: Context): Result {
  if (profile === null) {
    eraseAccount(key, state)
    return forward()
  }
  const next = storedProfile(profile)
  const known = state.profiles.get(key)
  if (!known || !sameProfile(known, next)) state.profiles.put(key, next)
  return forward()
}

/** A human has decided on an event of a pair. One that is not known, or not any more, has nothing to take back. */
function takeReversal(
  decision: EnforcementDecision | null,
  state: CommentRiskState,
  policy: RiskPolicy,
): Result {
  const reversal = decision === null ? undefined : reversalOf(decision)
  if (decision === null || reversal === undefined) return forward()
  const key = pairKey(decision.protectedId, decision.actorId)
  const packed = state.pairs.get(key)
  if (packed === undefined) return forward()
  const before = unpackPair(packed)
  const after = afterReversal(before, reversal, policy)
  if (after !== before) state.pairs.put(key, packPair(after))
  return forward()
}

/**
 * Forgets an erased account, as the protected one and as the other. `wardline erase` sends its tombstone to every
 * partition, since pairs lie with the protected account. All pairs are looked through: erasures are rare, and an index
 * by actor would cost every event.
 */
function eraseAccount(account: string, state: CommentRiskState): void {
  if (state.profiles.get(account)) state.profiles.delete(account)
  if (state.accounts.get(account)) state.accounts.delete(account)
  const pairs: string[] = []
  for (const [key] of state.pairs.current()) if (isPairOf(key, account)) pairs.push(key)
  for (const key of pairs) state.pairs.delete(key)
}

/** The event with its risk; `state` changes by it. Pure beside that. */
export function assess(event: ClassifiedEvent, state: CommentRiskState, policy: RiskPolicy): AssessedEvent {
  const at = event.occurredAt
  const profile = state.profiles.get(event.protectedId)
  const protectedAgeBand = ageBandOf(event, profile)
  const minor = isMinor(protectedAgeBand)
  const addressed = isAddressed(event)
  const markBits = event.signals.length === 0 ? 0 : marksOf(event.signals, policy)
  const eventHash = hashOf(event.eventId)

  // The pair of the minor and whom it talks to: what is said to it, and what it answers.
  let before: Pair | undefined
  let pair: Pair | undefined
  let repeated = false
  let who = 0
  if (minor && addressed) {
    who = approachWeight(event.actorAgeBand, protectedAgeBand)
    if (profile?.guardianIds.includes(event.actorId)) who *= policy.approach.guardianWeight
    const packed = state.pairs.get(pairKey(event.protectedId, event.actorId))
    before = pairAt(packed === undefined ? undefined : unpackPair(packed), at, policy)
    repeated = before.recent.includes(eventHash) || before.judged.includes(eventHash)
    const night = profile !== undefined && isNight(at, profile.utcOffsetMinutes)
    pair = repeated
      ? before
      : afterMessage(
          before,
          { at, eventHash, markBits, harm: harmScore(event, true, who), tones: event.tones, night },
          policy,
        )
  } else if (minor && isConversation(event) && event.subjectId !== null) {
    takeAnswer(event, event.subjectId, eventHash, state, policy)
  }

  let account: ProtectedAccount | undefined
  let usageStatus = null
  let hostility = 0
  if (event.kind === 'USAGE') {
    if (event.usage && profile?.youthMode && event.protectedId === event.actorId) {
      account = state.accounts.get(event.protectedId) ?? NEW_ACCOUNT
      const again = account.recent.includes(eventHash)
      const usage = again ? { ...event.usage, sessionSeconds: 0 } : event.usage
      const answer = takeUsage(account.days, usage, profile)
      usageStatus = answer.status
      if (answer.days !== account.days) {
        const recent = withRecent(account.recent, eventHash, RISK.recentUsage)
        state.accounts.put(event.protectedId, { ...account, days: answer.days, recent })
      }
    }
  } else if (addressed) {
    hostility = hostilityOf(event, policy)
    const known = state.accounts.get(event.protectedId) ?? NEW_ACCOUNT
    const thread = event.conversationId === null ? null : hashOf(event.conversationId)
    const attack = hostility >= policy.pileOn.attackFrom
    const actorHash = hashOf(event.actorId)
    account = afterSaid(known, {
      at,
      eventHash,
      actorHash,
      thread,
      hostility,
      attack,
      tone: event.tones.hostile,
    })
    if (account !== known) {
      account = kept(account)
      state.accounts.put(event.protectedId, account)
    }
  }
  const spread =
    minor && addressed
      ? countSpread(state.spreads, event, markBits !== 0 || event.category !== 'benign', policy)
      : 0

  const { riskCategory, risk, findings } = assessRisk({
    event,
    protectedAgeBand,
    before,
    pair,
    who,
    markBits,
    hostility,
    account,
    spread,
    usageStatus,
    policy,
  })

  let priorItems: PriorItem[] = NO_ITEMS
  let approachStages = NOBODY
  if (pair) {
    const found = patternIn(findings)
    if (found) approachStages = passedStages(pair)
    if (!repeated) {
      if (found && pair.items.length > 0) {
        priorItems = pair.items.map((item) => ({ ...item, category: found.category, score: found.score }))
        pair = { ...pair, items: NO_ITEMS }
      }
      if (riskCategory === 'benign' && markBits & TELLING_BITS && who >= RISK.leastWhoForItems)
        pair = { ...pair, items: withItem(pair.items, event) }
      state.pairs.put(pairKey(event.protectedId, event.actorId), packPair(pair))
    }
  }
  return {
    eventId: event.eventId,
    kind: event.kind,
    occurredAt: event.occurredAt,
    feedPartition: event.feedPartition,
    feedOffset: event.feedOffset,
    feedAppendedAt: event.feedAppendedAt,
    actorId: event.actorId,
    actorAgeBand: event.actorAgeBand,
    protectedId: event.protectedId,
    subjectId: event.subjectId,
    contentId: event.contentId,
    conversationId: event.conversationId,
    section: event.section,
    device: event.device,
    category: event.category,
    score: event.score,
    scores: event.scores,
    ruleHits: event.ruleHits,
    signals: event.signals,
    textLength: event.textLength,
    mediaTypes: event.mediaTypes,
    policyVersion: event.policyVersion,
    modelVersion: event.modelVersion,
    protectedAgeBand,
    protectedIsMinor: minor,
    youthMode: profile?.youthMode ?? false,
    // Guardians are told once a day; every other event goes on without naming them.
    guardianIds: usageStatus?.firstOverLimit && profile ? [...profile.guardianIds] : NOBODY,
    riskCategory,
    risk,
    findings,
    usageStatus,
    fingerprint: event.fingerprint,
    contactHashes: event.contactHashes,
    approachStages,
    priorItems,
  }
}

/** Notes what a minor answers, with its refusals; a pair begins with it where the minor writes first. */
function takeAnswer(
  event: ClassifiedEvent,
  otherId: string,
  eventHash: number,
  state: CommentRiskState,
  policy: RiskPolicy,
): void {
  if (otherId === event.protectedId) return
  const key = pairKey(event.protectedId, otherId)
  const packed = state.pairs.get(key)
  const pair = pairAt(packed === undefined ? undefined : unpackPair(packed), event.occurredAt, policy)
  if (pair.recent.includes(eventHash)) return
  const refuses = event.signals.includes('refusal')
  state.pairs.put(key, packPair(afterAnswer(pair, event.occurredAt, eventHash, refuses, policy)))
}

/** The finding that makes earlier items of the pair harmful in hindsight: the highest of those that pass. */
function patternIn(findings: readonly RiskFinding[]): RiskFinding | undefined {
  let highest: RiskFinding | undefined
  for (const each of findings) {
    const isPattern = each.code === 'staged_approach' || (each.code === 'persistence' && each.item === '3.3')
    if (isPattern && each.score >= RISK.findingThreshold && (!highest || each.score > highest.score))
      highest = each
  }
  return highest
}

function withItem(items: readonly PriorItem[], event: ClassifiedEvent): readonly PriorItem[] {
  const next = items.length >= PAIR.items ? items.slice(1) : items.slice()
  next.push({
    eventId: event.eventId,
    kind: event.kind,
    contentId: event.contentId,
    occurredAt: event.occurredAt,
    feedPartition: event.feedPartition,
    feedOffset: event.feedOffset,
    feedAppendedAt: event.feedAppendedAt,
    category: event.category,
    score: event.score,
    section: event.section,
  })
  return next
}

/** Shared by the events without them, which are most: nobody changes an output. */
const NO_ITEMS: PriorItem[] = []
const NOBODY: string[] = []

/** By the profile. Where it says nothing and the actor is the protected account, the producer's word on the actor. */
function ageBandOf(event: ClassifiedEvent, profile: StoredProfile | undefined): AgeBand {
  if (profile && profile.ageBand !== 'UNKNOWN') return profile.ageBand
  return event.protectedId === event.actorId ? event.actorAgeBand : 'UNKNOWN'
}

/** `protected|actor`; the rare bar in the first id is escaped, so that two pairs never share a key. */
function pairKey(protectedId: string, actorId: string): string {
  return `${escaped(protectedId)}|${actorId}`
}
function isPairOf(key: string, account: string): boolean {
  const bar = key.indexOf('|')
  return key.slice(bar + 1) === account || key.slice(0, bar) === escaped(account)
}
const escaped = (id: string): string => (id.includes('|') || id.includes('%') ? escapeBar(id) : id)
const escapeBar = (id: string): string => id.replaceAll('%', '%25').replaceAll('|', '%7C')
