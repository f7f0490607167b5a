import { makeForms } from '@wardline/text'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CONFIDENCE, createTermMatcher, type MatcherPolicy, TermHits } from './term-matcher.ts'

const TERMS = [
  '加微信',
  '傻逼',
  '时时彩计划',
  'shit',
  '叶子',
  'free money',
  '出售冰毒',
  '色色',
  '镁油',
  '心系',
]
const policy: MatcherPolicy = {
  terms: TERMS.map((term, i) => ({ term, weight: 0.75, rules: [i] })),
  allow: ['树叶子', '加微信息', '叶子好看的树'],
  negations: [
    { term: '不要', weight: 0.5 },
    { term: '不要脸', weight: 1 },
  ],
  contexts: [{ term: '警方', weight: 0.6 }],
}
const matcher = createTermMatcher(policy)
const match = (text: string) => {
  const hits = new TermHits(TERMS.length)
  matcher.match(text, makeForms(text), hits, true)
  return hits.found.map((term) => ({
    term: TERMS[term],
    confidence: hits.confidence(term),
    spans: Array.from({ length: hits.ranges(term).length / 2 }, (_, i) =>
      text.slice(hits.ranges(term)[i * 2], hits.ranges(term)[i * 2 + 1]),
    ),
  }))
}

describe('confidence falls with the distance from what was written', () => {
  it.each([
    ['快加微信吧', '加微信', CONFIDENCE.exact, '加微信'],
    ['快加.微.信吧', '加微信', CONFIDENCE.folded, '加.微.信'],
    ['快家威芯吧', '加微信', CONFIDENCE.shortHomophone, '家威芯'],
    ['jiaweixin', '加微信', CONFIDENCE.pinyin, 'jiaweixin'],
    ['shishicai计划', '时时彩计划', CONFIDENCE.pinyin, 'shishicai计划'],
    ['湿湿菜计画', '时时彩计划', CONFIDENCE.homophone, '湿湿菜计画'],
    ['你这个shabi', '傻逼', CONFIDENCE.shortPinyin, 'shabi'],
    ['快微加信吧', '加微信', CONFIDENCE.shortSwapped, '微加信'],
    ['出售毒冰', '出售冰毒', CONFIDENCE.swapped, '出售毒冰'],
    ['sh1t happens', 'shit', CONFIDENCE.leet, 'sh1t'],
    ['get fr33 m0ney now', 'free money', CONFIDENCE.leet, 'fr33 m0ney'],
    ['jwx', '加微信', CONFIDENCE.shortInitials, 'jwx'],
    ['csbd 吗', '出售冰毒', CONFIDENCE.initials, 'csbd'],
  ])('%s', (text, term, confidence, span) => {
    const hit = match(text).find((h) => h.term === term)
    expect(hit?.confidence).toBeCloseTo(confidence, 10)
    expect(hit?.spans).toContain(span)
  })
})

it.each(['湿湿的', '杀币', 'jwxy', 'shitake', 'mishits', '加微信息', '树叶子', 'sh1take'])(
  'nothing in %s',
  (text) => {
    expect(match(text)).toEqual([])
  },
)

it('does not read everyday words in Latin letters as a listed term of the same sound, unless only a part is in Latin letters', () => {
  expect(match('wo meiyou xinxi')).toEqual([])
  expect(match('wo mei you xin xi')).toEqual([])
  expect(match('心xi').map(({ term }) => term)).toEqual(['心系'])
})

it('takes less from a hit that a negation or a report is about, never all', () => {
  expect(match('不要加微信')[0]!.confidence).toBeCloseTo(0.5)
  expect(match('不要脸，加微信')[0]!.confidence).toBeCloseTo(1)
  expect(match('不要走，加微信')[0]!.confidence).toBeCloseTo(1)
  expect(match('警方说有人加微信')[0]!.confidence).toBeCloseTo(0.6)
  expect(match('警方：不要加微信')[0]!.confidence).toBeCloseTo(0.3)
})

it('takes an emoticon said again and again for a face, and brackets between the characters of a term for disguise', () => {
  expect(match('太好看了[色][色][色]')).toEqual([])
  expect(match('好色色')[0]!.term).toBe('色色')
  expect(match('[加][微][信]')[0]!.term).toBe('加微信')
})

it('shields what lies inside of an allow-phrase, and nothing else', () => {
  const word = fc.constantFrom('叶子', '树', '好看的', '的', '树叶子', '叶子好看的树')
  fc.assert(
    fc.property(fc.array(word, { maxLength: 20 }), (words) => {
      const text = words.join('')
      const allowed = ['树叶子', '叶子好看的树'].flatMap((phrase) => {
        const ranges: [number, number][] = []
        for (let at = text.indexOf(phrase); at !== -1; at = text.indexOf(phrase, at + 1))
          ranges.push([at, at + phrase.length])
        return ranges
      })
      let expected = false
      for (let at = text.indexOf('叶子'); at !== -1; at = text.indexOf('叶子', at + 1))
        if (!allowed.some(([from, to]) => from <= at && at + 2 <= to)) expected = true
      expect(match(text).some(({ term }) => term === '叶子')).toBe(expected)
    }),
  )
})
