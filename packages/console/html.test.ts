import { expect, it } from 'vitest'
import { html } from './html.ts'

it('escapes every value, in text and in attributes, and no markup of its own', () => {
  const hostile = `"><script>alert('x')</script>&`
  expect(html`<a title="${hostile}">${hostile}</a>`.text).toBe(
    '<a title="&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;">&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;</a>',
  )
  expect(html`<ul>${['<', '>'].map((each) => html`<li>${each}</li>`)}</ul>`.text).toBe(
    '<ul><li>&lt;</li><li>&gt;</li></ul>',
  )
  expect(html`${null}${undefined}${false}${0}${[]}`.text).toBe('0')
})
