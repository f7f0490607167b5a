import type { EnforcementDecision } from '@wardline/events'
import { type Html, html, type Part } from '../html.ts'
import type { Translator } from '../texts.ts'
import type { View } from './view.ts'

const formats = new Map<string, Intl.DateTimeFormat>()

/** A time as people compare them: the day only where it is not today. */
export function time(view: Pick<View, 'timeZone' | 'now'>, ms: number, precise = false): Html {
  const { timeZone } = view
  let format = formats.get(timeZone)
  if (!format) {
    const options: Intl.DateTimeFormatOptions = {
      timeZone,
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      hourCycle: 'h23',
    }
    formats.set(timeZone, (format = new Intl.DateTimeFormat('sv-SE', options)))
  }
  const [day = '', clock = ''] = format.format(ms).split(' ')
  const [today] = format.format(view.now).split(' ')
  const shown = precise || day !== today ? `${day} ${clock}` : clock
  return html`<time datetime="${new Date(ms).toISOString()}">${shown}</time>`
}

/** A length of time in its largest fitting unit. */
export function duration(t: Translator, ms: number): string {
  const round = (value: number) =>
    value < 10 ? String(Math.round(value * 10) / 10) : String(Math.round(value))
  if (ms < 1_000) return t('unit.ms', Math.round(ms))
  if (ms < 120_000) return t('unit.s', round(ms / 1_000))
  if (ms < 7_200_000) return t('unit.min', round(ms / 60_000))
  return ms < 172_800_000 ? t('unit.h', round(ms / 3_600_000)) : t('unit.d', round(ms / 86_400_000))
}

/** How grave a verdict is: its colour and its mark, so that colour is never the only sign. */
const TONES: Readonly<Record<string, readonly [tone: string, mark: string]>> = {
  ALLOW: ['calm', '○'],
  ALLOW_NOT_YOUTH: ['note', '◔'],
  LIMIT_REACH: ['note', '◑'],
  HIDE: ['warn', '◕'],
  REMOVE: ['grave', '●'],
  HOLD_FOR_REVIEW: ['hold', '◇'],
  HOLD_SECTION_SUSPENDED: ['hold', '◇'],
}

export function verdictChip(t: Translator, verdict: string): Html {
  const [tone, mark] = TONES[verdict] ?? ['note', '?']
  return html`<span class="chip ${tone}"><span aria-hidden="true">${mark}</span> ${t.of('verdict', verdict)}</span>`
}

export const category = (t: Translator, name: string): Html =>
  html`<span class="category${name === 'benign' ? ' soft' : ''}">${t.of('category', name)}</span>`

export const code = (text: string): Html => html`<code>${text}</code>`

/** An id that is long: its beginning, all of it on hover and to copy. */
export const shortId = (id: string): Html =>
  html`<code title="${id}">${id.length > 14 ? `${id.slice(0, 12)}…` : id}</code>`

export const accountLink = (id: string): Html =>
  html`<a href="/accounts/${encodeURIComponent(id)}" class="account">${id}</a>`

export const decisionLink = (id: string, text: Part): Html =>
  html`<a href="/decisions/${encodeURIComponent(id)}">${text}</a>`

/** Terms and what they are. Rows without content are left out. */
export const facts = (rows: readonly (readonly [string, Part] | null | false)[]): Html =>
  html`<dl class="facts">${rows.map((row) => row && html`<div><dt>${row[0]}</dt><dd>${row[1]}</dd></div>`)}</dl>`

export const table = (
  head: readonly HeadCell[],
  rows: readonly Html[],
  options: { caption?: string; className?: string } = {},
): Html =>
  html`<div class="wide" tabindex="0" role="region" aria-label="${options.caption ?? ''}"><table class="${options.className ?? ''}"><thead><tr>${head.map(
    (each) => (each instanceof NumericHead ? each.html : html`<th scope="col">${each}</th>`),
  )}</tr></thead><tbody>${rows}</tbody></table></div>`

/** A heading over numbers stands to the right, as they do. */
class NumericHead {
  readonly html: Html
  constructor(text: string) {
    this.html = html`<th scope="col" class="n">${text}</th>`
  }
}
export type HeadCell = Part | NumericHead
export const numeric = (text: string): HeadCell => new NumericHead(text)

export const riskBar = (risk: number): Html =>
  html`<span class="risk"><svg viewBox="0 0 40 6" width="40" height="6" aria-hidden="true"><rect width="40" height="6" rx="3" class="track"/><rect width="${(risk * 40).toFixed(1)}" height="6" rx="3" class="fill"/></svg> ${risk.toFixed(2)}</span>`

