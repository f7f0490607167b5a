import type { PolicyControl } from '@wardline/events'
import { type Connection, FeedPublisher, readRecords } from '@wardline/records'
import { PartitionReader, TOPICS } from '@wardline/stream'

const DAY_MS = 86_400_000
/** Before the section's name in the keys of policy.control. */
export const SECTION_KEY = 'section/'

/** An order that cannot be given or lifted as asked. */
export class OrderRefused extends Error {
  override readonly name = 'OrderRefused'
  /** Tells the command line to print the message alone. */
  readonly remedy = true
}

/** The order of each section as policy.control has it. */
export async function readOrders(connection: Connection): Promise<Map<string, PolicyControl>> {
  const reader = new PartitionReader(connection.kafka)
  const orders = new Map<string, PolicyControl>()
  try {
    for await (const { key, value } of readRecords(connection, reader, TOPICS.control, 'PolicyControl')) {
      if (!key.startsWith(SECTION_KEY)) continue
      if (value?.kind === 'SECTION_ORDER') orders.set(value.name, value)
      else if (value === null) orders.delete(key.slice(SECTION_KEY.length))
    }
    return orders
  } finally {
    await reader.close()
  }
}

export type OrderState = 'coming' | 'in force' | 'ended'

export const orderStateOf = ({ effectiveFrom, effectiveUntil }: PolicyControl, now: number): OrderState =>
  effectiveUntil !== null && effectiveUntil <= now ? 'ended' : effectiveFrom > now ? 'coming' : 'in force'

/** Suspends the updates of a section. Throws OrderRefused where another order on it has not ended. */
export async function suspendSection(
  connection: Connection,
  section: string,
  options: { days: number; reference: string; from: number; issuedBy: string; now: number },
): Promise<PolicyControl> {
  const { days, reference, from, issuedBy, now } = options
  const known = (await readOrders(connection)).get(section)
  if (known && orderStateOf(known, now) !== 'ended' && known.version !== reference) {
    throw new OrderRefused(
      `${section} is under order ${known.version}${known.effectiveUntil === null ? '' : ` until ${new Date(known.effectiveUntil).toISOString()}`}: lift it first`,
    )
  }
  const order: PolicyControl = {
    kind: 'SECTION_ORDER',
    name: section,
    version: reference,
    payload: null,
    sha256: null,
    effectiveFrom: from,
    effectiveUntil: from + days * DAY_MS,
    issuedBy,
    issuedAt: now,
  }
  await publish(connection, order)
  return order
}

/** Ends the order on a section now. What happened before stays under it, so a replay answers it as it was. */
export async function liftSection(
  connection: Connection,
  section: string,
  options: { issuedBy: string; now: number },
): Promise<PolicyControl> {
  const known = (await readOrders(connection)).get(section)
  if (!known || orderStateOf(known, options.now) === 'ended')
    throw new OrderRefused(`${section} is under no order: \`wardline section list\` shows them`)
  const order = {
    ...known,
    effectiveUntil: Math.max(options.now, known.effectiveFrom),
    issuedBy: options.issuedBy,
    issuedAt: options.now,
  }
  await publish(connection, order)
  return order
}

async function publish(connection: Connection, order: PolicyControl): Promise<void> {
  const publisher = new FeedPublisher(connection)
  await publisher.connect()
  try {
    const value = await publisher.encode(TOPICS.control, 'PolicyControl', order)
    await publisher.send(TOPICS.control, [{ key: SECTION_KEY + order.name, value }])
  } finally {
    await publisher.close()
  }
}
