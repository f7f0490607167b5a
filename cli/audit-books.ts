/** Where a record stands in feed.events. */
export interface Place {
  readonly partition: number
  readonly offset: number
}

/** One record of feed.events. */
export interface FedRecord extends Place {
  /** null where the record cannot be decoded. */
  readonly eventId: string | null
  /** `partition/offset` of the record that it stands for, where `wardline dlq replay` put it there. */
  readonly replayOf: string | null
}

/** A decision, or a dead letter that has not been replayed. */
export type OutcomeKind = 'decision' | 'dead letter'

export interface AuditReport {
  /** Records in feed.events, without those that a replay put there. */
  readonly eventsIn: number
  /** Answered by exactly one decision. */
  readonly decisions: number
  /** Answered by exactly one dead letter. */
  readonly deadLetters: number
  /** Repeats of an event that was answered. */
  readonly duplicates: number
  /** Records with no outcome: event id, or `partition/offset` where it has none. */
  readonly missing: readonly string[]
  /** Records, or event ids, with more than one outcome. */
  readonly doubled: readonly string[]
  /** Dead letters that do not come from feed.events: profiles, reports, verdicts, or records that were put into an inner topic. */
  readonly otherDeadLetters: number
  readonly replayed: number
  /** Later decisions on events that have their one: not part of the balance. */
  readonly followUps: number
  readonly reversals: number
}

/** The books balance: in = decisions + dead letters + duplicates, none missing, none doubled. */
export const balances = (report: AuditReport) =>
  report.missing.length === 0 &&
  report.doubled.length === 0 &&
  report.eventsIn === report.decisions + report.deadLetters + report.duplicates

const DECISION = 1
const DECISIONS = 2
const LETTER = 4
const LETTERS = 8

/**
 * Matches every record of feed.events with its outcome, in about ten bytes a record: a topic of a hundred million is audited
 * in a gigabyte. First every outcome, then every record of the feed in offset order (`take`), and, where `unclear` says so,
 * every record once more (`lookAgain`): whether two ids are the same is told by hashes first and by the ids themselves then.
 */
export class AuditBooks {
  readonly #outcomes = new BytesByPlace()
  readonly #idHashes = new GrowingNumbers()
  /** Without an outcome at their own place. */
  readonly #unanswered: FedRecord[] = []
  readonly #replays = new Map<string, FedRecord>()
  readonly #doubled = new Set<string>()
  #eventsIn = 0
  #decisions = 0
  #deadLetters = 0
  #otherDeadLetters = 0
  /** What the second look is for: ids of the unanswered, and hashes that decided records share. */
  #wanted: ReadonlySet<string> = new Set()
  #shared: ReadonlySet<number> = new Set()
  readonly #decidedOfWanted = new Set<string>()
  readonly #placeOfShared = new Map<string, string>()

  /** `place` null: of a record that is not known to come from feed.events. */
  outcome(place: Place | null, kind: OutcomeKind): void {
    if (place === null) {
      this.#otherDeadLetters++
      return
    }
    const [once, more] = kind === 'decision' ? [DECISION, DECISIONS] : [LETTER, LETTERS]
    const before = this.#outcomes.get(place)
    this.#outcomes.set(place, before | (before & once ? more : once))
  }

  take(record: FedRecord): void {
    const found = this.#outcomes.get(record)
    if (found & (DECISIONS | LETTERS) || found === (DECISION | LETTER)) this.#doubled.add(nameOf(record))
    if (found & DECISION && record.eventId !== null) this.#idHashes.push(hashOf(record.eventId))
    if (record.replayOf !== null) {
      this.#replays.set(record.replayOf, record)
      return
    }
    this.#eventsIn++
    if (found & DECISION) this.#decisions++
    else if (found & LETTER) this.#deadLetters++
    else this.#unanswered.push(record)
  }

