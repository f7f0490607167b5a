import { describe, expect, it } from 'vitest'
import { fitLogistic } from './logistic.ts'
import { bestThreshold, measure } from './measure.ts'
import { SentinelIndex, skewness } from './sentinel.ts'

describe('measure', () => {
  it('counts conversations, and messages of those that were found', () => {
    const found = (messages: number) => ({ harmful: true, found: { messages, telling: 1 } })
    const outcomes = [found(3), found(9), { harmful: true, found: null }, { harmful: false, found: null }]
    const alarm = { harmful: false, found: { messages: 1, telling: 0 } }
    expect(measure([...outcomes, alarm])).toMatchObject({
      precision: 2 / 3,
      recall: 2 / 3,
      messages: 9,
      harmful: 3,
    })
    expect(measure(outcomes)).toMatchObject({ precision: 1, recall: 2 / 3, f1: 0.8 })
  })

  it('finds the threshold with the best F1', () => {
    const scored = [0.9, 0.8, 0.4].map((score) => ({ harmful: true, score }))
    const threshold = bestThreshold([
      ...scored,
      { harmful: false, score: 0.3 },
      { harmful: false, score: 0.85 },
    ])
    expect(threshold).toBeGreaterThan(0.3)
    expect(threshold).toBeLessThan(0.4)
  })
})

describe('the rare-class score', () => {
  it('is the mean less the median over the deviation, from ten messages on', () => {
    const scores = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1]
    expect(skewness(scores, 10)).toBeCloseTo(0.2 / 0.4)
    expect(skewness(scores.slice(1), 10)).toBe(0)
    expect(skewness(new Array(10).fill(0.5), 10)).toBe(0)
  })

  it('is higher for a message near the rare class, and 0 near the common one', () => {
    const index = new SentinelIndex(
      ['别告诉爸妈', '我们的秘密别说出去'],
      ['作业写完了吗', '明天一起上学', '今天吃什么', '这首歌好听'],
    )
    expect(index.observe('这个秘密别告诉别人')).toBeGreaterThan(0.1)
    expect(index.observe('今天作业写完了')).toBe(0)
  })
})

describe('fitLogistic', () => {
  it('keeps each weight within its factor of the prior', () => {
    const samples = Array.from({ length: 40 }, (_, i) => ({
      features: [i % 2, 1 - (i % 2)],
      harmful: i % 2 === 1,
      weight: 1,
    }))
    const { weights } = fitLogistic(samples, [1, -1], { factor: 2, rounds: 500 })
    expect(weights[0]).toBeCloseTo(2)
    expect(weights[1]).toBeCloseTo(-2)
  })
})
