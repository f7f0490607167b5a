import { isHan } from '@wardline/text'
import { Automaton } from './automaton.ts'

/**
 * Ways out of the platform that a text gives. phone: a mobile or landline number. qq, wechat: a number or name of the
 * app. group: number of a group. account: a name in another app. link: an address or bare domain. invite: a code that
 * lets one in.
 */
export const CONTACT_KINDS = ['phone', 'qq', 'wechat', 'group', 'account', 'link', 'invite'] as const
export type ContactKind = (typeof CONTACT_KINDS)[number]

export interface ContactHandle {
  readonly kind: ContactKind
  /** Range in the folded text. */
  readonly start: number
  readonly end: number
}

/** How far before a number or a name its word may stand, code units. */
const CUE_REACH = 8
/** Marks in a row that may stand between two digits of one number. */
const MOST_MARKS = 2
/** Letters, digits and marks of a name in an app. */
const SHORTEST_NAME = 4
const LONGEST_NAME = 32

// Value of a digit by code unit + 1; 16 more where the character is a digit by its sound only; 0 for all else.
const digitValues = new Uint8Array(0x10000)
const WEAK = 16
for (const [value, characters] of [
  '零〇洞',
  '一壹幺',
  '二贰两',
  '三叁',
  '四肆',
  '五伍',
  '六陆',
  '七柒拐',
  '八捌',
  '九玖',
].entries()) {
  digitValues[0x30 + value] = value + 1
  for (const character of characters) digitValues[character.charCodeAt(0)] = value + 1
}
for (const [value, characters] of [
  '林灵令铃o',
  '伊衣依妖医il',
  '儿尔耳而',
  '伞散',
  '思司丝似',
  '吾舞午武',
  '溜刘柳遛',
  '期妻齐漆',
  '扒巴吧叭',
  '久酒旧舅',
].entries()) {
  for (const character of characters) digitValues[character.charCodeAt(0)] = (value + 1) | WEAK
}

const isAsciiDigit = (code: number) => code >= 0x30 && code <= 0x39
const isLetter = (code: number) => code >= 0x61 && code <= 0x7a
const isNameUnit = (code: number) => isAsciiDigit(code) || isLetter(code) || code === 0x5f || code === 0x2d
const isMark = (code: number) => NUMBER_MARKS.includes(String.fromCharCode(code))
const NUMBER_MARKS = ' -._*~·/|,、+^=#—'

type Cue = Exclude<ContactKind, 'link'> | 'order' | 'money'
/** Words before a number or name that say what it is. `order` and `money`: that it is no way to reach anyone. */
const CUES: Readonly<Record<Cue, readonly string[]>> = {
  phone: ['电话', '手机', '手机号', '联系方式', '联系', '打我', 'tel', 'phone', 'call', '座机', '热线'],
  qq: ['qq', '扣扣', '企鹅', '球球', '蔻蔻', '叩叩', '抠抠', 'kk', '扣', '抠', 'q', '鹅', '秋秋', '求求'],
  wechat:
    '微信 微信号 vx wx v信 w信 薇信 威信 徽信 维信 薇心 微心 威芯 微芯 卫星 胃信 葳信 薇 v 微 威 微xin weixin wechat 加v 加薇 加微 ➕v vvx 绿泡泡 绿泡'.split(
      ' ',
    ),
  group:
    '群号 群 进群 加群 入群 q群 qq群 扣群 裙 裙号 加裙 进裙 企鹅群 扣扣群 君羊 讨论组 车队号 频道号'.split(
      ' ',
    ),
  account:
    'tg telegram 电报 纸飞机 飞机 kik snap snapchat discord dc ins instagram ig line whatsapp skype signal 小红书号 抖音号 快手号 推特 twitter 陌陌 陌陌号 探探'.split(
      ' ',
    ),
  invite: '邀请码 推荐码 邀请 口令 兑换码 暗号 房间号 房号 激活码 推广码 inv code'.split(' '),
  order:
    '订单 订单号 单号 运单 快递 编号 流水号 流水 身份证 isbn 条码 型号 货号 学号 准考证 考号 车次 航班 序号 文号 电话是12306 版本 尾号 股票 基金 代码 邮编 验证码 工号 批号 课程'.split(
      ' ',
    ),
  money: [
    '¥',
    '$',
    '€',
    '价格',
    '总价',
    '单价',
    '余额',
    '工资',
    '人口',
    '销量',
    '播放',
    '阅读',
    '粉丝',
    '约',
    '共',
    '近',
  ],
}
const cueWords = (Object.keys(CUES) as Cue[]).flatMap((cue) => CUES[cue].map((word) => ({ word, cue })))
const cueMatcher = new Automaton(cueWords.map(({ word }) => word))

