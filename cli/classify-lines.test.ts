import { describe, expect, it } from 'vitest'
import { classifyLine, createOfflineClassifier } from './classify-lines.ts'

const classifier = createOfflineClassifier()
const classify = (line: object | string) =>
  classifyLine(typeof line === 'string' ? line : JSON.stringify(line), classifier)

describe('classifyLine', () => {
  it('gives category, scores, rules and spans', () => {
    const text = '时时彩计划群，稳赚不赔'
    expect(classify({ text, kind: 'comment' })).toMatchObject({
      category: 'gambling',
      scores: { gambling: expect.any(Number) },
      rules: ['gambling.terms', 'gambling.model'],
      spans: expect.arrayContaining([[expect.any(Number), expect.any(Number)]]),
    })
    expect(classify({ text: '今天的作业好难' })).toEqual({
      category: 'benign',
      scores: {},
      rules: [],
      spans: [],
    })
  })

  it('takes any field of an event, and ignores what it does not know', () => {
    const media = [{ mediaId: 'm', type: 'image', labels: [{ label: 'nudity', score: 0.95 }] }]
    expect(classify({ text: '', kind: 'POST', media, id: 7, label: 'x' })).toMatchObject({
      category: 'obscene',
      rules: ['obscene.media'],
    })
  })

  it('takes a lone surrogate, an empty text and 100,000 characters', () => {
    expect(classify('{"text":"a\\ud800b"}')).toMatchObject({ category: 'benign' })
    expect(classify({ text: '' })).toMatchObject({ category: 'benign' })
    expect(classify({ text: '很长的话'.repeat(25_000) })).toMatchObject({ category: 'benign' })
  })

  it('says why a line cannot be classified', () => {
    expect(classify('{')).toEqual({ error: 'not JSON' })
    expect(classify('[]')).toEqual({ error: 'not a JSON object' })
    expect(classify({ text: 7 })).toEqual({ error: 'text: wrong type or missing' })
    expect(classify({ text: 'x', kind: 'nonsense' })).toMatchObject({
      error: expect.stringContaining('kind: must be one of'),
    })
  })
})
