import { CATEGORY_SYMBOLS } from '@wardline/events'
import { describe, expect, it } from 'vitest'
import { allTexts, languageOf, translator } from './texts.ts'

describe('texts', () => {
  it('say the same in both languages, each with its own punctuation', () => {
    const places = (text: string) => (text.match(/\{\d\}/g) ?? []).sort()
    for (const [key, [en, zh]] of Object.entries(allTexts)) {
      expect(en, key).not.toBe('')
      expect(zh, key).not.toBe('')
      expect(places(zh), key).toEqual(places(en))
      expect(zh, key).not.toMatch(/\p{Script=Han}[,;:?!]|\p{Script=Han}\.$/u)
    }
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
