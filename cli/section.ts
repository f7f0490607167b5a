import { liftSection, orderStateOf, readOrders, suspendSection } from '@wardline/control'
import type { PolicyControl } from '@wardline/events'
import { type Command, InvalidArgumentError } from 'commander'
import { connect } from './connection.ts'

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
    `${order.name.padEnd(24)} ${order.version.padEnd(24)} ${new Date(order.effectiveFrom).toISOString()}  ${order.effectiveUntil === null ? 'until lifted' : new Date(order.effectiveUntil).toISOString()}  ${orderStateOf(order, Date.now())}`
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
        (order) => all || orderStateOf(order, Date.now()) !== 'ended',
      )
      for (const order of orders) print(show(order))
      if (orders.length === 0) print('no orders')
    })
}
