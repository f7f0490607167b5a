import { fold } from '@wardline/text'
import { describe, expect, it } from 'vitest'
import { contactHashesOf, differingBits, fingerprintOf } from './fingerprint.ts'

const of = (text: string) => fingerprintOf(fold(text).text)
const apart = (a: string, b: string) => differingBits(of(a)!, of(b)!)
const OFFER = '暑假想赚零花钱的小伙伴看过来，陪人打游戏一单三十，当天结算，想来的加我慢慢说'

describe('fingerprintOf', () => {
  it('has 52 bits, and nothing to say about short texts', () => {
    expect(of(OFFER)).toBeLessThan(2 ** 52)
    expect(Number.isSafeInteger(of(OFFER))).toBe(true)
    expect([of(''), of('在吗在吗'), of('！！！！！！！！！！！！')]).toEqual([null, null, null])
  })

  it('is the same for copies with other numbers, punctuation, marks and faces', () => {
    expect(of(`${OFFER} 12345`)).toBe(of(`${OFFER} 98765`))
    expect(of(`${OFFER.replaceAll('，', '~~ ')}😊`)).toBe(of(OFFER))
    expect(of(OFFER.split('').join('\u200b'))).toBe(of(OFFER))
  })

  it('is near for copies with a few characters changed, and far for other texts', () => {
    expect(apart(OFFER, `${OFFER}哦`)).toBeLessThanOrEqual(3)
    expect(apart(OFFER, '今天的数学作业第三题写错了，明天课间来办公室我给你讲一遍')).toBeGreaterThan(12)
  })
})

describe('contactHashesOf', () => {
  const hashes = (text: string) => contactHashesOf(fold(text).text)
  it('is the same for one handle however it is written, and another for another', () => {
    expect(hashes('QQ：990001234')).toHaveLength(1)
    expect(hashes('加扣扣 九九零零零一二三四 哦')).toEqual(hashes('QQ：990001234'))
    expect(hashes('QQ：990001235')).not.toEqual(hashes('QQ：990001234'))
  })
  it('is ascending, 32 bits, each once, at most eight', () => {
    const many = Array.from({ length: 12 }, (_, i) => `QQ99000${1000 + i}`).join('，')
    const found = hashes(`${many}，${many}`)
    expect(found).toHaveLength(8)
    expect(found).toEqual([...new Set(found)].sort((a, b) => a - b))
    for (const hash of found) expect(hash).toBe(hash | 0)
  })
  it('is empty where there is no handle', () => {
    expect(hashes('明天见')).toEqual([])
  })
})
