import { orderStateOf } from '@wardline/control'
import type { PolicyControl } from '@wardline/events'
import { type Html, html } from '../html.ts'
import { confirmed, csrfField, numeric, table, time } from './parts.ts'
import { mayIn, type View } from './view.ts'

export function sectionsPage(
  view: View,
  orders: readonly PolicyControl[],
  held: ReadonlyMap<string, number>,
): Html {
  const { t, now } = view
  const may = mayIn(view, 'orderSections')
  return html`<h1>${t('sections.title')}</h1>
${
  orders.length === 0
    ? html`<p class="empty">${t('sections.none')}</p>`
    : table(
        [
          t('sections.section'),
          t('sections.order'),
          t('sections.state'),
          t('sections.from'),
          t('sections.until'),
          numeric(t('sections.held')),
          t('sections.by'),
          '',
        ],
        orders.map((order) => {
          const state = orderStateOf(order, now)
          return html`<tr><td>${order.name}</td><td>${order.version}</td><td><span class="chip ${state === 'in force' ? 'hold' : 'note'}">${t(`sections.state.${state}`)}</span></td><td>${time(view, order.effectiveFrom)}</td><td>${order.effectiveUntil === null ? t('sections.until.lifted') : time(view, order.effectiveUntil)}</td><td class="n">${held.get(order.name) ?? 0}</td><td>${order.issuedBy}</td><td>${may && state !== 'ended' ? confirmed(view, '/sections/lift', t('sections.lift'), `${order.name} · ${order.version}`, { section: order.name }) : ''}</td></tr>`
        }),
        { caption: t('sections.title') },
      )
}
${
  may &&
  html`<section class="card"><h2>${t('sections.new')}</h2><p class="soft">${t('sections.hint')}</p><form class="filter" method="post" action="/sections/suspend">${csrfField(view)}
<label>${t('sections.section')}<input name="section" required maxlength="128" placeholder="game-zone"></label>
<label>${t('sections.reference')}<input name="order" required maxlength="128"></label>
<label>${t('sections.days')}<input name="days" type="number" min="1" max="3650" value="30" required></label>
<button class="danger">${t('sections.suspend')}</button></form></section>`
}`
}
