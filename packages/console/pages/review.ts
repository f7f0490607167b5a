import type { DecisionHistory, QueueEntry, StoredDecision } from '@wardline/decision-store'
import type { EnforcementDecision } from '@wardline/events'
import { PROMISE_MS, type ReviewReason } from '@wardline/review'
import { type Html, html } from '../html.ts'
import type { TextKey } from '../texts.ts'
import { decisionFacts, historyCard, statementCard, textCard, whyCard } from './decisions.ts'
import {
  accountLink,
  category,
  csrfField,
  decisionHead,
  decisionRow,
  duration,
  numeric,
  riskBar,
  shortId,
  table,
  time,
  verdictChip,
} from './parts.ts'
import type { View } from './view.ts'
import { mayIn } from './view.ts'

/** Short codes that go with an overturn; review.verdicts takes no texts. */
export const OVERTURN_REASONS = [
  'no_violation',
  'wrong_category',
  'too_severe',
  'known_context',
  'wrong_account',
] as const

const SHOWN = 60

/** The queue as a list. */
export function queuePage(
  view: View,
  entries: readonly QueueEntry[],
  verdictOf: (entry: QueueEntry) => EnforcementDecision | undefined,
): Html {
  const { t, now } = view
  const counts = Map.groupBy(entries, ({ reason }) => reason)
  const free = entries.some(({ claimedBy }) => claimedBy === null || claimedBy === view.user.name)
  return html`<div class="bar"><h1>${t('review.title')} <span class="soft">${t('review.waits', entries.length)}</span></h1>
<p class="chips">${(['hold', 'appeal', 'sample'] as const).map(
    (reason) =>
      html`<span class="chip note">${t(`review.reason.${reason}`)} ${counts.get(reason)?.length ?? 0}</span> `,
  )}</p>${mayIn(view, 'review') && free ? nextForm(view, true) : ''}<button type="button" class="plain help" data-open="keys" data-key="?">${t('review.keys')} <kbd>?</kbd></button></div>
${
  entries.length === 0
    ? html`<p class="empty">${t('review.empty')}</p>`
    : html`${free ? '' : html`<p class="empty">${t('review.allClaimed')}</p>`}
${table(
  [
    t('review.why'),
    numeric(t('review.since')),
    t('col.verdict'),
    t('col.category'),
    numeric(t('col.risk')),
    t('col.kind'),
    t('col.account'),
    t('review.inHand'),
  ],
  entries.slice(0, SHOWN).flatMap((entry) => {
    const decision = verdictOf(entry)
    if (!decision) return []
    const waited = now - entry.since
    return [
      html`<tr><td><a href="/review/${encodeURIComponent(entry.decisionId)}">${t(`review.reason.${entry.reason}`)}</a></td><td class="n${waited > PROMISE_MS ? ' over' : ''}">${duration(t, Math.max(0, waited))}</td><td>${verdictChip(t, decision.verdict)}</td><td>${category(t, decision.category)}</td><td class="n">${riskBar(decision.risk)}</td><td>${t.of('kind', decision.kind)}</td><td>${accountLink(decision.actorId)}</td><td>${entry.claimedBy ?? html`<span class="soft">–</span>`}</td></tr>`,
    ]
  }),
  { caption: t('review.title'), className: 'queue' },
)}`
}
${keysDialog(view)}`
}

const nextForm = (view: View, primary: boolean): Html =>
  html`<form method="post" action="/review/next" data-key="n">${csrfField(view)}<button class="${primary ? 'primary' : ''}">${view.t('review.next')} <kbd>n</kbd></button></form>`

/** What a reviewer decides about, and how. */
export interface ReviewedItem {
  readonly history: DecisionHistory
  readonly reason: ReviewReason | null
  readonly since: number
  readonly claim: { readonly by: string; readonly until: number } | null
  /** Why no verdict can be given any more; null: it can. */
  readonly settled: TextKey | null
  /** Other decisions on this account, newest first. */
  readonly earlier: readonly StoredDecision[]
}

