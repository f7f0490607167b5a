import type { Assessment, DecisionFilter, DecisionHistory, DecisionPage } from '@wardline/decision-store'
import {
  CATEGORY_SYMBOLS,
  type EnforcementDecision,
  type FeedEvent,
  type ReviewVerdict,
  type UserReport,
} from '@wardline/events'
import { type Html, html, type Part } from '../html.ts'
import type { Translator } from '../texts.ts'
import {
  accountLink,
  category,
  code,
  decisionHead,
  decisionLink,
  decisionRow,
  duration,
  facts,
  riskBar,
  shortId,
  table,
  time,
  verdictChip,
} from './parts.ts'
import { mayIn, type View } from './view.ts'

export const VERDICTS = [
  'ALLOW',
  'ALLOW_NOT_YOUTH',
  'LIMIT_REACH',
  'HIDE',
  'REMOVE',
  'HOLD_FOR_REVIEW',
  'HOLD_SECTION_SUSPENDED',
] as const
export const TYPES = ['DECISION', 'FOLLOW_UP', 'REVERSAL'] as const

export function decisionsPage(view: View, filter: DecisionFilter, found: DecisionPage): Html {
  const { t } = view
  const choice = (
    name: keyof DecisionFilter,
    label: string,
    options: readonly (readonly [string, string])[],
  ) =>
    html`<label>${label}<select name="${name}"><option value="">${t('decisions.any')}</option>${options.map(
      ([value, text]) =>
        html`<option value="${value}"${filter[name] === value ? html` selected` : ''}>${text}</option>`,
    )}</select></label>`
  const text = (name: keyof DecisionFilter, label: string) =>
    html`<label>${label}<input name="${name}" value="${String(filter[name] ?? '')}" autocomplete="off"></label>`
  const query = (change: Record<string, string>) => {
    const given = Object.entries(filter).flatMap(([name, value]): [string, string][] =>
      value === undefined || value === false ? [] : [[name, value === true ? '1' : String(value)]],
    )
    return new URLSearchParams({ ...Object.fromEntries(given), ...change }).toString()
  }
  return html`<h1>${t('decisions.title')}</h1>
<form class="filter" method="get" action="/decisions">
${choice(
  'verdict',
  t('col.verdict'),
  VERDICTS.map((each) => [each, t.of('verdict', each)]),
)}
${choice(
  'category',
  t('col.category'),
  CATEGORY_SYMBOLS.filter((each) => each !== 'unclassified').map((each) => [each, t.of('category', each)]),
)}
${choice(
  'type',
  t('col.type'),
  TYPES.map((each) => [each, t.of('type', each)]),
)}
${text('actor', t('col.account'))}${text('rule', t('decisions.rule'))}
<label class="check"><input type="checkbox" name="notable" value="1"${filter.notable ? html` checked` : ''}>${t('decisions.notable')}</label>
<button class="primary">${t('apply')}</button>
</form>
${
  found.decisions.length === 0
    ? html`<p class="empty">${t('decisions.none')}</p>`
    : table(
        decisionHead(t),
        found.decisions.map((each) => decisionRow(view, each)),
        { caption: t('decisions.title'), className: 'decisions' },
      )
}
<p class="pager"><a href="/decisions?${query({})}">${t('newest')}</a>${found.older === null ? '' : html` <a href="/decisions?${query({ before: String(found.older) })}" rel="next">${t('older')} →</a>`}</p>`
}

/** Everything about one decision: its facts, why, the statement, what came before and after. */
export function decisionPageContent(view: View, history: DecisionHistory): Html {
  const { t } = view
  const { decision, all } = history
  const standing = all.at(-1)!
  return html`<h1>${t('decision.title')} ${shortId(decision.decisionId)}</h1>
${
  standing.decisionId === decision.decisionId
    ? ''
    : html`<p class="notice">${t('decision.replaced', '')}${decisionLink(standing.decisionId, html`${t.of('type', standing.type)}: ${t.of('verdict', standing.verdict)}`)}</p>`
}
<div class="columns-2"><div>
<section class="card">${decisionFacts(view, decision)}</section>
${textCard(view, decision)}
${statementCard(view, decision)}
</div><div>
${whyCard(view, decision, history.assessment)}
${historyCard(view, history)}
</div></div>`
}

