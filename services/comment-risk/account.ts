import { ByteReader, ByteWriter } from '@wardline/stream'
import {
  countWithin,
  type Distinct,
  latestIn,
  NOBODY_YET,
  readDistinct,
  withAccount,
  writeDistinct,
} from './distinct.ts'
import { withRecent } from './ids.ts'
import type { UsageDay } from './usage.ts'

const HOUR = 3_600_000
export const DAY = 24 * HOUR

export const ACCOUNT = {
  /** Threads watched at a time; the one that has been quiet longest makes room. */
  threads: 4,
  /** How hostile an item must be for its thread to be watched from there on. */
  watchFrom: 0.2,
  /** Events whose repeats are known as such. */
  recentEvents: 16,
  /** What was said in a thread counts half after this. */
  threadHalfLifeMs: DAY,
  /** Attacks older than this make no difference. */
  longestWindowMs: 7 * DAY,
} as const

/** A thread from its first item on that is at all hostile. Counts are decayed and right at `lastAt`. */
export interface Thread {
  readonly hash: number
  readonly lastAt: number
  readonly comments: number
  /** Sum of how hostile they are, 0 to 1 each. */
  readonly hostility: number
  /** Sum of hostile tones, and of those above 0 alone. */
  readonly tone: number
  readonly toneAbove: number
  readonly attackers: Distinct
}

/** What is kept of one protected account beside its profile. */
export interface ProtectedAccount {
  readonly attackers: Distinct
  readonly threads: readonly Thread[]
  readonly days: readonly UsageDay[]
  /** Hashes of the last events that changed it. */
  readonly recent: readonly number[]
}

export const NEW_ACCOUNT: ProtectedAccount = { attackers: NOBODY_YET, threads: [], days: [], recent: [] }

export const threadOf = (account: ProtectedAccount, hash: number): Thread | undefined =>
  account.threads.find((thread) => thread.hash === hash)

export interface Said {
  readonly at: number
  readonly eventHash: number
  readonly actorHash: number
  /** Hash of the conversation; null where it has none. */
  readonly thread: number | null
  /** How hostile it is, 0 to 1; 0: not at all. */
  readonly hostility: number
  /** Whether that makes it an attack. */
  readonly attack: boolean
  /** Tone of its wording, log-odds. */
  readonly tone: number
}

/**
 * The account after something that was said to it; the same one where that changes nothing: it is harmless and in no
 * thread that is watched, or a repeat.
 */
export function afterSaid(account: ProtectedAccount, said: Said): ProtectedAccount {
  const { at, attack, eventHash } = said
  const known = said.thread === null ? undefined : threadOf(account, said.thread)
  if (said.hostility < ACCOUNT.watchFrom && said.tone <= 0 && !known) return account
  if (account.recent.includes(eventHash)) return account
  return {
    attackers: attack ? withAccount(account.attackers, said.actorHash, at) : account.attackers,
    threads: said.thread === null ? account.threads : withThread(account.threads, known, said.thread, said),
    days: account.days,
    recent: withRecent(account.recent, eventHash, ACCOUNT.recentEvents),
  }
}

function withThread(
  threads: readonly Thread[],
  known: Thread | undefined,
  hash: number,
  { at, hostility, attack, actorHash, tone }: Said,
): readonly Thread[] {
  const second = 1000 * Math.floor(at / 1000)
  const thread = known ?? newThread(hash, second)
  const slow = second <= thread.lastAt ? 1 : 2 ** ((thread.lastAt - second) / ACCOUNT.threadHalfLifeMs)
  const one = second >= thread.lastAt ? 1 : 2 ** ((second - thread.lastAt) / ACCOUNT.threadHalfLifeMs)
  const next: Thread = {
    hash,
    lastAt: Math.max(thread.lastAt, second),
    comments: thread.comments * slow + one,
    hostility: thread.hostility * slow + one * hostility,
    tone: thread.tone * slow + one * tone,
    toneAbove: thread.toneAbove * slow + one * Math.max(0, tone),
    attackers: attack ? withAccount(thread.attackers, actorHash, at) : thread.attackers,
  }
  const others = threads.filter((each) => each.hash !== hash)
  if (others.length >= ACCOUNT.threads) {
    let quietest = 0
    for (let i = 1; i < others.length; i++) if (others[i]!.lastAt < others[quietest]!.lastAt) quietest = i
    others.splice(quietest, 1)
  }
  return [...others, next]
}

const newThread = (hash: number, lastAt: number): Thread => ({
  hash,
  lastAt,
  comments: 0,
  hostility: 0,
  tone: 0,
  toneAbove: 0,
  attackers: NOBODY_YET,
})

