import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fold } from './fold.ts'
import { makeForms } from './forms.ts'
import { decodeMap, originalSpan } from './offset-map.ts'
import { cutPinyin, SYLLABLES } from './pinyin.ts'

const folded = (text: string) => fold(text).text
const sound = (text: string) => makeForms(text)[1]!.text.trim()
const cutOf = (letters: string) => {
  const { cut, count } = cutPinyin(
    Uint16Array.from(letters, (c) => c.charCodeAt(0)),
    0,
    letters.length,
  )
  return Array.from(cut.subarray(0, count), (number) => SYLLABLES[number])
}

describe('the folded form', () => {
  it.each([
    ['ＡＢＣ１２３', 'abc123'],
    ['①②③', '123'],
    ['𝓥𝓧', 'vx'],
    ['ВХ', 'bx'],
    ['加\u200b微\u2060信', '加微信'],
    ['加.微.信', '加微信'],
    ['加 微信', '加微信'],
    ['加~微~信', '加微信'],
    ['私，聊', '私聊'],
    ['加 微 信 号', '加微信号'],
    ['薇❤️', '薇心'],
    ['免費領取', '免费领取'],
    ['亻尔好', '你好'],
    ['哈哈哈哈哈哈', '哈哈'],
    ['1️⃣3️⃣8️⃣', '138'],
    ['1 3 8 0 0 0 0', '1380000'],
    ['f u c k you', 'fuck you'],
    ['加 v x 123', '加 vx 123'],
    ['加⭐微⭐信', '加微信'],
    ['加丶微丶信', '加微信'],
    ['加。微。信', '加微信'],
    ['加加微微信信', '加微信'],
    ['fuuuuck', 'fuck'],
    ['🇻🇽🅰', 'vxa'],
    ['⒈⑵㈢', '12三'],
    ['👍🏿', '赞'],
    ['13800001111', '13800001111'],
    ['café', 'cafe'],
    ['a\r\nb', 'a  b'],
  ])('of %j is %j', (text, expected) => {
    expect(folded(text)).toBe(expected)
  })

  it.each([
    '你好，我是小明',
    '我们 他们',
    'see you later',
    '今天，天气不错。明天呢',
    'and e.g. this',
    '138-0000-0000',
    '2024.5.6',
    '高高兴兴',
    'www.example',
    '好！再见',
    'class a b',
  ])('keeps what parts words: %s', (text) => {
    expect(folded(text)).toBe(text.normalize('NFKC'))
  })
})

describe('the phonetic form', () => {
  it.each([
    ['加微信', 'jia wei xin'],
    ['家威芯', 'jia wei xin'],
    ['jiaweixin', 'jia wei xin'],
    ['jia wei xin', 'jia wei xin'],
    ['支持', 'zi ci'],
    ['朋友', 'pen you'],
    ['vx一二三', 'vx yi er san'],
    ['好的，来吗', 'hao de / nai ma'],
  ])('of %s is %s', (text, expected) => {
    expect(sound(text)).toBe(expected)
  })

  it('does not cut what is no pinyin', () => {
    expect(cutOf('hello')).toEqual([])
    expect(cutOf('street')).toEqual([])
    expect(cutOf('weixin')).toEqual(['wei', 'xin'])
    expect(cutOf('xian')).toEqual(['xian'])
    expect(cutOf('nizhegeshabi')).toEqual(['ni', 'zhe', 'ge', 'sha', 'bi'])
  })
})

describe('the way back', () => {
  it('leads from a match to the original', () => {
    const text = '快来+薇.❤️，找我'
    const [form] = makeForms(text)
    const start = form!.text.indexOf('薇心')
    expect(start).toBeGreaterThan(0)
    const [from, to] = originalSpan(decodeMap(form!), start, start + 2, text)
    expect(text.slice(from, to)).toBe('薇.❤')
  })

  it('covers both halves of a surrogate pair', () => {
    const text = '看👧吗'
    const [form] = makeForms(text)
    const at = form!.text.indexOf('女')
    expect(originalSpan(decodeMap(form!), at, at + 1, text)).toEqual([1, 3])
  })

  it('stays within the text and never goes backwards, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (raw) => {
        const text = raw.toWellFormed()
        for (const form of makeForms(text)) {
          const offsets = decodeMap(form)
          let last = 0
          for (const offset of offsets) {
            expect(offset).toBeGreaterThanOrEqual(last)
            expect(offset).toBeLessThan(text.length)
            last = offset
          }
        }
      }),
      { numRuns: 500 },
    )
  })

  it('an unchanged text needs no map', () => {
    expect(makeForms('今天天气不错')[0]).toEqual({ form: 'FOLDED', text: '今天天气不错', map: [] })
  })
})

it('costs no more than the length: 100,000 hostile characters stay below four times ordinary ones', () => {
  const LENGTH = 100_000
  const repeated = (unit: string) => unit.repeat(Math.ceil(LENGTH / unit.length)).slice(0, LENGTH)
  const cost = (text: string) => {
    const { user, system } = process.threadCpuUsage()
    makeForms(text)
    const spent = process.threadCpuUsage({ user, system })
    return (spent.user + spent.system) / 1_000
  }
  // Measured beside each shape, so that a slow or busy machine is slow for both.
  const ordinary = repeated('今天的作业好多，明天 8 点在学校见 see you at school 😊。')
  cost(ordinary)
  for (const unit of ['a', '加.', ' .', 'a .', '亻', '👧', '加👧', 'xian', '\u0300', '1-']) {
    const hostile = repeated(unit)
    let [ofHostile, ofOrdinary] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
    for (let round = 0; round < 5; round++) {
      ofHostile = Math.min(ofHostile, cost(hostile))
      ofOrdinary = Math.min(ofOrdinary, cost(ordinary))
    }
    expect(ofHostile, unit).toBeLessThan(4 * ofOrdinary)
  }
})