/** What follows a quantity and no number to call. */
const UNITS: ReadonlySet<string> = new Set(
  '元块万亿千百角分毛人个次年月日号岁米斤克吨度级名位天周时秒页章楼层街路栋集期届倍条件张只台辆套份篇字票赞步卡公km kg ml gb mb px fps % ° ℃ 円 刀'
    .replace(/ /g, '')
    .split(''),
)

/** Endings of bare domains. Where the dot is a word (abc点com) only the first row counts. */
const PLAIN_ENDINGS = new Set('com cn net org top xyz vip cc club site shop'.split(' '))
const ENDINGS = new Set([
  ...PLAIN_ENDINGS,
  ...'me io tv info app link ltd wang ink fun live online store tech pro icu ru tk ml ga cf gg co us uk hk tw jp kr in biz mobi name asia ws la so im work space website'.split(
    ' ',
  ),
])
const DOTS: ReadonlySet<string> = new Set('.。点丶·,。'.split(''))

/**
 * Handles in a folded text, in order. A number needs its word before it (QQ 12345) unless it is a mobile number; a
 * number with a unit, a price, a date or an order number is none. Linear in its length.
 */
export function findContactHandles(folded: string): ContactHandle[] {
  const handles: ContactHandle[] = []
  if (!mayHold(folded)) return handles
  const cues = findCues(folded)
  for (let i = 0; i < folded.length; ) {
    const code = folded.charCodeAt(i)
    const startsWord = i === 0 || !isNameUnit(folded.charCodeAt(i - 1))
    const handle =
      (isAsciiDigit(code) || isLetter(code)) && startsWord
        ? (linkAt(folded, i) ??
          numberAt(folded, i, cues) ??
          gluedNumberAt(folded, i, cues) ??
          nameAt(folded, i, cues))
        : digitValues[code] !== 0 && digitValues[code]! < WEAK && !isLetter(code)
          ? numberAt(folded, i, cues)
          : null
    if (handle === null) {
      i = Math.max(i + 1, cues.skipTo)
      continue
    }
    handles.push(handle)
    i = handle.end
  }
  return handles
}

/** Whether there is anything to look at: most comments have neither four digits nor Latin letters. */
function mayHold(folded: string): boolean {
  let digits = 0
  for (let i = 0; i < folded.length; i++) {
    const code = folded.charCodeAt(i)
    if (isLetter(code)) return true
    if (digitValues[code] !== 0 && ++digits === 4) return true
  }
  return false
}

/** The words of a text in order of their ends. They are asked about ascending places. */
interface CueReader {
  /** Kinds whose word ends within reach before a place, the nearest and longest first. */
  before(place: number): readonly CueHit[]
  /** Everything before this place has been looked at as one number. */
  skipTo: number
}
interface CueHit {
  readonly cue: Cue
  readonly start: number
  readonly end: number
}

function findCues(folded: string): CueReader {
  const count = cueMatcher.scan(folded)
  const hits: CueHit[] = []
  for (let i = 0; i < count; i++) {
    const { cue } = cueWords[cueMatcher.hits[i * 2]!]!
    const end = cueMatcher.hits[i * 2 + 1]!
    const start = end - cueMatcher.lengths[cueMatcher.hits[i * 2]!]!
    // Latin words are whole ones: no q in iq. A digit may follow at once: q12345.
    if (isLetter(folded.charCodeAt(start)) && start > 0 && isNameUnit(folded.charCodeAt(start - 1))) continue
    if (isLetter(folded.charCodeAt(end - 1)) && end < folded.length && isLetter(folded.charCodeAt(end)))
      continue
    hits.push({ cue, start, end })
  }
  let passed = 0
  return {
    skipTo: 0,
    before(place) {
      while (passed < hits.length && hits[passed]!.end <= place) passed++
      const near: CueHit[] = []
      for (let k = passed - 1; k >= 0 && near.length < 6; k--) {
        const hit = hits[k]!
        if (place - hit.end > CUE_REACH) break
        if (hit.end <= place) near.push(hit)
      }
      return near
    },
  }
}

interface DigitRun {
  readonly digits: string
  readonly end: number
  /** Lengths of the pieces between marks, and whether the only marks are dots. */
  readonly pieces: readonly number[]
  readonly marks: string
}

/** A run of digits in any writing, with single marks between them; at most 32 are kept. */
function readDigits(folded: string, start: number): DigitRun {
  let digits = ''
  let weak = 0
  let end = start
  let piece = 0
  let marks = ''
  const pieces: number[] = []
  for (let i = start; i < folded.length; ) {
    const value = digitValues[folded.charCodeAt(i)]!
    if (value !== 0) {
      const isWeak = value >= WEAK
      // Sounds and letters count only inside of a number: they are everyday words at its ends.
      if (isWeak && !continues(folded, i)) break
      if (isWeak) weak++
      if (digits.length < 32) digits += String((value & (WEAK - 1)) - 1)
      else marks = `${marks}!`
      piece++
      end = ++i
      continue
    }
    let next = i
    while (next < folded.length && next - i < MOST_MARKS && isMark(folded.charCodeAt(next))) next++
    const after = next < folded.length ? digitValues[folded.charCodeAt(next)]! : 0
    if (next === i || after === 0 || after >= WEAK) break
    if (marks.length < 16) marks += folded.slice(i, next)
    pieces.push(piece)
    piece = 0
    i = next
  }
  pieces.push(piece)
  if (weak * 2 > digits.length) return { digits: '', end, pieces, marks }
  return { digits, end, pieces, marks }
}

