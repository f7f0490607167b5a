import type { AuditEntry } from '../audit-log.ts'
import { type Html, html } from '../html.ts'
import { table, time } from './parts.ts'
import type { View } from './view.ts'

export function auditPage(view: View, entries: readonly AuditEntry[], older: number | null): Html {
  const { t } = view
  return html`<h1>${t('audit.title')}</h1>
${
  entries.length === 0
    ? html`<p class="empty">${t('nothing')}</p>`
    : table(
        [t('col.time'), t('audit.who'), t('audit.what'), t('audit.subject')],
        entries.map(
          ({ at, who, what, subject }) =>
            html`<tr><td>${time(view, at)}</td><td>${who}</td><td>${t.of('audit', what)}</td><td><code>${subject}</code></td></tr>`,
        ),
        { caption: t('audit.title') },
      )
}${older === null ? '' : html`<p class="pager"><a href="/audit?before=${older}" rel="next">${t('older')} →</a></p>`}`
}