export function decisionFacts(view: View, decision: EnforcementDecision): Html {
  const { t } = view
  const { youthPool, heldVerdict, actionSeconds, accountAction, noticeTo } = decision
  const youth = youthPool.eligible
    ? youthPool.fromAge
      ? t('decision.youth.from', youthPool.fromAge)
      : t('decision.youth.all')
    : t('decision.youth.no', youthPool.reasons.join(', '))
  return facts([
    [
      t('col.verdict'),
      html`${verdictChip(t, decision.verdict)} ${decision.type === 'DECISION' ? '' : html`<span class="type">${t.of('type', decision.type)}</span>`}${
        heldVerdict
          ? html` <span class="soft">${t('decision.would', t.of('verdict', heldVerdict))}</span>`
          : ''
      }`,
    ],
    [t('col.category'), html`${category(t, decision.category)} ${riskBar(decision.risk)}`],
    accountAction !== 'NONE' && [
      t('col.action'),
      html`<span class="action">${t.of('action', accountAction)}</span>${actionSeconds === null ? '' : html` <span class="soft">${t('decision.duration', duration(t, actionSeconds * 1_000))}</span>`}${noticeTo.length > 0 ? html` → ${noticeTo.map((each) => accountLink(each))}` : ''}`,
    ],
    [t('decision.what'), html`${t.of('kind', decision.kind)} · ${decision.section}`],
    [t('col.account'), accountLink(decision.actorId)],
    decision.protectedId !== decision.actorId && [t('decision.protected'), accountLink(decision.protectedId)],
    [t('decision.occurred'), time(view, decision.occurredAt, true)],
    [
      t('decision.decided'),
      html`${time(view, decision.decidedAt, true)} <span class="soft">${t('decision.after', decision.decidedAt - decision.feedAppendedAt)}</span>`,
    ],
    decision.ruleIds.length > 0 && [t('col.rules'), list(decision.ruleIds.map((each) => ruleLink(each)))],
    decision.items.length > 0 && [t('decision.items'), decision.items.join(', ')],
    decision.strikes > 0 && [t('decision.strikes'), decision.strikes],
    [t('decision.youth'), youth],
    decision.review.length > 0 && [t('review.why'), decision.review.join(', ')],
    [
      t('decision.policy'),
      html`${code(decision.policyVersion)}${decision.enforcementVersion === decision.policyVersion ? '' : html` / ${code(decision.enforcementVersion)}`}`,
    ],
    decision.modelVersion !== null && [t('decision.model'), code(decision.modelVersion)],
    [t('decision.event'), code(decision.eventId)],
    [t('decision.place'), code(`${decision.feedPartition}/${decision.feedOffset}`)],
  ])
}

const ruleLink = (rule: string): Html =>
  html`<a href="/decisions?rule=${encodeURIComponent(rule)}"><code>${rule}</code></a>`
const list = (parts: readonly Part[]): Html =>
  html`${parts.map((each, i) => html`${i === 0 ? '' : ', '}${each}`)}`

/** The text, hidden until it is asked for. text.js puts the answer of the form in its place; without scripts it is a page. */
export function textCard(view: View, decision: EnforcementDecision): Html {
  const { t } = view
  return html`<section class="card text" data-text><h2>${t('decision.text')}</h2>${
    mayIn(view, 'readText')
      ? html`<div data-text-place><p class="veil" aria-hidden="true"><span></span><span></span><span></span></p><p class="soft">${t('decision.text.hidden')}</p></div>
<form method="post" action="/decisions/${encodeURIComponent(decision.decisionId)}/text" data-text-form><input type="hidden" name="_csrf" value="${view.csrf}"><button data-show="${t('decision.text.show')}" data-hide="${t('decision.text.hide')}">${t('decision.text.show')}</button></form>`
      : html`<p class="soft">${t('decision.text.role')}</p>`
  }</section>`
}