export function itemPage(view: View, item: ReviewedItem): Html {
  const { t } = view
  const { history, reason, since, claim, settled, earlier } = item
  const decision = history.all.at(-1)!
  const mine = claim?.by === view.user.name
  const at = `/review/${encodeURIComponent(decision.decisionId)}`
  return html`<h1>${t('review.title')} ${shortId(decision.decisionId)}</h1>
<div class="bar" role="group" aria-label="${t('review.title')}">
${
  settled !== null
    ? html`<p>${t(settled)}</p>${mayIn(view, 'review') ? nextForm(view, true) : ''}`
    : !mayIn(view, 'review')
      ? html`<p class="soft">${t('error.forbidden')}</p>`
      : mine
        ? html`<button type="button" class="primary" data-open="uphold" data-key="u">${t('review.uphold')} <kbd>u</kbd></button>
<button type="button" class="danger" data-open="overturn" data-key="o">${t('review.overturn')} <kbd>o</kbd></button>
${withoutScripts(view, at)}<form method="post" action="${at}/skip" data-key="s">${csrfField(view)}<button>${t('review.skip')} <kbd>s</kbd></button></form>
<span class="soft">${claim && html`${t('review.until', '')}${time(view, claim.until)}`}</span>`
        : claim
          ? html`<p>${t('review.notYours', claim.by)}</p>${nextForm(view, false)}`
          : html`<form method="post" action="${at}/claim" data-key="n">${csrfField(view)}<button class="primary">${t('review.take')} <kbd>n</kbd></button></form>`
}
<button type="button" class="plain help" data-open="keys" data-key="?">${t('review.keys')} <kbd>?</kbd></button></div>
${
  reason === null
    ? ''
    : html`<p><span class="chip hold">${t(`review.reason.${reason}`)}</span> ${view.now - since > PROMISE_MS ? html`<span class="chip grave">${t('review.overdue')}</span> ` : ''}<span class="soft">${t('review.since')} ${duration(t, Math.max(0, view.now - since))}</span></p>`
}
<div class="columns-2"><div>
${textCard(view, decision)}
<section class="card" data-account="/accounts/${encodeURIComponent(decision.actorId)}">${decisionFacts(view, decision)}</section>
${statementCard(view, decision)}
</div><div>
${whyCard(view, decision, history.assessment)}
${historyCard(view, history)}
<section class="card"><h2>${t('review.history')}</h2>${
    earlier.length === 0
      ? html`<p class="soft">${t('nothing')}</p>`
      : table(
          decisionHead(t, { short: true }),
          earlier.map((each) => decisionRow(view, each, { short: true })),
          { caption: t('review.history'), className: 'decisions' },
        )
  }</section></div></div>
${mine && settled === null ? verdictDialogs(view, at) : ''}${keysDialog(view)}`
}

/** The dialogs open by script. */
const withoutScripts = (view: View, at: string): Html =>
  html`<noscript><form method="post" action="${at}/verdict">${csrfField(view)}<select name="reason" aria-label="${view.t('review.reason')}">${OVERTURN_REASONS.map(
    (reason) => html`<option value="${reason}">${view.t(`review.reason.${reason}`)}</option>`,
  )}</select> <button name="outcome" value="UPHELD">${view.t('review.uphold')}</button> <button name="outcome" value="OVERTURNED">${view.t('review.overturn')}</button></form></noscript>`

function verdictDialogs(view: View, at: string): Html {
  const { t } = view
  return html`<dialog id="uphold" aria-labelledby="uphold-title"><form method="post" action="${at}/verdict">${csrfField(view)}<input type="hidden" name="outcome" value="UPHELD"><h2 id="uphold-title">${t('review.confirm.uphold')}</h2><p>${t('review.confirm.uphold.hint')}</p><p class="buttons"><button class="primary" autofocus>${t('review.uphold')} <kbd>↵</kbd></button><button type="button" data-close>${t('cancel')} <kbd>esc</kbd></button></p></form></dialog>
<dialog id="overturn" aria-labelledby="overturn-title"><form method="post" action="${at}/verdict">${csrfField(view)}<input type="hidden" name="outcome" value="OVERTURNED"><h2 id="overturn-title">${t('review.confirm.overturn')}</h2><p>${t('review.confirm.overturn.hint')}</p>
<fieldset><legend>${t('review.reason')}</legend>${OVERTURN_REASONS.map(
    (reason, i) =>
      html`<label class="check"><input type="radio" name="reason" value="${reason}"${i === 0 ? html` checked autofocus` : ''} data-digit="${i + 1}"> <kbd>${i + 1}</kbd> ${t(`review.reason.${reason}`)}</label>`,
  )}</fieldset><p class="buttons"><button class="danger">${t('review.overturn')} <kbd>↵</kbd></button><button type="button" data-close>${t('cancel')} <kbd>esc</kbd></button></p></form></dialog>`
}

function keysDialog({ t }: View): Html {
  const keys: readonly (readonly [string, TextKey])[] = [
    ['n', 'review.key.next'],
    ['t', 'review.key.text'],
    ['u', 'review.key.uphold'],
    ['o', 'review.key.overturn'],
    ['s', 'review.key.skip'],
    ['a', 'review.key.account'],
    ['?', 'review.key.help'],
  ]
  return html`<dialog id="keys" aria-labelledby="keys-title"><h2 id="keys-title">${t('review.keys')}</h2><dl class="keys">${keys.map(
    ([key, text]) => html`<div><dt><kbd>${key}</kbd></dt><dd>${t(text)}</dd></div>`,
  )}</dl><form method="dialog"><button autofocus>${t('back')} <kbd>esc</kbd></button></form></dialog>`
}
