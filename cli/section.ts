import type { PolicyControl } from '@wardline/events'
import { PartitionReader, TOPICS } from '@wardline/stream'
import { type Command, InvalidArgumentError } from 'commander'
import { type Connection, connect } from './connection.ts'
import { FeedPublisher } from './feed-publisher.ts'
import { readRecords } from './read-records.ts'

const DAY_MS = 86_400_000
const PREFIX = 'section/'

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
      if (!key.startsWith(PREFIX)) continue
      if (value?.kind === 'SECTION_ORDER') orders.set(value.name, value)
      else if (value === null) orders.delete(key.slice(PREFIX.length))
    }
    return orders
  } finally {
    await reader.close()
  }
}

const stateOf = (
  { effectiveFrom, effectiveUntil }: PolicyControl,
  now: number,
): 'coming' | 'in force' | 'ended' =>
  effectiveUntil !== null && effectiveUntil <= now ? 'ended' : effectiveFrom > now ? 'coming' : 'in force'

/** Suspends the updates of a section. Throws OrderRefused where another order on it has not ended. */
export async function suspendSection(
  connection: Connection,
  section: string,
  options: { days: number; reference: string; from: number; issuedBy: string; now: number },
): Promise<PolicyControl> {
  const { days, reference, from, issuedBy, now } = options
  const known = (await readOrders(connection)).get(section)
  if (known && stateOf(known, now) !== 'ended' && known.version !== reference) {
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
  if (!known || stateOf(known, options.now) === 'ended')
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
    await publisher.send(TOPICS.control, [{ key: PREFIX + order.name, value }])
  } finally {
    await publisher.close()
  }
}

const dayCount = (text: string): number => {
  const value = Number(text)
  if (!(value > 0 && value <= 3_650)) throw new InvalidArgumentError('must be a number of days above 0')
  return value
}
const time = (text: string): number => {
  const value = Date.parse(text)
  if (Number.isNaN(value)) throw new InvalidArgumentError('must be a time such as 2026-12-01T00:00:00+08:00')
  return value
}
const named = (text: string): string => {
  if (text.trim() === '' || text.length > 128) throw new InvalidArgumentError('must have 1 to 128 characters')
  return text
}

export function addSectionCommands(program: Command): void {
  const print = (line: string) => void process.stdout.write(`${line}\n`)
  const show = (order: PolicyControl) =>
    `${order.name.padEnd(24)} ${order.version.padEnd(24)} ${new Date(order.effectiveFrom).toISOString()}  ${order.effectiveUntil === null ? 'until lifted' : new Date(order.effectiveUntil).toISOString()}  ${stateOf(order, Date.now())}`
  const issuer = process.env.WARDLINE_OPERATOR ?? process.env.USER ?? 'operator'
  const section = program.command('section').description("regulators' orders on sections")
  section
    .command('suspend')
    .description(
      'suspend the updates of a section: every new item in it is held until the order ends by itself',
    )
    .argument('<section>', 'section as events name it, such as game-zone', named)
    .requiredOption('--days <n>', 'how long', dayCount)
    .requiredOption(
      '--order <reference>',
      'reference of the order; stands in the statement of reasons',
      named,
    )
    .option('--from <time>', 'from when, by event time; absent: now', time)
    .action(async (name: string, { days, order, from }: { days: number; order: string; from?: number }) => {
      const now = Date.now()
      const options = { days, reference: order, from: from ?? now, issuedBy: issuer, now }
      print(show(await suspendSection(connect(), name, options)))
    })
  section
    .command('lift')
    .description('end the order on a section now')
    .argument('<section>', 'section', named)
    .action(async (name: string) => {
      print(show(await liftSection(connect(), name, { issuedBy: issuer, now: Date.now() })))
    })
  section
    .command('list')
    .description('orders that have not ended')
    .option('--all', 'also those that have')
    .action(async ({ all }: { all?: boolean }) => {
      const orders = [...(await readOrders(connect())).values()].filter(
        (order) => all || stateOf(order, Date.now()) !== 'ended',
      )
      for (const order of orders) print(show(order))
      if (orders.length === 0) print('no orders')
    })
}
