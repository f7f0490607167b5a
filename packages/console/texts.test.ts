import { CATEGORY_SYMBOLS } from '@wardline/events'
import { describe, expect, it } from 'vitest'
import { allTexts, languageOf, translator } from './texts.ts'

describe('texts', () => {
  it.each(Object.entries(allTexts))('%s says the same in both languages', (_, [en, zh]) => {
    expect(en).not.toBe('')
    expect(zh).not.toBe('')
    const places = (text: string) => (text.match(/\{\d\}/g) ?? []).sort()
    expect(places(zh)).toEqual(places(en))
    // Chinese sentences take Chinese punctuation.
    if (/\p{Script=Han}/u.test(zh)) expect(zh).not.toMatch(/\p{Script=Han}[,;:?!]|\p{Script=Han}\.$/u)
  })

  it('has a name for every category, in both', () => {
    for (const language of ['en', 'zh'] as const)
      for (const category of CATEGORY_SYMBOLS)
        expect(allTexts, `${language} ${category}`).toHaveProperty([`category.${category}`])
    expect(translator('zh').of('verdict', 'HIDE')).toBe('屏蔽')
    expect(translator('en').of('verdict', 'OF_A_NEWER_VERSION')).toBe('OF_A_NEWER_VERSION')
  })

  it('takes the first language that the browser asks for', () => {
    expect(languageOf('fr, zh-CN;q=0.9, en;q=0.8')).toBe('zh')
    expect(languageOf('en-GB, zh')).toBe('en')
    expect(languageOf(undefined)).toBe('en')
  })
})
