import type { EnforcementDecision, ReviewVerdict } from '@wardline/events'
import { CAMPAIGN_ITEMS } from '@wardline/policy'

/** One of the 24 items over the time of the report. */
export interface ItemRow {
  readonly item: string
  /** Events that rules or findings of the item found. */
  readonly seen: number
  /** Of those, events that something was done about, first or later: an adverse decision, or a rest reminder or lock. */
  readonly actedOn: number
  /** Distinct accounts that an account action was taken on, rest reminders and locks included. */
  readonly accounts: number
  /** Of those acted on, events whose decision a human took back. */
  readonly overturned: number
  /** From the append of the event until it was acted on, ms; null where nothing was. */
  readonly medianMs: number | null
  readonly p99Ms: number | null
}

/** How a rule's decisions stood up to human eyes. */
export interface RuleRow {
  readonly rule: string
  readonly actedOn: number
  readonly reviewed: number
  readonly overturned: number
  /** overturned / reviewed; null where nothing was reviewed. */
  readonly overturnRate: number | null
}

export interface CampaignReport {
  readonly from: number
  readonly to: number
  readonly items: readonly ItemRow[]
  readonly total: Omit<ItemRow, 'item'>
  readonly rules: readonly RuleRow[]
}

interface Event {
  items: readonly string[]
  rules: readonly string[]
  actedAfterMs: number | null
  account: string | null
  overturned: boolean
}

const NO_ACTION: ReadonlySet<string> = new Set(['NONE', 'UNKNOWN'])

/** What the report takes of a decision; of the statement only whether there is one. */
export type CampaignDecision = Pick<
  EnforcementDecision,
  'eventId' | 'type' | 'feedAppendedAt' | 'decidedAt' | 'actorId' | 'accountAction' | 'items' | 'ruleIds'
> & { readonly statement: object | null }

/**
 * Gathers the report from decisions and verdicts in the order of their topics. What counts is when the event was appended
 * to feed.events: [from, to), ms. Memory grows with the events that an item was found in.
 */
export class Campaign {
  readonly #from: number
  readonly #to: number
  readonly #events = new Map<string, Event>()
  readonly #verdicts = new Map<string, Set<ReviewVerdict['outcome']>>()

  constructor(from: number, to: number) {
    this.#from = from
    this.#to = to
  }

  takeDecision(decision: CampaignDecision): void {
    const { eventId, type, feedAppendedAt } = decision
    if (feedAppendedAt < this.#from || feedAppendedAt >= this.#to) return
    const known = this.#events.get(eventId)
    // A reversal with a statement is of something allowed that a human found harmful: that acts.
    if (type === 'REVERSAL' && decision.statement === null) {
      if (known && known.actedAfterMs !== null) known.overturned = true
      return
    }
    if (decision.items.length === 0 && !known && decision.statement === null) return
    const event: Event = known ?? {
      items: [],
      rules: [],
      actedAfterMs: null,
      account: null,
      overturned: false,
    }
    event.items = union(event.items, decision.items)
    const acts = !NO_ACTION.has(decision.accountAction)
    if (decision.statement !== null || acts) {
      event.rules = union(event.rules, decision.ruleIds)
      event.actedAfterMs ??= Math.max(0, decision.decidedAt - feedAppendedAt)
      if (acts) event.account = decision.actorId
    }
    this.#events.set(eventId, event)
  }

  takeVerdict({ eventId, outcome }: ReviewVerdict): void {
    if (outcome !== 'UPHELD' && outcome !== 'OVERTURNED') return
    const known = this.#verdicts.get(eventId)
    if (known) known.add(outcome)
    else this.#verdicts.set(eventId, new Set([outcome]))
  }

  report(): CampaignReport {
    const events = [...this.#events.values()]
    const rules = new Map<string, { actedOn: number; reviewed: number; overturned: number }>()
    for (const [eventId, event] of this.#events) {
      const outcomes = this.#verdicts.get(eventId)
      for (const rule of event.rules) {
        const row = rules.get(rule) ?? { actedOn: 0, reviewed: 0, overturned: 0 }
        row.actedOn++
        if (outcomes) row.reviewed++
        if (outcomes?.has('OVERTURNED')) row.overturned++
        rules.set(rule, row)
      }
    }
    return {
      from: this.#from,
      to: this.#to,
      items: CAMPAIGN_ITEMS.map((item) => ({
        item,
        ...figures(events.filter(({ items }) => items.includes(item))),
      })),
      total: figures(events.filter(({ items }) => items.length > 0)),
      rules: [...rules]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([rule, row]) => ({
          rule,
          ...row,
          overturnRate: row.reviewed === 0 ? null : row.overturned / row.reviewed,
        })),
    }
  }
}

const union = (a: readonly string[], b: readonly string[]): readonly string[] =>
  b.every((each) => a.includes(each)) ? a : [...new Set([...a, ...b])]

function figures(events: readonly Event[]): Omit<ItemRow, 'item'> {
  const times: number[] = []
  const accounts = new Set<string>()
  let overturned = 0
  for (const event of events) {
    if (event.actedAfterMs === null) continue
    times.push(event.actedAfterMs)
    if (event.account !== null) accounts.add(event.account)
    if (event.overturned) overturned++
  }
  times.sort((a, b) => a - b)
  /** Nearest rank. */
  const quantile = (q: number) => (times.length === 0 ? null : times[Math.ceil(q * times.length) - 1]!)
  return {
    seen: events.length,
    actedOn: times.length,
    accounts: accounts.size,
    overturned,
    medianMs: quantile(0.5),
    p99Ms: quantile(0.99),
  }
}
