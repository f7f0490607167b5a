import type { LetterContent } from '@wardline/dead-letters'
import type { LetterGroup, StoredLetter } from '@wardline/decision-store'
import { type Html, html } from '../html.ts'
import { confirmed, csrfField, facts, numeric, table, time } from './parts.ts'
import { mayIn, type View } from './view.ts'

/** Whether this console may replay at the broker. */
export interface ReplayAccess {
  readonly canReplay: boolean
}

export function lettersPage(view: View, groups: readonly LetterGroup[]): Html {
  const { t } = view
  return html`<h1>${t('letters.title')}</h1>
${
  groups.length === 0
    ? html`<p class="empty">${t('letters.none')}</p>`
    : table(
        [
          t('letters.stage'),
          t('letters.reason'),
          t('letters.error'),
          t('letters.from'),
          numeric(t('letters.open')),
          numeric(t('letters.replayed')),
          t('letters.last'),
        ],
        groups.map(
          (group) =>
            html`<tr><td>${group.stage}</td><td><a href="/dead-letters/${group.stage}/${encodeURIComponent(group.reason)}">${group.reason}</a></td><td class="error">${group.error}</td><td>${group.fromTopic}</td><td class="n">${group.letters - group.replayed}</td><td class="n soft">${group.replayed}</td><td>${time(view, group.lastAt)}</td></tr>`,
        ),
        { caption: t('letters.title') },
      )
}`
}

export function letterGroupPage(
  view: View,
  stage: string,
  reason: string,
  letters: readonly StoredLetter[],
  access: ReplayAccess,
): Html {
  const { t } = view
  const open = letters.filter(({ replayed }) => !replayed).length
  return html`<h1>${t('letters.title')}: ${stage}, ${reason}</h1>
${open > 0 ? replayControl(view, access, { stage, reason }, t('letters.replay.all', open), `--stage ${stage} --reason ${reason}`) : ''}
${table(
  [
    t('letters.place'),
    t('col.time'),
    t('letters.error'),
    t('letters.from'),
    numeric(t('letters.bytes')),
    t('letters.replayed'),
  ],
  letters.map(
    (letter) =>
      html`<tr><td><a href="/dead-letters/${letter.stage}/${letter.partition}/${letter.offset}"><code>${letter.partition}/${letter.offset}</code></a></td><td>${time(view, letter.at)}</td><td class="error">${letter.error}</td><td><code>${letter.from.topic}/${letter.from.partition}/${letter.from.offset}</code></td><td class="n">${letter.bytes}</td><td>${letter.replayed ? t('yes') : t('no')}</td></tr>`,
  ),
  { caption: t('letters.title') },
)}`
}

export function letterPage(view: View, letter: StoredLetter, access: ReplayAccess): Html {
  const { t } = view
  const place = `${letter.stage}/${letter.partition}/${letter.offset}`
  return html`<h1>${t('letters.one')} <code>${place}</code></h1>
<section class="card">${facts([
    [t('letters.reason'), letter.reason],
    [t('letters.error'), letter.error],
    [
      t('letters.from'),
      html`<code>${letter.from.topic}/${letter.from.partition}/${letter.from.offset}</code>`,
    ],
    [t('col.time'), time(view, letter.at, true)],
    [t('letters.bytes'), letter.bytes],
    [t('letters.replayed'), letter.replayed ? t('yes') : t('no')],
  ])}${letter.replayed ? '' : replayControl(view, access, { place: `${letter.partition}/${letter.offset}`, stage: letter.stage }, t('letters.replay'), place)}</section>
<section class="card text" data-text><h2>${t('letters.content')}</h2>${
    mayIn(view, 'openDeadLetters')
      ? html`<div data-text-place><p class="veil" aria-hidden="true"><span></span><span></span><span></span></p><p class="soft">${t('letters.content.hidden')}</p></div><form method="post" action="/dead-letters/${place}/content" data-text-form>${csrfField(view)}<button data-show="${t('letters.content.show')}" data-hide="${t('decision.text.hide')}">${t('letters.content.show')}</button></form>`
      : html`<p class="soft">${t('letters.content.role')}</p>`
  }</section>`
}

function replayControl(
  view: View,
  { canReplay }: ReplayAccess,
  fields: Readonly<Record<string, string>>,
  label: string,
  argument: string,
): Html | false {
  const { t } = view
  if (!mayIn(view, 'replay')) return false
  return canReplay
    ? confirmed(view, '/dead-letters/replay', label, t('letters.replay.hint'), fields)
    : html`<p class="soft">${t('letters.replay.login')} <code>bin/wardline dlq replay ${argument}</code></p>`
}

const HEAD_BYTES = 512

/** The bytes of a letter and what they say, as far as they can be decoded. */
export function letterContent(
  view: Pick<View, 't'>,
  letter: LetterContent | undefined,
  decoded: unknown,
): Html {
  const { t } = view
  if (!letter) return html`<p class="soft">${t('error.notFound')}</p>`
  const { key, value, headers } = letter.message
  const hex =
    value
      ?.subarray(0, HEAD_BYTES)
      .toString('hex')
      .replace(/(.{2})/g, '$1 ') ?? ''
  return html`<h3>${t('letters.decoded')}</h3><pre>${JSON.stringify(decoded, null, 2)}</pre>
<h3>${t('letters.key')}</h3><pre>${key?.toString('utf8') ?? '–'}</pre>
<h3>${t('letters.headers')}</h3><pre>${Object.entries(headers ?? {})
    .map(([name, each]) => `${name}: ${String(each)}`)
    .join('\n')}</pre>
<h3>${t('letters.bytes')}</h3><pre class="hex">${hex}${value && value.length > HEAD_BYTES ? '…' : ''}</pre>`
}