/** Whether a digit in figures or numerals follows within two places. */
function continues(folded: string, at: number): boolean {
  for (let i = at + 1; i <= at + 2 && i < folded.length; i++) {
    const value = digitValues[folded.charCodeAt(i)]!
    if (value !== 0 && value < WEAK) return true
    if (value === 0) return false
  }
  return false
}

function numberAt(folded: string, start: number, cues: CueReader): ContactHandle | null {
  if (digitValues[folded.charCodeAt(start)] === 0 || digitValues[folded.charCodeAt(start)]! >= WEAK)
    return null
  const { digits, end, pieces, marks } = readDigits(folded, start)
  // The pieces of what is no number are none either, and hostile text must not be read again and again.
  cues.skipTo = Math.max(cues.skipTo, end)
  const { length } = digits
  if (length < 5 || length > 13) return null
  // Letters right behind: a name, a product, a hash.
  if (end < folded.length && isNameUnit(folded.charCodeAt(end))) return null
  const near = cues.before(start)
  if (near.some(({ cue }) => cue === 'order')) return null
  if (near.some(({ cue, end: at }) => cue === 'money' && start - at <= 2)) return null
  const unit = folded[end] === ' ' ? folded[end + 1] : folded[end]
  if (unit !== undefined && UNITS.has(unit) && !near.some(({ cue }) => cue === 'qq' || cue === 'wechat'))
    return null
  // A decimal is written in figures.
  const isDecimal =
    marks === '.' &&
    pieces.length === 2 &&
    isAsciiDigit(folded.charCodeAt(start)) &&
    isAsciiDigit(folded.charCodeAt(end - 1))
  if (isDate(digits, pieces, marks) || isDecimal) return null

  const found = (kind: ContactKind): ContactHandle => ({ kind, start, end })
  const local = length === 13 && digits.startsWith('86') ? digits.slice(2) : digits
  // Chinese mobile numbers: 1, then 3 to 9, then nine digits.
  if (local.length === 11 && local[0] === '1' && local[1]! >= '3') return found('phone')
  const isShared = digits.startsWith('400') || digits.startsWith('800')
  // A landline: area code 0xx or 0xxx and seven or eight digits.
  if (digits[0] === '0' && digits[1] !== '0' && length >= 10 && length <= 12)
    return pieces.length > 1 || near.some(({ cue }) => cue === 'phone') ? found('phone') : null
  if (isShared && length === 10) return null
  for (const { cue, end: at } of near) {
    switch (cue) {
      case 'qq':
        if (length <= 11 && digits[0] !== '0' && isNext(folded, at, start)) return found('qq')
        break
      case 'group':
        if (length >= 6 && length <= 11 && digits[0] !== '0' && isNext(folded, at, start))
          return found('group')
        break
      case 'wechat':
        if (isNext(folded, at, start)) return found('wechat')
        break
      case 'invite':
        if (isNext(folded, at, start)) return found('invite')
        break
      case 'phone':
        if (length >= 7 && length <= 8 && isNext(folded, at, start)) return found('phone')
        break
      case 'account':
      case 'order':
      case 'money':
        break
      default:
        return cue satisfies never
    }
  }
  return null
}

/** A number right behind a short word of letters: q12345. */
function gluedNumberAt(folded: string, start: number, cues: CueReader): ContactHandle | null {
  let end = start
  while (end < folded.length && end - start < CUE_REACH && isLetter(folded.charCodeAt(end))) end++
  return end > start && isAsciiDigit(folded.charCodeAt(end)) ? numberAt(folded, end, cues) : null
}

/** Year, month and day with marks between them or eight figures that can be nothing else. */
function isDate(digits: string, pieces: readonly number[], marks: string): boolean {
  const year = Number(digits.slice(0, 4))
  if (year < 1900 || year > 2100) return false
  if (pieces.length >= 2 && pieces[0] === 4 && marks !== '')
    return pieces.slice(1).every((n) => n <= 2) || pieces[1] === 4
  if (digits.length !== 8 || pieces.length !== 1) return false
  const month = Number(digits.slice(4, 6))
  const day = Number(digits.slice(6, 8))
  return month >= 1 && month <= 12 && day >= 1 && day <= 31
}