/** A row of the decisions tables. `short`: of one account, in half the width. */
export function decisionRow(
  view: Pick<View, 't' | 'timeZone' | 'now'>,
  decision: EnforcementDecision,
  options: { readonly short?: boolean } = {},
): Html {
  const { t } = view
  const { decisionId, type, verdict, accountAction, actionSeconds, kind, actorId, ruleIds, risk } = decision
  return html`<tr data-decision="${decisionId}">
<td>${decisionLink(decisionId, time(view, decision.decidedAt))}</td>
<td>${verdictChip(t, verdict)}${type === 'DECISION' ? '' : html` <span class="type">${t.of('type', type)}</span>`}</td>
<td>${category(t, decision.category)}</td>
<td class="n">${riskBar(risk)}</td>
<td>${accountAction === 'NONE' ? html`<span class="soft">–</span>` : html`<span class="action">${t.of('action', accountAction)}${actionSeconds === null ? '' : html` <span class="soft">${duration(t, actionSeconds * 1_000)}</span>`}</span>`}</td>
<td>${t.of('kind', kind)}</td>${
    options.short
      ? ''
      : html`
<td>${accountLink(actorId)}</td>
<td class="rules">${ruleIds.length === 0 ? html`<span class="soft">–</span>` : ruleIds.slice(0, 2).join(', ')}${ruleIds.length > 2 ? html` <span class="soft">+${ruleIds.length - 2}</span>` : ''}</td>
<td class="n soft">${Math.max(0, decision.decidedAt - decision.feedAppendedAt)}</td>`
  }</tr>`
}

export const decisionHead = (t: Translator, options: { readonly short?: boolean } = {}): HeadCell[] => [
  t('col.time'),
  t('col.verdict'),
  t('col.category'),
  numeric(t('col.risk')),
  t('col.action'),
  t('col.kind'),
  ...(options.short ? [] : [t('col.account'), t('col.rules'), numeric(t('col.ms'))]),
]

export const csrfField = (view: View): Html => html`<input type="hidden" name="_csrf" value="${view.csrf}">`

/** A button that asks once more before it does what cannot be undone; works without scripts too. */
export const confirmed = (
  view: View,
  action: string,
  label: string,
  hint: string,
  fields: Readonly<Record<string, string>> = {},
): Html =>
  html`<details class="confirm"><summary class="button">${label}</summary><form method="post" action="${action}">${csrfField(view)}${Object.entries(
    fields,
  ).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
  )}<p>${hint}</p><button class="primary">${label}</button></form></details>`

/** A line chart without axes: values oldest first, gaps where null; a line at `mark` where it is within reach. */
export function sparkline(
  values: readonly (number | null)[],
  label: string,
  options: { width?: number; height?: number; mark?: number; points?: number } = {},
): Html {
  const { width = 120, height = 24, mark, points = values.length } = options
  const known = values.filter((each) => each !== null)
  const top = Math.max(mark ?? 0, ...known, 1) * 1.1
  const x = (i: number) => (((points - values.length + i) / Math.max(1, points - 1)) * width).toFixed(1)
  const y = (value: number) => (height - 1 - (value / top) * (height - 2)).toFixed(1)
  let path = ''
  let pen = 'M'
  for (const [i, value] of values.entries()) {
    if (value === null) {
      pen = 'M'
      continue
    }
    path += `${pen}${x(i)} ${y(value)}`
    pen = 'L'
  }
  return html`<svg class="spark" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" preserveAspectRatio="none" role="img" aria-label="${label}">${
    mark === undefined ? '' : html`<line x1="0" x2="${width}" y1="${y(mark)}" y2="${y(mark)}" class="mark"/>`
  }<path d="${path}"/></svg>`
}

/** Columns, oldest left. */
export function columns(values: readonly number[], label: string, width = 600, height = 56): Html {
  const top = Math.max(...values, 1)
  const step = width / values.length
  return html`<svg class="columns" viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" role="img" aria-label="${label}">${values.map(
    (value, i) => {
      const tall = (value / top) * (height - 2)
      return html`<rect x="${(i * step).toFixed(1)}" y="${(height - tall).toFixed(1)}" width="${(step * 0.8).toFixed(1)}" height="${tall.toFixed(1)}"/>`
    },
  )}</svg>`
}

/** Shares of a whole as one bar. */
export function shareBar(
  shares: readonly { readonly tone: string; readonly value: number }[],
  label: string,
): Html {
  const total = shares.reduce((sum, { value }) => sum + value, 0)
  let x = 0
  return html`<svg class="shares" viewBox="0 0 600 12" preserveAspectRatio="none" role="img" aria-label="${label}">${
    total === 0
      ? html`<rect width="600" height="12" class="track"/>`
      : shares.map(({ tone, value }) => {
          const width = (value / total) * 600
          const rect = html`<rect x="${x.toFixed(1)}" width="${Math.max(0.5, width).toFixed(1)}" height="12" class="${tone}"/>`
          x += width
          return rect
        })
  }</svg>`
}

export const toneOf = (verdict: string): string => (TONES[verdict] ?? ['note'])[0]