/** The text with the places that rules point to. Spans are UTF-16 offsets of the original text. */
export function revealedText(
  t: Translator,
  event: FeedEvent | undefined,
  assessment: Assessment | undefined,
): Html {
  if (!event) return html`<p class="soft">${t('decision.text.gone')}</p>`
  const { text, searchQuery, media, links } = event
  return html`${
    text === ''
      ? html`<p class="soft">${t('decision.text.none')}</p>`
      : html`<blockquote class="original" lang="zh">${marked(text, assessment)}</blockquote>`
  }${facts([
    searchQuery !== null && [t('decision.query'), searchQuery],
    media.length > 0 && [
      t('decision.media'),
      html`<ul class="plain">${media.map(({ type, mediaId, labels }) => html`<li>${type} <code>${mediaId}</code>${labels.map(({ label, score }) => html` <span class="soft">${label} ${score.toFixed(2)}</span>`)}</li>`)}</ul>`,
    ],
    links.length > 0 && [t('decision.links'), html`${links.map((each) => html`<code>${each}</code> `)}`],
  ])}`
}

/** Overlapping spans are one mark with all their rules. */
export function marked(text: string, assessment: Assessment | undefined): Html {
  const marks: { start: number; end: number; rules: string[] }[] = []
  const spans = (assessment?.ruleHits ?? [])
    .flatMap(({ ruleId, spans }) => spans.map(({ start, end }) => ({ start, end, rules: [ruleId] })))
    .filter(({ start, end }) => start < end && end <= text.length)
    .sort((a, b) => a.start - b.start)
  for (const span of spans) {
    const last = marks.at(-1)
    if (last && span.start < last.end) {
      last.end = Math.max(last.end, span.end)
      for (const rule of span.rules) if (!last.rules.includes(rule)) last.rules.push(rule)
    } else marks.push(span)
  }
  const parts: Part[] = []
  let at = 0
  for (const { start, end, rules } of marks) {
    parts.push(
      text.slice(at, start),
      html`<mark title="${rules.join(', ')}">${text.slice(start, end)}</mark>`,
    )
    at = end
  }
  parts.push(text.slice(at))
  return html`${parts}`
}

export function statementCard(view: View, { statement }: EnforcementDecision): Html {
  const { t } = view
  if (!statement) return html``
  const [first, second] =
    t.language === 'zh'
      ? ([
          ['zh-CN', statement.decisionFactsZh],
          ['en', statement.decisionFacts],
        ] as const)
      : ([
          ['en', statement.decisionFacts],
          ['zh-CN', statement.decisionFactsZh],
        ] as const)
  return html`<section class="card"><h2>${t('decision.statement')}</h2>
<p lang="${first[0]}">${first[1]}</p><details><summary class="soft">${t('language.other')}</summary><p lang="${second[0]}">${second[1]}</p></details></section>`
}

export function whyCard(view: View, decision: EnforcementDecision, assessment: Assessment | undefined): Html {
  const { t } = view
  const shadow =
    decision.shadowRuleIds.length > 0 &&
    html`<h3>${t('decision.shadow')}</h3><p>${list(decision.shadowRuleIds.map((each) => ruleLink(each)))}</p>`
  if (!assessment)
    return html`<section class="card"><h2>${t('decision.why')}</h2><p class="soft">${t('decision.noAssessment')}</p>${shadow}</section>`
  const { ruleHits, findings, scores, signals, approachStages } = assessment
  const { protectedIsMinor, protectedAgeBand, actorAgeBand, youthMode, usageStatus } = assessment
  return html`<section class="card"><h2>${t('decision.why')}</h2>
${facts([
  [t('decision.actorAge'), t.of('age', actorAgeBand)],
  assessment.subjectId !== null && [
    t('decision.protected'),
    html`${t.of('age', protectedAgeBand)}${protectedIsMinor ? html` <span class="chip hold">${t('decision.minor')}</span>` : ''}${youthMode ? html` <span class="chip note">${t('decision.youthMode')}</span>` : ''}`,
  ],
  usageStatus !== null && [t('decision.usage'), duration(t, usageStatus.usedSeconds * 1_000)],
])}${
  ruleHits.length > 0 &&
  html`<h3>${t('decision.hits')}</h3><ul class="plain">${ruleHits.map(
    ({ ruleId, score, mode, spans, item }) =>
      html`<li>${ruleLink(ruleId)}${mode === 'SHADOW' ? html` <span class="type">${t('decision.shadow')}</span>` : ''} ${riskBar(score)} <span class="soft">${item}${
        spans.length > 0
          ? ` · ${t(
              'decision.spans',
              spans
                .slice(0, 6)
                .map(({ start, end }) => (end - start === 1 ? `${start + 1}` : `${start + 1}–${end}`))
                .join(', '),
            )}`
          : ''
      }</span></li>`,
  )}</ul>`
}${
  findings.length > 0 &&
  html`<h3>${t('decision.findings')}</h3><ul class="plain">${findings.map(
    ({ code: name, score, item }) =>
      html`<li>${ruleLink(name)} ${riskBar(score)} <span class="soft">${item}</span></li>`,
  )}</ul>`
}${approachStages.length > 0 && html`<h3>${t('decision.stages')}</h3><ol class="stages">${approachStages.map((each) => html`<li>${each}</li>`)}</ol>`}${
  signals.length > 0 &&
  html`<h3>${t('decision.signals')}</h3><p>${signals.map((each) => html`<code>${each}</code> `)}</p>`
}${
  scores.length > 0 &&
  html`<h3>${t('decision.scores')}</h3><ul class="scores">${[...scores]
    .sort((a, b) => b.score - a.score)
    .slice(0, 6)
    .map(({ category: name, score }) => html`<li>${category(t, name)} ${riskBar(score)}</li>`)}</ul>`
}${shadow}</section>`
}

