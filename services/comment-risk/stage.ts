import type { AccountProfile, AgeBand, AssessedEvent, ClassifiedEvent } from '@wardline/events'
import {
  forward,
  jsonCodec,
  KeyedStore,
  type RecordContext,
  type Stage,
  type StageResult,
  TOPICS,
} from '@wardline/stream'
import { isMinor } from './age.ts'
import {
  afterMessage,
  afterRefusal,
  CONVERSATION,
  NEW_PAIR,
  type Pair,
  pairAt,
  stagesOf,
} from './conversation.ts'
import { type StoredProfile, sameProfile, storedProfile } from './profile.ts'
import { hashOf, type RecentActors, withActor } from './recent-actors.ts'
import { assessRisk, attackScore, harmScore, isAddressed, RISK } from './risk.ts'
import { takeUsage, type UsageDay } from './usage.ts'

/** What is kept of one protected account beside its profile. */
export interface ProtectedAccount {
  readonly attackers: RecentActors
  readonly days: readonly UsageDay[]
}
const NEW_ACCOUNT: ProtectedAccount = { attackers: [], days: [] }

/** A type alias, so that it has the index signature that Stage asks for. */
export type CommentRiskState = {
  profiles: KeyedStore<StoredProfile>
  pairs: KeyedStore<Pair>
  accounts: KeyedStore<ProtectedAccount>
}

export interface CommentRiskDeps {
  /** Most entries of each store on one partition. About 250 bytes an entry. */
  readonly capacities?: { readonly profiles?: number; readonly pairs?: number; readonly accounts?: number }
}

const DAY_MS = 86_400_000
/** Events may be this late; what is forgotten by age must outlive them, or a replay in other batches would differ. */
const LATENESS_MS = 8 * DAY_MS

/** events.classified + accounts.profiles → events.assessed: what is said to one account, over time. */
export function createCommentRiskStage(deps: CommentRiskDeps = {}): Stage<'AssessedEvent', CommentRiskState> {
  return {
    name: 'comment-risk',
    inputs: [
      { topic: TOPICS.classified, record: 'ClassifiedEvent', role: 'events', handle: assess },
      { topic: TOPICS.profiles, record: 'AccountProfile', role: 'table', handle: takeProfile },
    ],
    output: {
      topic: TOPICS.assessed,
      record: 'AssessedEvent',
      key: (event) => event.actorId,
      category: (event) => event.riskCategory,
    },
    createState: () => ({
      profiles: new KeyedStore({
        name: 'profiles',
        codec: jsonCodec<StoredProfile>(),
        capacity: deps.capacities?.profiles ?? 500_000,
      }),
      pairs: new KeyedStore({
        name: 'pairs',
        codec: jsonCodec<Pair>(),
        capacity: deps.capacities?.pairs ?? 300_000,
        expiresAt: (pair) => pair.lastAt + CONVERSATION.forgetMs + LATENESS_MS,
      }),
      accounts: new KeyedStore({
        name: 'accounts',
        codec: jsonCodec<ProtectedAccount>(),
        capacity: deps.capacities?.accounts ?? 300_000,
        expiresAt: accountExpiresAt,
      }),
    }),
  }
}

function takeProfile(
  profile: AccountProfile | null,
  { key, state }: RecordContext<CommentRiskState>,
): StageResult<AssessedEvent> {
  if (profile === null) {
    eraseAccount(key, state)
    return forward()
  }
  const next = storedProfile(profile)
  const known = state.profiles.get(key)
  if (!known || !sameProfile(known, next)) state.profiles.put(key, next)
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

function assess(
  event: ClassifiedEvent,
  { state }: RecordContext<CommentRiskState>,
): StageResult<AssessedEvent> {
  const at = event.occurredAt
  const profile = state.profiles.get(event.protectedId)
  const protectedAgeBand = ageBandOf(event, profile)
  const addressed = isAddressed(event)
  const stageBits = event.signals.length === 0 ? 0 : stagesOf(event.signals)

  let pair: Pair | undefined
  if (addressed && isMinor(protectedAgeBand)) {
    const key = pairKey(event.protectedId, event.actorId)
    pair = pairAt(state.pairs.get(key), at)
    state.pairs.put(key, afterMessage(pair, at, stageBits, harmScore(event)))
  }
  if (addressed && isMinor(event.actorAgeBand) && event.signals.includes('refusal')) {
    // The refusal is keyed by the one it is said to; what it protects is the pair the other way round.
    const key = pairKey(event.actorId, event.protectedId)
    const other = state.pairs.get(key)
    state.pairs.put(key, afterRefusal(other === undefined ? NEW_PAIR : pairAt(other, at), at))
  }

  let account: ProtectedAccount | undefined
  let usageStatus = null
  if (event.kind === 'USAGE') {
    if (event.usage && profile?.youthMode && event.protectedId === event.actorId) {
      account = state.accounts.get(event.protectedId) ?? NEW_ACCOUNT
      const answer = takeUsage(account.days, event.usage, profile)
      usageStatus = answer.status
      if (answer.days !== account.days)
        state.accounts.put(event.protectedId, { ...account, days: answer.days })
    }
  } else if (addressed && attackScore(event) >= RISK.attackThreshold) {
    account = state.accounts.get(event.protectedId) ?? NEW_ACCOUNT
    const attackers = withActor(account.attackers, hashOf(event.actorId), at)
    if (attackers !== account.attackers) {
      account = { ...account, attackers }
      state.accounts.put(event.protectedId, account)
    }
  }

  const { riskCategory, risk, findings } = assessRisk({
    event,
    protectedAgeBand,
    pair,
    stageBits,
    attackers: account?.attackers ?? NEW_ACCOUNT.attackers,
    usageStatus,
  })
  return forward({
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
    protectedIsMinor: isMinor(protectedAgeBand),
    youthMode: profile?.youthMode ?? false,
    // Guardians are told once a day; every other event goes on without naming them.
    guardianIds: usageStatus?.firstOverLimit && profile ? [...profile.guardianIds] : NOBODY,
    riskCategory,
    risk,
    findings,
    usageStatus,
    fingerprint: event.fingerprint,
    contactHashes: event.contactHashes,
    approachStages: [],
    priorItems: [],
  })
}

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

function accountExpiresAt({ attackers, days }: ProtectedAccount): number {
  let last = 0
  for (let i = 1; i < attackers.length; i += 2) last = Math.max(last, attackers[i]! + RISK.pileOnWindowMs)
  // Two days beyond the local one cover every offset.
  for (const { day } of days) last = Math.max(last, (day + 2) * DAY_MS)
  return last + LATENESS_MS
}
