import type { PolicyControl } from '@wardline/events'

/** A regulator's order that suspends the updates of a section. Times are ms by event time. */
export interface SectionOrder {
  readonly section: string
  /** Reference that the statement of reasons names. */
  readonly reference: string
  readonly from: number
  /** Exclusive; null: until it is lifted. */
  readonly until: number | null
}

/** Prefix of the keys in policy.control. */
export const SECTION_KEY = 'section/'

/** The orders on sections as policy.control has them. The last record of a section is its order; a tombstone takes it back. */
export class SectionOrders {
  readonly #orders = new Map<string, SectionOrder>()

  /** Takes a record of policy.control; what is no section order is left alone. */
  take(value: PolicyControl | null, key: string): void {
    if (!key.startsWith(SECTION_KEY)) return
    const section = key.slice(SECTION_KEY.length)
    if (value === null) this.#orders.delete(section)
    else if (value.kind === 'SECTION_ORDER')
      this.#orders.set(section, {
        section,
        reference: value.version,
        from: value.effectiveFrom,
        until: value.effectiveUntil,
      })
  }

  /** The order in force on the section for what happened at `eventTime`. */
  orderFor(section: string, eventTime: number): SectionOrder | undefined {
    if (this.#orders.size === 0) return undefined
    const order = this.#orders.get(section)
    return order && isInForce(order, eventTime) ? order : undefined
  }
}

/** By event time, so that an order ends by itself, and a late event is answered as it would have been in time. */
export const isInForce = (
  { from, until }: Pick<SectionOrder, 'from' | 'until'>,
  eventTime: number,
): boolean => eventTime >= from && (until === null || eventTime < until)
