import type { BacktestReport } from '@wardline/backtest'
import type { RuleCounts } from '@wardline/decision-store'
import type { PolicyChange, PolicyProblem } from '@wardline/policy'
import { type Html, html } from '../html.ts'
import { category, confirmed, csrfField, numeric, table, time } from './parts.ts'
import { mayIn, type View } from './view.ts'

export type VersionState = 'inForce' | 'earlier' | 'refused' | 'withdrawn'

export interface VersionRow {
  readonly version: string | null
  readonly state: VersionState
  readonly by: string | null
  readonly at: number
  readonly bytes: number
  readonly refusal: string | null
}

export interface PolicyOverview {
  readonly ruleSet: string
  readonly inForce: string | null
  /** Newest first. */
  readonly versions: readonly VersionRow[]
  /** Versions that stages say they run, by stage. */
  readonly running: readonly { readonly stage: string; readonly versions: readonly string[] }[]
  readonly rules: readonly (RuleCounts & { readonly mode: string })[]
}

const MODES: ReadonlySet<string> = new Set(['live', 'shadow', 'draft', 'expired', 'finding'])

export function policyPage(view: View, overview: PolicyOverview): Html {
  const { t } = view
  const { inForce, versions, running, rules } = overview
  const may = mayIn(view, 'changePolicy')
  return html`<h1>${t('policy.title')} <span class="soft">${overview.ruleSet}</span></h1>
<div class="tiles"><div class="tile"><b>${inForce ?? '–'}</b> <span>${t('policy.inForce')}</span><small>${inForce === null ? t('policy.folder') : ''}</small></div>
${running.map(({ stage, versions: own }) => html`<div class="tile ${inForce !== null && own.some((each) => each !== inForce) ? 'warn' : ''}"><b>${own.join(' / ')}</b> <span>${stage}</span><small>${t('policy.running')}</small></div>`)}</div>
${may ? html`<p class="buttons"><a class="button primary" href="/policy/publish?from=folder">${t('policy.compare')}</a>${inForce === null ? '' : confirmed(view, '/policy/withdraw', t('policy.withdraw'), t('policy.withdraw.hint'), { current: inForce })}</p>` : ''}
<div class="columns-2"><section class="card"><h2>${t('policy.versions')}</h2>${
    versions.length === 0
      ? html`<p class="empty">${t('policy.publish.first')}</p>`
      : table(
          [
            t('policy.version'),
            t('policy.state'),
            t('policy.at'),
            t('policy.by'),
            numeric(t('policy.size')),
            '',
          ],
          versions.map(
            (row) =>
              html`<tr><td><code>${row.version ?? '–'}</code></td><td><span class="chip ${row.state === 'inForce' ? 'calm' : row.state === 'refused' ? 'grave' : 'note'}"${row.refusal === null ? '' : html` title="${row.refusal}"`}>${t(`policy.state.${row.state}`)}</span></td><td>${time(view, row.at)}</td><td>${row.by ?? '–'}</td><td class="n">${row.bytes}</td><td>${may && row.version !== null && row.state === 'earlier' ? html`<a href="/policy/publish?from=${row.version}">${t('policy.again')}</a>` : ''}</td></tr>`,
          ),
          { caption: t('policy.versions') },
        )
  }</section>
<section class="card"><h2>${t('policy.rules')}</h2><p class="soft">${t('policy.rules.hint')}</p>${table(
    [
      t('report.rule'),
      t('policy.mode'),
      numeric(t('policy.live')),
      numeric(t('policy.adverse')),
      numeric(t('policy.shadow')),
      numeric(t('policy.overturned')),
    ],
    rules.map(
      (row) =>
        html`<tr><td><a href="/decisions?rule=${encodeURIComponent(row.rule)}"><code>${row.rule}</code></a></td><td>${MODES.has(row.mode) ? t(`policy.mode.${row.mode as 'live'}`) : row.mode}</td><td class="n">${row.live}</td><td class="n">${row.adverse}</td><td class="n">${row.shadow}</td><td class="n${row.overturned > 0 ? ' over' : ''}">${row.overturned}</td></tr>`,
    ),
    { caption: t('policy.rules') },
  )}</section></div>`
}

/** What a check of a policy found, beside what is in force. */
export interface PolicyCheck {
  readonly version: string
  readonly problems: readonly PolicyProblem[]
  /** Null: nothing is in force to compare with. */
  readonly changes: readonly PolicyChange[] | null
}

export interface Candidate {
  /** `folder` or a version. */
  readonly from: string
  readonly version: string
  readonly current: string | null
}

export const BACKTEST_SIZES = [2_000, 20_000] as const

