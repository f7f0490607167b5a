import { describe, expect, it } from 'vitest'
import { DISGUISES, disguise, disguiseRange } from './disguise.ts'
import { Grammar, UnknownSlotError, Writer } from './grammar.ts'
import { Random, WeightedChoice } from './random.ts'

describe('disguiseRange', () => {
  it.each(DISGUISES)('%s rewrites only the range', (how) => {
    const text = '前面加微信vx1送钱妹妹视频照片后面'
    const result = disguiseRange(text, 2, text.length - 2, how, new Random(3))
    expect(result).not.toBe(text)
    expect(result.startsWith('前面')).toBe(true)
    expect(result.endsWith('后面')).toBe(true)
  })

  it('gives full-width forms that NFKC folds back', () => {
    const text = 'vx_abc 123!'
    const result = disguiseRange(text, 0, text.length, 'full_width', new Random(1))
    expect(result).not.toContain('v')
    expect(result.normalize('NFKC')).toBe(text)
  })

  it('inserts nothing but zero-width characters', () => {
    const result = disguiseRange('加我微信吧快点', 0, 7, 'zero_width', new Random(1))
    expect(result.replace(/[\u200b-\u200d\u2060\ufeff]/g, '')).toBe('加我微信吧快点')
  })
})

describe('disguise', () => {
  it('keeps the text well formed and changes the core', () => {
    const random = new Random(4)
    for (let i = 0; i < 500; i++) {
      const result = disguise('😀加微信😀🎉领钱🎉', [2, 5], random)
      expect(result.isWellFormed()).toBe(true)
      expect(result).not.toContain('加微信')
    }
  })
})

describe('grammar', () => {
  const grammar = new Grammar({
    animal: ['猫', '{colour}狗'],
    colour: ['黄', '白'],
    number: (random) => String(random.below(10)),
  })

  it('fills slots, slots within words, and made values', () => {
    const writer = new Writer(new Random(1))
    const pool = grammar.pool(['一只{animal}，编号{number}。'])
    const seen = new Set<string>()
    for (let i = 0; i < 200; i++) {
      expect(writer.write(pool)).toMatch(/^一只(猫|黄狗|白狗)，编号\d。$/)
      seen.add(writer.text.slice(2, 4))
    }
    expect(seen.size).toBe(3)
  })

  it('tells where the cores lie, marks left out', () => {
    const writer = new Writer(new Random(1))
    writer.write(grammar.pool(['快来<加微信{number}号>，<送{colour}钱>！']))
    const [a, b, c, d] = writer.cores
    expect(writer.cores).toHaveLength(4)
    expect(writer.text.slice(a, b)).toMatch(/^加微信\d号$/)
    expect(writer.text.slice(c, d)).toMatch(/^送[黄白]钱$/)
    expect(writer.text).not.toMatch(/[<>]/)
  })

  it('refuses a slot that there is not', () => {
    expect(() => grammar.pool(['{nothing}'])).toThrow(UnknownSlotError)
  })
})

describe('random numbers', () => {
  it('spread evenly and repeat by seed', () => {
    const counts = new Array<number>(10).fill(0)
    const random = new Random(7)
    for (let i = 0; i < 100_000; i++) counts[random.below(10)]!++
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500)
    expect(new Random(7).next()).toBe(new Random(7).next())
    expect(new Random(7).next()).not.toBe(new Random(8).next())
    expect(new Random(1).next()).not.toBe(new Random(2 ** 32 + 1).next())
  })

  it('draw by weight', () => {
    const choice = new WeightedChoice(['a', 'b', 'c'], [1, 2, 7])
    const random = new Random(1)
    const counts = { a: 0, b: 0, c: 0 }
    for (let i = 0; i < 50_000; i++) counts[choice.draw(random) as 'a' | 'b' | 'c']++
    expect(counts.a / 50_000).toBeCloseTo(0.1, 1.5)
    expect(counts.b / 50_000).toBeCloseTo(0.2, 1.5)
    expect(counts.c / 50_000).toBeCloseTo(0.7, 1.5)
  })
})
