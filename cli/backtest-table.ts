import type { BacktestExample, BacktestReport } from '@wardline/backtest'
import Table from 'cli-table3'

/** A report for people. */
export function backtestTable(report: BacktestReport): string[] {
  const { before, after, events, categoryChanged, nowPassing, noLongerPassing, categories, rules } = report
  const lines = [
    `${before} → ${after} over ${events} events`,
    `category changes   ${categoryChanged}`,
    `now passing        ${nowPassing}`,
    `no longer passing  ${noLongerPassing}`,
  ]
  if (categories.length > 0)
    lines.push(
      '',
      table(
        ['from', 'to', 'events'],
        categories.map(({ from, to, events }) => [from, to, events]),
      ),
    )
  if (rules.length > 0) {
    const rows = rules.map(({ rule, modes, hitsBefore, hitsAfter, gained, lost, examples }) => [
      rule,
      modes[0] === modes[1] ? (modes[0] ?? '') : `${modes[0] ?? '–'} → ${modes[1] ?? '–'}`,
      hitsBefore,
      hitsAfter,
      gained,
      lost,
      examples[0]?.place ?? '',
    ])
    lines.push('', table(['rule', 'mode', 'before', 'after', 'gained', 'lost', 'for example'], rows))
  }
  if (report.examples.length > 0) lines.push('', ...report.examples.map(exampleLine))
  if (categories.length === 0 && rules.length === 0) lines.push('nothing differs')
  return lines
}

const exampleLine = ({ place, before, after, text }: BacktestExample): string =>
  `${place}  ${before} → ${after}${text === undefined ? '' : `  ${text}`}`

/** In the manner of `wardline demo`: columns, no frame. */
function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const framed = new Table({
    head: [...head],
    chars: Object.fromEntries(FRAME.map((part) => [part, ''])),
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
  })
  for (const row of rows) framed.push([...row])
  return framed.toString()
}

const FRAME = [
  'top',
  'top-mid',
  'top-left',
  'top-right',
  'bottom',
  'bottom-mid',
  'bottom-left',
  'bottom-right',
  'left',
  'left-mid',
  'mid',
  'mid-mid',
  'right',
  'right-mid',
  'middle',
] as const
