import type { Account } from '@wardline/decision-store'
import type { UserReport } from '@wardline/events'
import { type Html, html, type Part } from '../html.ts'
import { accountLink, category, decisionHead, decisionRow, numeric, shortId, table, time } from './parts.ts'
import type { View } from './view.ts'

export function accountPage(view: View, account: Account): Html {
  const { t } = view
  const { counts, strikes, action, minors, contacts, reportsAgainst, reportersAgainst, reportsBy } = account
  const tile = (value: Part, label: string, hint: Part = '') =>
    html`<div class="tile"><b>${value}</b> <span>${label}</span><small>${hint}</small></div>`
  return html`<h1>${t('account.title')} <code>${account.accountId}</code></h1>
<div class="tiles">
${tile(
  strikes.reduce((sum, each) => sum + each.strikes, 0),
  t('account.strikes'),
  strikes.length === 0
    ? t('account.strikes.none')
    : strikes.map((each, i) => html`${i === 0 ? '' : ' · '}${t.of('area', each.area)} ${each.strikes}`),
)}
${tile(
  action === null ? '–' : t.of('action', action.action),
  t('account.action'),
  action?.until ? html`${t('account.action.until', '')}${time(view, action.until)}` : '',
)}
${tile(minors, t('account.minors'), t('account.minors.hint'))}
${tile(reportersAgainst, t('account.reports'))}
${tile(counts.decisions, t('account.decisions'), html`${counts.notable} ${t('account.notable')} · ${counts.overturned} ${t('account.overturned')}`)}
</div>
<div class="columns-2 level">${
    contacts.length > 0 &&
    html`<section class="card"><h2>${t('account.contacts')}</h2>${table(
      [
        t('col.account'),
        t('account.contacts.age'),
        numeric(t('account.contacts.events')),
        numeric(t('account.contacts.flagged')),
        t('account.contacts.last'),
      ],
      contacts.map(
        (each) =>
          html`<tr><td>${accountLink(each.minorId)}</td><td>${t.of('age', each.ageBand)}</td><td class="n">${each.events}</td><td class="n${each.flagged > 0 ? ' over' : ''}">${each.flagged}</td><td>${time(view, each.lastAt)}</td></tr>`,
      ),
      { caption: t('account.contacts') },
    )}</section>`
  }
${reports(view, t('account.reports.against'), t('account.reporter'), reportsAgainst, ({ reporterId }) => reporterId)}
${reports(view, t('account.reports.by'), t('account.reported'), reportsBy, ({ reportedId }) => reportedId)}</div>
<section class="card"><h2>${t('account.timeline')}</h2>${
    account.decisions.length === 0
      ? html`<p class="empty">${t('decisions.none')}</p>`
      : table(
          decisionHead(t),
          account.decisions.map((each) => decisionRow(view, each)),
          { caption: t('account.timeline'), className: 'decisions' },
        )
  }${account.older === null ? '' : html`<p class="pager"><a href="/accounts/${encodeURIComponent(account.accountId)}?before=${account.older}" rel="next">${t('older')} →</a></p>`}</section>`
}

function reports(
  view: View,
  title: string,
  whom: string,
  all: readonly UserReport[],
  other: (report: UserReport) => string,
): Html | false {
  const { t } = view
  return (
    all.length > 0 &&
    html`<section class="card"><h2>${title}</h2>${table(
      [t('col.time'), whom, t('account.as'), t('account.event')],
      all.map(
        (report) =>
          html`<tr><td>${time(view, report.reportedAt)}</td><td>${report.reporterId === report.reportedId ? t('history.appealed') : accountLink(other(report))}</td><td>${category(t, report.category)}</td><td>${report.eventId === null ? '–' : shortId(report.eventId)}</td></tr>`,
      ),
      { caption: title },
    )}</section>`
  )
}
