import { fold } from '@wardline/text'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CONTACT_KINDS, findContactHandles } from './contact-handles.ts'

const find = (text: string) => {
  const folded = fold(text).text
  return findContactHandles(folded).map(({ kind, start, end }) => `${kind} ${folded.slice(start, end)}`)
}

// No number here belongs to anybody that the author knows of: they end in runs or begin with unassigned prefixes.
describe('findContactHandles', () => {
  it.each([
    ['电话16000000000找我', ['phone 16000000000']],
    ['一六零 0000 0000', ['phone 一六零 0000 0000']],
    ['①⑥⓪00000000', ['phone 16000000000']],
    ['１６０－００００－００００', ['phone 160-0000-0000']],
    ['幺六洞洞洞洞洞洞洞洞洞', ['phone 幺六洞洞洞洞洞洞洞洞洞']],
    ['+86 160 0000 0000', ['phone 86 160 0000 0000']],
    ['1.6.0.0.0.0.0.0.0.0.0', ['phone 16000000000']],
    ['16o0o00o0o0', ['phone 16o0o00o0o0']],
    ['打010-00000000', ['phone 010-00000000']],
    ['加我QQ：990001234', ['qq 990001234']],
    ['企鹅九九零零零一二三四', ['qq 九九零零零一二三四']],
    ['扣扣99-000-1234', ['qq 99-000-1234']],
    ['q990001234', ['qq 990001234']],
    ['🐧990001234', ['qq 990001234']],
    ['Q群 990001234', ['group 990001234']],
    ['进裙：9900，01234', ['group 9900,01234']],
    ['微信 abc_12345', ['wechat abc_12345']],
    ['v❌: demo-user-1', ['wechat demo-user-1']],
    ['薇❤️ testname88', ['wechat testname88']],
    ['加薇 990001234', ['wechat 990001234']],
    ['v x: demouser_01', ['wechat demouser_01']],
    ['tg：@demo_user', ['account demo_user']],
    ['电报 demouser01', ['account demouser01']],
    ['snap: demo_user', ['account demo_user']],
    ['看 https://example.com/a?b=1 吧', ['link https://example.com/a?b=1']],
    ['abc点com', ['link abc点com']],
    ['abc。com', ['link abc。com']],
    ['去 abcd .vip 看', ['link abcd .vip']],
    ['t.cn/Ab3dE', ['link t.cn/ab3de']],
    ['www.abc.xyz。', ['link www.abc.xyz']],
    ['邀请码 AB12CD', ['invite ab12cd']],
    ['房间号：990012', ['invite 990012']],
  ])('%s', (text, expected) => {
    expect(find(text)).toEqual(expected)
  })

  it.each([
    '今天是2026年11月24日',
    '我考了98765分',
    '微积分 calculus 好难',
    '第一二三四五名',
    '房价涨到12345678了',
    '他住在一二三号楼',
    '2024-05-06 开学',
    '2024/05/06',
    '20240506',
    '2024.05.06',
    '圆周率3.1415926',
    '打12306买票',
    '打110报警，火警119，急救120',
    '坐10路、12路、318路公交',
    '订单号 990001234567',
    '快递单号16000000000到了吗',
    '总价16000000000元',
    '播放量12345678次',
    '今晚20:00到22:30直播',
    'iPhone15 和 mate60 哪个好',
    'q版头像好可爱',
    '这个群人真多12345678',
    'iq 12345 不可能',
    'see you at 8.30, node.js rocks',
    'v1.2.3 发布了',
    '三三两两，一五一十，七七八八，九九归一',
    '一一二二三三四四',
    '吃吧吧吧五五六六',
    '我爱微笑 beautiful day',
    '客服热线400-000-0000',
    '11月11日双十一，12月12日双十二',
    '86版西游记',
    'line up please, my friends',
    '1234567890',
    '8点com开机',
    'a点了一杯奶茶',
    '比分 3-2，21:19，15-21',
    '身高178体重65，腰围80',
  ])('nothing in %s', (text) => {
    expect(find(text)).toEqual([])
  })

  it('finds a mobile number in any writing of its digits and with any marks', () => {
    const writings = [
      '0零〇０⓪',
      '1一壹１①幺',
      '2二贰２②两',
      '3三叁３③',
      '4四肆４④',
      '5五伍５⑤',
      '6六陆６⑥',
      '7七柒７⑦',
      '8八捌８⑧',
      '9九玖９⑨',
    ]
    const digit = (value: number) => fc.constantFrom(...writings[value]!)
    const number = fc
      .array(fc.integer({ min: 0, max: 9 }), { minLength: 9, maxLength: 9 })
      .chain((rest) => fc.tuple(...[1, 6, ...rest].map(digit), fc.constantFrom('', '-', ' ', '.')))
    fc.assert(
      fc.property(number, fc.constantFrom('', '我的号码', '来'), (parts, before) => {
        const mark = parts.at(-1)!
        const text = `${before}${parts.slice(0, -1).join(mark)}`
        expect(findContactHandles(fold(text).text).map(({ kind }) => kind)).toEqual(['phone'])
      }),
      { numRuns: 500 },
    )
  })

  it('gives ranges in order within the text, whatever the text', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom(...'qv微信群扣 -.点。:/@12345一二幺洞oabcdcom电话加tg邀请码'),
          maxLength: 120,
        }),
        (text) => {
          let last = 0
          for (const { kind, start, end } of findContactHandles(text)) {
            expect(CONTACT_KINDS).toContain(kind)
            expect(start).toBeGreaterThanOrEqual(last)
            expect(end).toBeGreaterThan(start)
            expect(end).toBeLessThanOrEqual(text.length)
            last = end
          }
        },
      ),
      { numRuns: 500 },
    )
  })
})