  /** Whether the records have to be gone through once more. Asked once, after the last of them. */
  unclear(): boolean {
    const wanted = new Set<string>()
    for (const { eventId } of this.#unanswered) if (eventId !== null) wanted.add(eventId)
    this.#wanted = wanted
    this.#shared = this.#idHashes.repeated()
    return wanted.size > 0 || this.#shared.size > 0
  }

  lookAgain(record: FedRecord): void {
    const { eventId } = record
    if (eventId === null || !(this.#outcomes.get(record) & DECISION)) return
    if (this.#wanted.has(eventId)) this.#decidedOfWanted.add(eventId)
    if (!this.#shared.has(hashOf(eventId))) return
    const place = placeName(record)
    const known = this.#placeOfShared.get(eventId)
    if (known !== undefined && known !== place) this.#doubled.add(eventId)
    this.#placeOfShared.set(eventId, place)
  }

  /** `replayed` and `later` are not matched with anything: they are passed on. */
  report(replayed: number, later: LaterDecisions = NO_LATER): AuditReport {
    let decisions = this.#decisions
    let deadLetters = this.#deadLetters
    let duplicates = 0
    const missing: string[] = []
    for (const record of this.#unanswered) {
      // A dead letter that was replayed is no outcome; the record that the replay made has it.
      const found = this.#outcomeOfReplay(record)
      if (found & DECISION) decisions++
      else if (found & LETTER) deadLetters++
      else if (record.eventId !== null && this.#decidedOfWanted.has(record.eventId)) duplicates++
      else missing.push(nameOf(record))
    }
    return {
      eventsIn: this.#eventsIn,
      decisions,
      deadLetters,
      duplicates,
      missing,
      doubled: [...new Set([...later.doubled, ...this.#doubled])],
      otherDeadLetters: this.#otherDeadLetters,
      replayed,
      followUps: later.followUps,
      reversals: later.reversals,
    }
  }

  #outcomeOfReplay(record: FedRecord): number {
    let replay = this.#replays.get(placeName(record))
    while (replay) {
      const found = this.#outcomes.get(replay)
      if (found !== 0) return found
      replay = this.#replays.get(placeName(replay))
    }
    return 0
  }
}

/** Follow-ups and reversals; `doubled`: ids of those that stand there twice. */
export interface LaterDecisions {
  readonly followUps: number
  readonly reversals: number
  readonly doubled: readonly string[]
}
const NO_LATER: LaterDecisions = { followUps: 0, reversals: 0, doubled: [] }

export const placeName = ({ partition, offset }: Place): string => `${partition}/${offset}`
const nameOf = (record: FedRecord): string => record.eventId ?? placeName(record)

const PAGE_BITS = 16
const PAGE = 1 << PAGE_BITS
/** Pages of one partition: offsets up to 2^48. */
const PAGES_A_PARTITION = 2 ** 32

/** A byte for each record. Offsets stand close together, wherever retention lets a topic begin. */
class BytesByPlace {
  readonly #pages = new Map<number, Uint8Array>()

  get(place: Place): number {
    return this.#pages.get(pageOf(place))?.[place.offset % PAGE] ?? 0
  }

  set(place: Place, byte: number): void {
    const key = pageOf(place)
    let page = this.#pages.get(key)
    if (!page) this.#pages.set(key, (page = new Uint8Array(PAGE)))
    page[place.offset % PAGE] = byte
  }
}

const pageOf = ({ partition, offset }: Place): number =>
  partition * PAGES_A_PARTITION + Math.floor(offset / PAGE)

/** Numbers, more than a Set holds (2^24), and which of them are there more than once. */
class GrowingNumbers {
  #numbers = new Float64Array(1 << PAGE_BITS)
  #length = 0

  push(value: number): void {
    if (this.#length === this.#numbers.length) {
      const larger = new Float64Array(2 * this.#length)
      larger.set(this.#numbers)
      this.#numbers = larger
    }
    this.#numbers[this.#length++] = value
  }

  repeated(): ReadonlySet<number> {
    const sorted = this.#numbers.subarray(0, this.#length).sort()
    const found = new Set<number>()
    for (let i = 1; i < sorted.length; i++) if (sorted[i] === sorted[i - 1]) found.add(sorted[i]!)
    return found
  }
}

/** 53 bits of a text: two multiplicative hashes with different factors, side by side. */
function hashOf(text: string): number {
  let low = 0x9e3779b9
  let high = 0x85ebca6b
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    low = Math.imul(low ^ code, 0x5bd1e995)
    low ^= low >>> 15
    high = Math.imul(high ^ code, 0xc2b2ae35)
    high ^= high >>> 13
  }
  return (high & 0x1fffff) * 2 ** 32 + (low >>> 0)
}