/**
 * What the pile-on model sees, in the order of PILE_ON_FEATURES; shares and tones from 0 to 1.
 * - `hour`, `day`, `week`, `thread`: distinct attackers within these times and in this thread, as log2(1 + n) / 5, so that
 *   31 are 1.
 * - `share`: of hostility in what was said in the thread. `sharpest`: how hostile this item is.
 * - `tone`: mean of the hostile tones of the thread, from -3 to 3. `toneAbove`: sum of those above 0, as log2(1 + s) / 6.
 * Of few comments the share is only a part: those that are missing from three count as harmless ones.
 */
export function pileOnFeatures(
  account: ProtectedAccount,
  at: number,
  thread: Thread | undefined,
  hostility: number,
  features: Float64Array,
): void {
  features[0] = size(countWithin(account.attackers, at, HOUR))
  features[1] = size(countWithin(account.attackers, at, DAY))
  features[2] = size(countWithin(account.attackers, at, ACCOUNT.longestWindowMs))
  // What is in no conversation counts as one thread of its day.
  features[3] = thread ? size(countWithin(thread.attackers, at, ACCOUNT.longestWindowMs)) : features[1]
  features[4] = thread ? thread.hostility / Math.max(3, thread.comments) : 0
  features[5] = hostility
  features[6] = thread ? share((3 + thread.tone / Math.max(1, thread.comments)) / 6) : 0
  features[7] = thread ? share(Math.log2(1 + thread.toneAbove) / 6) : 0
}

const share = (value: number): number => Math.min(1, Math.max(0, value))
const size = (count: number): number => Math.log2(1 + count) / 5

/** When it may be forgotten, ms by event time. */
export function accountExpiresAt({ attackers, days, threads }: ProtectedAccount): number {
  let last = latestIn(attackers) + ACCOUNT.longestWindowMs
  for (const thread of threads) last = Math.max(last, thread.lastAt + ACCOUNT.longestWindowMs)
  // Two days beyond the local one cover every offset.
  for (const { day } of days) last = Math.max(last, (day + 2) * DAY)
  return last
}

const writer = new ByteWriter()
const FRACTIONS = 64

const signed = (value: number): number => (value % 2 === 1 ? -1 : 1) * Math.floor(value / 2)

export const accountCodec = {
  encode(account: ProtectedAccount): Buffer {
    writeDistinct(writer, account.attackers)
    writer.uint(account.threads.length)
    for (const { hash, lastAt, comments, hostility, tone, attackers } of account.threads) {
      writer.uint(hash)
      writer.uint(lastAt / 1000)
      writer.uint(Math.round(comments * FRACTIONS))
      writer.uint(Math.round(hostility * FRACTIONS))
      writer.uint(2 * Math.round(Math.abs(tone) * FRACTIONS) + (tone < 0 ? 1 : 0))
      writeDistinct(writer, attackers)
    }
    writer.uint(account.days.length)
    for (const { day, seconds, reported } of account.days) {
      writer.uint(day)
      writer.uint(2 * seconds + (reported ? 1 : 0))
    }
    writer.uint(account.recent.length)
    for (const hash of account.recent) writer.uint(hash)
    // At the end, so that what was written without it is read, and this by who does not know it.
    for (const { toneAbove } of account.threads) writer.uint(Math.round(toneAbove * FRACTIONS))
    return writer.copied()
  },
  decode(bytes: Buffer): ProtectedAccount {
    const reader = new ByteReader(bytes)
    const attackers = readDistinct(reader)
    const threads: Thread[] = []
    for (let left = reader.uint(); left > 0; left--) {
      threads.push({
        hash: reader.uint(),
        lastAt: 1000 * reader.uint(),
        comments: reader.uint() / FRACTIONS,
        hostility: reader.uint() / FRACTIONS,
        tone: signed(reader.uint()) / FRACTIONS,
        toneAbove: 0,
        attackers: readDistinct(reader),
      })
    }
    const days: UsageDay[] = []
    for (let left = reader.uint(); left > 0; left--) {
      const day = reader.uint()
      const seconds = reader.uint()
      days.push({ day, seconds: Math.floor(seconds / 2), reported: seconds % 2 === 1 })
    }
    const recent: number[] = []
    for (let left = reader.uint(); left > 0; left--) recent.push(reader.uint())
    for (let i = 0; i < threads.length && reader.hasMore; i++)
      threads[i] = { ...threads[i]!, toneAbove: reader.uint() / FRACTIONS }
    return { attackers, threads, days, recent }
  },
}

/** As the store would give it after a restore: what is kept in fractions is rounded at once, so that memory and topic agree. */
export const kept = (account: ProtectedAccount): ProtectedAccount => ({
  ...account,
  threads: account.threads.map((thread) => ({
    ...thread,
    comments: Math.round(thread.comments * FRACTIONS) / FRACTIONS,
    hostility: Math.round(thread.hostility * FRACTIONS) / FRACTIONS,
    tone: (thread.tone < 0 ? -1 : 1) * (Math.round(Math.abs(thread.tone) * FRACTIONS) / FRACTIONS),
    toneAbove: Math.round(thread.toneAbove * FRACTIONS) / FRACTIONS,
  })),
})