/** `check` undefined: it is still under way, and the page comes again. */
export function publishPage(
  view: View,
  candidate: Candidate,
  check: PolicyCheck | { readonly failed: string } | undefined,
): Html {
  const { t } = view
  const { version, current, from } = candidate
  const source = from === 'folder' ? t('policy.fromFolder') : t('policy.again')
  const head = html`<h1>${t('policy.publish.title')} <code>${version}</code></h1><p class="soft">${source}</p>`
  if (check === undefined)
    return html`${head}<p class="busy" role="status">${t('policy.publish.checking')}</p>`
  if ('failed' in check)
    return html`${head}<p class="notice warn">${t('policy.backtest.failed', check.failed)}</p>`
  const { problems, changes } = check
  if (problems.length > 0)
    return html`${head}<p class="notice warn">${t('policy.publish.problems', problems.length)}</p><ul class="diff">${problems.map(
      ({ file, line, message }) => html`<li><code>${file}:${line}</code> ${message}</li>`,
    )}</ul>`
  const form = (action: string, fields: Readonly<Record<string, string>>, label: string, primary = false) =>
    html`<form method="post" action="${action}">${csrfField(view)}${Object.entries(fields).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}<button class="${primary ? 'primary' : ''}">${label}</button></form>`
  return html`${head}
${
  version === current
    ? html`<p class="notice">${t('policy.publish.same')}</p>`
    : html`<div class="buttons">${confirmed(view, '/policy/publish', t('policy.publish.do', version), t('policy.publish.changes', changes?.length ?? 0), { from, version, current: current ?? '' })}</div>`
}
<section class="card"><h2>${changes === null ? t('policy.publish.first') : t('policy.publish.changes', changes.length)}</h2><ul class="diff">${(
    changes ?? []
  ).map(
    ({ kind, what, details }) =>
      html`<li class="${kind}"><b aria-hidden="true">${kind === 'added' ? '+' : kind === 'removed' ? '−' : '~'}</b> <span>${what}</span>${details.length > 0 ? html` <span class="soft">${details.join(', ')}</span>` : ''}</li>`,
  )}</ul></section>
<section class="card"><h2>${t('policy.backtest')}</h2><p class="soft">${t('policy.backtest.hint')}</p><div class="buttons">${BACKTEST_SIZES.map((events) => form('/policy/backtest', { from, version, events: String(events) }, t('policy.backtest.run', events)))}</div></section>`
}

export function backtestPage(
  view: View,
  report: BacktestReport | { readonly failed: string } | undefined,
): Html {
  const { t } = view
  const head = html`<h1>${t('policy.backtest')}</h1>`
  if (report === undefined)
    return html`${head}<p class="busy" role="status">${t('policy.backtest.running')}</p>`
  if ('failed' in report)
    return html`${head}<p class="notice warn">${t('policy.backtest.failed', report.failed)}</p>`
  const tile = (value: string | number, label: string) =>
    html`<div class="tile"><b>${value}</b> <span>${label}</span></div>`
  return html`${head}<p><code>${report.before}</code> → <code>${report.after}</code></p>
<div class="tiles">${tile(report.events, t('policy.backtest.events'))}${tile(report.categoryChanged, t('policy.backtest.changed'))}${tile(report.nowPassing, t('policy.backtest.now'))}${tile(report.noLongerPassing, t('policy.backtest.no'))}</div>
${
  report.categories.length === 0 && report.rules.length === 0
    ? html`<p class="empty">${t('policy.backtest.nothing')}</p>`
    : html`<div class="columns-2"><section class="card">${table(
        [t('policy.backtest.before'), t('policy.backtest.after'), numeric(t('policy.backtest.events'))],
        report.categories.map(
          ({ from, to, events }) =>
            html`<tr><td>${category(t, from)}</td><td>${category(t, to)}</td><td class="n">${events}</td></tr>`,
        ),
        { caption: t('policy.backtest.changed') },
      )}</section><section class="card">${table(
        [
          t('report.rule'),
          t('policy.mode'),
          numeric(t('policy.backtest.before')),
          numeric(t('policy.backtest.after')),
          numeric(t('policy.backtest.gained')),
          numeric(t('policy.backtest.lost')),
        ],
        report.rules.map(
          ({ rule, modes, hitsBefore, hitsAfter, gained, lost }) =>
            html`<tr><td><code>${rule}</code></td><td>${modes[0] === modes[1] ? modes[0] : `${modes[0] ?? '–'} → ${modes[1] ?? '–'}`}</td><td class="n">${hitsBefore}</td><td class="n">${hitsAfter}</td><td class="n">${gained}</td><td class="n">${lost}</td></tr>`,
        ),
        { caption: t('report.rules') },
      )}</section></div>`
}`
}