type Step =
  | { readonly at: number; readonly kind: 'event' }
  | { readonly at: number; readonly kind: 'decision'; readonly decision: EnforcementDecision }
  | { readonly at: number; readonly kind: 'verdict'; readonly verdict: ReviewVerdict }
  | { readonly at: number; readonly kind: 'report'; readonly report: UserReport }

export function historyCard(view: View, { decision, all, verdicts, reports }: DecisionHistory): Html {
  const { t } = view
  const steps: Step[] = [
    { at: decision.feedAppendedAt, kind: 'event' },
    ...all.map((each) => ({ at: each.decidedAt, kind: 'decision' as const, decision: each })),
    ...verdicts.map((verdict) => ({ at: verdict.reviewedAt, kind: 'verdict' as const, verdict })),
    ...reports.map((report) => ({ at: report.reportedAt, kind: 'report' as const, report })),
  ]
  steps.sort((a, b) => a.at - b.at)
  return html`<section class="card"><h2>${t('decision.history')}</h2><ol class="timeline">${steps.map(
    (step) =>
      html`<li>${time(view, step.at)} <span>${stepText(view, step, decision.decisionId, verdicts)}</span></li>`,
  )}</ol></section>`
}

function stepText(view: View, step: Step, shown: string, verdicts: readonly ReviewVerdict[]): Part {
  const { t } = view
  switch (step.kind) {
    case 'event':
      return t('history.event')
    case 'decision': {
      const { type, decisionId, causedBy, liftedAction } = step.decision
      const verdict = t.of('verdict', step.decision.verdict)
      const text =
        type === 'REVERSAL'
          ? t('history.reversal', verdict)
          : type === 'FOLLOW_UP'
            ? t('history.followUp', verdict)
            : t('history.decision', verdict)
      const because =
        causedBy === null
          ? ''
          : verdicts.some(({ verdictId }) => verdictId === causedBy)
            ? t('history.causedByReview')
            : t('history.causedByEvent')
      return html`${decisionId === shown ? html`<strong>${text}</strong>` : decisionLink(decisionId, text)} ${
        liftedAction === 'NONE'
          ? ''
          : html`<span class="action">${t('history.lifted', t.of('action', liftedAction))}</span> `
      }<span class="soft">${because}</span>`
    }
    case 'verdict': {
      const { outcome, reviewerId, reason } = step.verdict
      const text =
        outcome === 'CLAIMED'
          ? t('history.claimed', reviewerId)
          : outcome === 'UPHELD'
            ? t('history.upheld', reviewerId)
            : t('history.overturned', reviewerId)
      return html`${text}${reason === null ? '' : html` <code>${reason}</code>`}`
    }
    case 'report': {
      const { reporterId, reportedId, category: as } = step.report
      return reporterId === reportedId
        ? t('history.appealed')
        : html`${t('history.reported', t.of('category', as))} ${accountLink(reporterId)}`
    }
  }
}
