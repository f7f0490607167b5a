import type { CampaignReport, ItemRow } from './campaign.ts'
import { ITEM_NAMES } from './items.ts'

const COLUMNS = ['seen', 'actedOn', 'accounts', 'overturned', 'medianMs', 'p99Ms'] as const

/** The table by items as CSV (RFC 4180), names in both languages, times in ms. */
export function campaignCsv({ items, total }: CampaignReport): string {
  const cells = (row: Omit<ItemRow, 'item'>) => COLUMNS.map((column) => row[column] ?? '')
  const lines = [
    ['item', 'name', 'name_zh', 'seen', 'acted_on', 'accounts', 'overturned', 'median_ms', 'p99_ms'],
  ]
  for (const row of items) {
    const name = ITEM_NAMES[row.item]!
    lines.push([row.item, name.en, name.zh, ...cells(row).map(String)])
  }
  lines.push(['all', 'All items', '合计', ...cells(total).map(String)])
  return `${lines.map((line) => line.map(quoted).join(',')).join('\r\n')}\r\n`
}

/** Quoted where it has to be, and never read as a formula by a spreadsheet. */
function quoted(cell: string): string {
  const safe = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

/** Milliseconds as people read them. */
function duration(ms: number | null): string {
  if (ms === null) return '–'
  if (ms < 1_000) return `${ms} ms`
  if (ms < 120_000) return `${(ms / 1_000).toFixed(1)} s`
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${(ms / 3_600_000).toFixed(1)} h`
}

/** A page of its own, without scripts and without anything to fetch; Chinese first, English beneath. */
export function campaignPage(report: CampaignReport, madeAt: number): string {
  const day = (ms: number) => new Date(ms).toISOString().slice(0, 16).replace('T', ' ')
  const numbers = (row: Omit<ItemRow, 'item'>) =>
    `<td>${row.seen}</td><td>${row.actedOn}</td><td>${row.accounts}</td><td>${row.overturned}</td><td>${duration(row.medianMs)}</td><td>${duration(row.p99Ms)}</td>`
  const item = (row: ItemRow) => {
    const name = ITEM_NAMES[row.item]!
    return `<tr${row.seen === 0 ? ' class="none"' : ''}><th scope="row"><span class="code">${row.item}</span></th><td class="name">${escaped(name.zh)}<small lang="en">${escaped(name.en)}</small></td>${numbers(row)}</tr>`
  }
  const head = (zh: string, en: string) => `<th scope="col">${zh}<small lang="en">${en}</small></th>`
  const rule = (row: CampaignReport['rules'][number]) =>
    `<tr><th scope="row" class="rule">${escaped(row.rule)}</th><td>${row.actedOn}</td><td>${row.reviewed}</td><td>${row.overturned}</td><td>${row.overturnRate === null ? '–' : `${(row.overturnRate * 100).toFixed(1)} %`}</td></tr>`
  return `<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>未成年人网络保护专项行动报告 · Campaign report</title>
<style>
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #5c6670; --line: #d8dde3; --paper: #fff; --band: #f5f7f9 }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ec; --soft: #9aa4ae; --line: #333a42; --paper: #15181c; --band: #1d2126 } }
body { margin: 2rem auto; max-width: 72rem; padding: 0 1rem; background: var(--paper); color: var(--ink); font: 15px/1.5 "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", system-ui, sans-serif }
h1 { font-size: 1.5rem; margin: 0 } h2 { font-size: 1.1rem; margin: 2.5rem 0 .5rem }
p, small { color: var(--soft) } small { display: block; font-weight: normal; font-size: .8em }
.wide { overflow-x: auto } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { padding: .4rem .6rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; vertical-align: top }
thead th { vertical-align: bottom; background: var(--band) } th[scope=row], td.name, thead th:nth-child(-n+2), .rules thead th:first-child { text-align: left }
td.name { white-space: normal; min-width: 18rem } .rules thead th:nth-child(2) { text-align: right }
.code { font-weight: 600 } .rule { font-weight: normal } tr.none td, tr.none th { color: var(--soft) } tfoot td, tfoot th { font-weight: 600; border-top: 2px solid var(--ink) }
@media print { body { margin: 0; max-width: none; font-size: 11px } }
</style>
</head>
<body>
<h1>未成年人网络保护专项行动报告</h1>
<p lang="en">Report on the campaign for the protection of minors in cyberspace</p>
<p>统计时段 Period: ${day(report.from)} – ${day(report.to)} UTC　·　生成时间 Made: ${day(madeAt)} UTC</p>
<div class="wide"><table>
<thead><tr>${head('编号', 'Item')}${head('内容', 'What it is about')}${head('发现', 'Seen')}${head('处置', 'Acted on')}${head('处置账号', 'Accounts')}${head('撤销', 'Overturned')}${head('处置用时中位数', 'Median time')}${head('处置用时 P99', 'p99 time')}</tr></thead>
<tbody>
${report.items.map(item).join('\n')}
</tbody>
<tfoot><tr><th scope="row"></th><td class="name">合计<small lang="en">All items</small></td>${numbers(report.total)}</tr></tfoot>
</table></div>
<p>一条内容可涉及多个编号，合计按内容去重。处置用时从内容进入平台起，到首次处置决定作出为止，包括事后追溯的处置。处置账号指被采取账号措施的账号，包括警告、禁言、停用、封禁，以及休息提醒和锁定。<span lang="en"><br>An event may concern several items; the total counts it once. Time runs from the append of the event to the first adverse decision, later follow-ups included. Accounts: those warned, muted, suspended, banned, reminded to rest or locked for it.</span></p>
<h2>规则与人工复核 <small lang="en">Rules and human inspection</small></h2>
<div class="wide"><table class="rules">
<thead><tr>${head('规则', 'Rule')}${head('处置', 'Acted on')}${head('已复核', 'Reviewed')}${head('撤销', 'Overturned')}${head('撤销率', 'Overturn rate')}</tr></thead>
<tbody>
${report.rules.map(rule).join('\n')}
</tbody>
</table></div>
</body>
</html>
`
}
