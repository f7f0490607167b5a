import type { EnforcementDecision } from '@wardline/events'
import { type Html, html, type Part } from '../html.ts'
import type { LiveFigures, StageFigures } from '../live.ts'
import {
  category,
  columns,
  decisionHead,
  decisionRow,
  duration,
  numeric,
  shareBar,
  sparkline,
  table,
  toneOf,
  verdictChip,
} from './parts.ts'
import type { View } from './view.ts'

const OBJECTIVE_MS = 500

/** What the head of the live page counts beside the figures. */
export interface LiveCounts {
  readonly waiting: number
  readonly openLetters: number
}

export function livePage(
  view: View,
  figures: LiveFigures,
  counts: LiveCounts,
  decisions: readonly EnforcementDecision[],
): Html {
  const { t } = view
  return html`<h1>${t('live.title')}</h1>
<div id="figures">${liveFigures(view, figures, counts)}</div>
<section class="card"><h2>${t('live.stream')} <button class="plain" id="pause" data-pause="${t('live.pause')}" data-resume="${t('live.resume')}" aria-pressed="false">${t('live.pause')}</button> <span class="soft" id="stale" role="status" hidden>${t('live.stale')}</span></h2>
<p class="soft">${t('live.stream.hint')}</p>
${table(
  decisionHead(t),
  decisions.map((each) => decisionRow(view, each)),
  { caption: t('live.stream'), className: 'decisions stream' },
)}</section>`
}

/** The part of the page that is sent anew every second. */
export function liveFigures(view: Pick<View, 't'>, figures: LiveFigures, counts: LiveCounts): Html {
  const { t } = view
  const all = figures.categories[0]
  const tile = (value: Part, label: string, hint: string, tone = '') =>
    html`<div class="tile ${tone}"><b>${value}</b> <span>${label}</span><small>${hint}</small></div>`
  const p99 = all?.p99 ?? null
  return html`<div class="tiles">
${tile(figures.eventsPerSecond.toFixed(figures.eventsPerSecond < 100 ? 1 : 0), t('live.rate'), t('live.rate.hint'))}
${tile(p99 === null ? '–' : duration(t, p99), t('live.p99'), t('live.p99.hint'), p99 !== null && p99 > OBJECTIVE_MS ? 'warn' : '')}
${tile(figures.lag ?? '–', t('live.lag'), t('live.lag.hint'))}
<a class="tile" href="/review"><b>${counts.waiting}</b> <span>${t('live.waiting')}</span></a>
<a class="tile" href="/dead-letters"><b>${counts.openLetters}</b> <span>${t('live.deadLetters')}</span></a>
</div>
<section class="card"><h2>${t('live.throughput')}</h2>${columns(figures.throughput, t('live.throughput'))}</section>
<section><h2>${t('live.stages')}</h2>${figures.hasMetrics ? '' : html`<p class="soft">${t('live.metricsMissing')}</p>`}
<ol class="chain">${figures.stages.map((stage) => stageCard(view, stage))}</ol></section>
<div class="columns-2"><section class="card"><h2>${t('live.latency')}</h2><p class="soft">${t('live.latency.hint')}</p>
${table(
  [
    t('col.category'),
    numeric(t('col.rate')),
    numeric(t('col.p50')),
    numeric(t('col.p95')),
    numeric(t('col.p99')),
    t('col.trend'),
  ],
  figures.categories.map((row) => {
    const cell = (value: number | null) =>
      html`<td class="n${value !== null && value > OBJECTIVE_MS ? ' over' : ''}">${value === null ? '–' : Math.round(value)}</td>`
    return html`<tr><td>${category(t, row.category)}</td><td class="n">${(row.events / 60).toFixed(1)}</td>${cell(row.p50)}${cell(row.p95)}${cell(row.p99)}<td>${sparkline(row.trend, t('col.trend'), { mark: OBJECTIVE_MS, points: 60 })}</td></tr>`
  }),
  { caption: t('live.latency'), className: 'latency' },
)}</section>
<section class="card"><h2>${t('live.verdicts')}</h2>${shareBar(
    figures.verdicts.map(({ verdict, decisions }) => ({ tone: toneOf(verdict), value: decisions })),
    t('live.verdicts'),
  )}<ul class="plain verdicts">${figures.verdicts.map(
    ({ verdict, decisions }) => html`<li>${verdictChip(t, verdict)} <span class="n">${decisions}</span></li>`,
  )}</ul></section></div>`
}

function stageCard({ t }: Pick<View, 't'>, figures: StageFigures): Html {
  const { stage, state, eventsPerSecond, lag, p99, versions } = figures
  const fact = (name: string, value: string) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`
  return html`<li class="stage ${state}"><h3>${stage}</h3><p class="state"><span aria-hidden="true">${state === 'ready' ? '●' : '○'}</span> ${t(`live.stage.${state}`)}</p>
<dl>${fact(t('live.stage.events'), eventsPerSecond === null ? '–' : eventsPerSecond.toFixed(0))}${fact(t('live.stage.lag'), lag === null ? '–' : String(lag))}${fact(t('live.stage.p99'), p99 === null ? '–' : duration(t, p99))}${versions.length === 0 ? '' : fact(t('live.stage.policy'), versions.join(' / '))}</dl></li>`
}
