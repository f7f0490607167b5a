import { type Html, html, type Part } from '../html.ts'
import type { TextKey } from '../texts.ts'
import { mayIn, type View } from './view.ts'

const PAGES: readonly (readonly [path: string, text: TextKey])[] = [
  ['/', 'nav.live'],
  ['/decisions', 'nav.decisions'],
  ['/review', 'nav.review'],
  ['/policy', 'nav.policy'],
  ['/sections', 'nav.sections'],
  ['/dead-letters', 'nav.deadLetters'],
  ['/report', 'nav.report'],
]

const isCurrent = (at: string, path: string) =>
  path === '/' ? at === '/' : at === path || at.startsWith(`${path}/`)

function documentOf(language: string, title: string, body: Part, scripts: readonly string[]): string {
  return html`<!doctype html>
<html lang="${language === 'zh' ? 'zh-CN' : 'en'}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · Wardline</title>
<link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/assets/console.css">
${scripts.map((name) => html`<script type="module" src="/assets/${name}"></script>`)}
</head>
${body}
</html>
`.text
}

/** A whole page. `scripts`: modules of browser/ that it loads. */
export function page(view: View, title: string, content: Html, scripts: readonly string[] = []): string {
  const { t, path } = view
  const at = path.split('?', 1)[0]!
  const pages = mayIn(view, 'readAudit') ? [...PAGES, ['/audit', 'nav.audit'] as const] : PAGES
  const body = html`<body>
<a class="skip" href="#content">${t('skip')}</a>
<header>
<a class="brand" href="/"><svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true"><path d="M8 1 14 3v5c0 4-3 6-6 7-3-1-6-3-6-7V3z"/></svg>Wardline</a>
<nav aria-label="${t('nav')}">${pages.map(
    ([href, text]) =>
      html`<a href="${href}"${isCurrent(at, href) ? html` aria-current="page"` : ''}>${t(text)}${
        href === '/review' && view.waiting > 0 ? html` <span class="count">${view.waiting}</span>` : ''
      }</a>`,
  )}</nav>
<form class="find" method="get" action="/accounts" role="search"><input name="id" aria-label="${t('account.find')}" placeholder="${t('account.find')}" autocomplete="off"></form>
<form class="who" method="post" action="/language"><input type="hidden" name="_csrf" value="${view.csrf}"><input type="hidden" name="back" value="${path}"><button class="plain" name="to" value="${t.language === 'en' ? 'zh' : 'en'}" lang="${t.language === 'en' ? 'zh-CN' : 'en'}">${t('language.other')}</button></form>
<form class="who" method="post" action="/logout"><input type="hidden" name="_csrf" value="${view.csrf}"><span class="user">${view.user.name}</span> <button class="plain">${t('signOut')}</button></form>
</header>
<main id="content" tabindex="-1">
${view.health.ready ? '' : html`<p class="notice warn" role="status">${t('store.behind', view.health.reason)}</p>`}
${view.notice === null ? '' : html`<p class="notice" role="status">${view.notice}</p>`}
${content}
</main>
<footer>${t('times', view.timeZone)}</footer>
</body>`
  return documentOf(t.language, title, body, scripts)
}

/** A page for somebody who is not signed in, or about something that did not work. */
export const barePage = (
  language: string,
  title: string,
  content: Html,
  scripts: readonly string[] = [],
): string =>
  documentOf(
    language,
    title,
    html`<body class="bare"><main id="content"><p class="brand"><svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true"><path d="M8 1 14 3v5c0 4-3 6-6 7-3-1-6-3-6-7V3z"/></svg>Wardline</p>${content}</main></body>`,
    scripts,
  )
