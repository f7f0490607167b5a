import { type CampaignReport, ITEM_NAMES, type ItemRow } from '@wardline/campaign'
import { type Html, html } from '../html.ts'
import { duration, numeric, table } from './parts.ts'
import type { View } from './view.ts'

export function reportPage(
  view: View,
  report: CampaignReport,
  days: { readonly from: string; readonly to: string },
): Html {
  const { t } = view
  const length = (ms: number | null) => (ms === null ? '–' : duration(t, ms))
  const numbers = (row: Omit<ItemRow, 'item'>) =>
    html`<td class="n">${row.seen}</td><td class="n">${row.actedOn}</td><td class="n">${row.accounts}</td><td class="n">${row.overturned}</td><td class="n">${length(row.medianMs)}</td><td class="n">${length(row.p99Ms)}</td>`
  const query = new URLSearchParams(days).toString()
  return html`<h1>${t('report.title')}</h1>
<form class="filter" method="get" action="/report"><label>${t('report.from')}<input type="date" name="from" value="${days.from}" required></label><label>${t('report.to')}<input type="date" name="to" value="${days.to}" required></label><button class="primary">${t('apply')}</button> <a class="button" href="/report/campaign.csv?${query}">${t('report.csv')}</a> <a class="button" href="/report/campaign.html?${query}">${t('report.page')}</a></form>
<p class="soft">${t('report.hint')}</p>
${table(
  [
    t('report.item'),
    t('report.about'),
    numeric(t('report.seen')),
    numeric(t('report.acted')),
    numeric(t('report.accounts')),
    numeric(t('report.overturned')),
    numeric(t('report.median')),
    numeric(t('report.p99')),
  ],
  [
    ...report.items.map(
      (row) =>
        html`<tr class="${row.seen === 0 ? 'soft' : ''}"><th scope="row">${row.item}</th><td class="about">${ITEM_NAMES[row.item]![t.language]}</td>${numbers(row)}</tr>`,
    ),
    html`<tr class="total"><th scope="row"></th><td>${t('report.total')}</td>${numbers(report.total)}</tr>`,
  ],
  { caption: t('report.title'), className: 'report' },
)}
<h2>${t('report.rules')}</h2>
${table(
  [
    t('report.rule'),
    numeric(t('report.acted')),
    numeric(t('report.reviewed')),
    numeric(t('report.overturned')),
    numeric(t('report.rate')),
  ],
  report.rules.map(
    (row) =>
      html`<tr><td><a href="/decisions?rule=${encodeURIComponent(row.rule)}"><code>${row.rule}</code></a></td><td class="n">${row.actedOn}</td><td class="n">${row.reviewed}</td><td class="n">${row.overturned}</td><td class="n">${row.overturnRate === null ? '–' : `${(row.overturnRate * 100).toFixed(1)} %`}</td></tr>`,
  ),
  { caption: t('report.rules') },
)}`
}
