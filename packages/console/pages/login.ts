import { type Html, html } from '../html.ts'
import type { Translator } from '../texts.ts'

export const loginContent = (
  t: Translator,
  csrf: string,
  wrong: boolean,
): Html => html`<h1>${t('login.title')}</h1>
${wrong ? html`<p class="notice warn" role="alert">${t('login.wrong')}</p>` : ''}
<form method="post" action="/login" id="login"><input type="hidden" name="_csrf" value="${csrf}"><label>${t('login.token')}<input name="token" type="password" autocomplete="current-password" required autofocus></label><button class="primary">${t('login.submit')}</button></form>
<p class="soft">${t('login.hint')}</p>`