const unitsOf = (characters: string): ReadonlySet<number> =>
  new Set(Array.from(characters, (character) => character.charCodeAt(0)))
const ENDS_OF_CLAUSES = unitsOf('，。！？,!?;；')
const LINKING_WORDS = unitsOf('号是为我的加搜码看找联系群聊信')

/** Whether between a word and what it speaks of there is little: 号, 是, a colon, blanks, another such word. */
function isNext(folded: string, from: number, to: number): boolean {
  let han = 0
  for (let i = from; i < to; i++) {
    const code = folded.charCodeAt(i)
    if (ENDS_OF_CLAUSES.has(code)) return false
    if (isHan(code) && !LINKING_WORDS.has(code) && ++han > 1) return false
  }
  return true
}

/** A name in an app: letter first, 4 to 32 letters, digits, _ or -, with its word before it. */
function nameAt(folded: string, start: number, cues: CueReader): ContactHandle | null {
  let end = start
  let hasDigitOrMark = false
  while (end < folded.length && isNameUnit(folded.charCodeAt(end))) {
    if (!isLetter(folded.charCodeAt(end))) hasDigitOrMark = true
    end++
  }
  cues.skipTo = Math.max(cues.skipTo, end)
  const length = end - start
  if (length < SHORTEST_NAME || length > LONGEST_NAME) return null
  for (const { cue, start: word, end: at } of cues.before(start)) {
    if (!isNext(folded, at, start)) continue
    const wordLength = at - word
    switch (cue) {
      case 'wechat':
        if (!isLetter(folded.charCodeAt(start)) || length < 6 || length > 20) break
        // A plain word after 微 alone may be any English word; a name with a digit, or after the full word, is a handle.
        if (hasDigitOrMark || wordLength > 1) return { kind: 'wechat', start, end }
        break
      case 'account': {
        // Line and snap are words of their own: the name has to follow a colon, @ or is.
        const between = folded.slice(at, start)
        if (!isLetter(folded.charCodeAt(start))) break
        if (/[:@]/.test(between) || hasDigitOrMark) return { kind: 'account', start, end }
        break
      }
      case 'invite':
        if (length <= 12 && hasDigitOrMark) return { kind: 'invite', start, end }
        break
      case 'phone':
      case 'qq':
      case 'group':
      case 'order':
      case 'money':
        break
      default:
        return cue satisfies never
    }
  }
  return null
}

const SCHEME = /^https?:\/\//

/** An address that begins at a place: with a scheme, or a bare domain, its dots also written 。 or 点. */
function linkAt(folded: string, start: number): ContactHandle | null {
  const scheme = SCHEME.exec(folded.slice(start, start + 8))
  let end = start + (scheme ? scheme[0].length : 0)
  let labels = 0
  let hasLetter = false
  let hasWordDot = false
  let ending = ''
  for (let labelStart = end; ; ) {
    while (end < folded.length && isNameUnit(folded.charCodeAt(end)) && end - labelStart < 64) {
      if (labels === 0 && isLetter(folded.charCodeAt(end))) hasLetter = true
      end++
    }
    if (end === labelStart) break
    labels++
    ending = folded.slice(labelStart, end)
    // A host has few labels; a chain without end is none.
    if (labels > 6) return null
    const dot = dotAt(folded, end)
    if (dot === 0) break
    if (folded[end] !== '.') hasWordDot = true
    labelStart = end + dot
    end = labelStart
  }
  // A sentence may end right behind the host.
  while (end > start && !isNameUnit(folded.charCodeAt(end - 1))) end--
  if (scheme && labels > 0) return { kind: 'link', start, end: pathEnd(folded, end) }
  if (labels < 2 || !(hasWordDot ? PLAIN_ENDINGS : ENDINGS).has(ending)) return null
  if (!hasLetter && end - start < 7) return null
  // An address of e-mail is no link to open; it has its @ before it.
  return { kind: 'link', start, end: pathEnd(folded, end) }
}

/** Length of what stands for the dot between two labels: 0 for none. */
function dotAt(folded: string, at: number): number {
  if (!DOTS.has(folded[at] ?? '')) {
    // abc .com and abc 点 com
    if (folded[at] === ' ' && DOTS.has(folded[at + 1] ?? '')) {
      const after = folded[at + 2] === ' ' ? 3 : 2
      return isLetter(folded.charCodeAt(at + after)) ? after : 0
    }
    return 0
  }
  const next = folded.charCodeAt(at + 1)
  return isNameUnit(next) ? 1 : 0
}

function pathEnd(folded: string, from: number): number {
  if (folded[from] !== '/' && folded[from] !== '?' && folded[from] !== ':') return from
  let end = from
  while (end < folded.length && folded.charCodeAt(end) > 0x20 && folded.charCodeAt(end) < 0x7f) end++
  return end
}
