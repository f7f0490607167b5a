/** Ways to be reached outside of the platform that a text gives: QQ, WeChat and phone numbers, also when written in words or look-alikes. */
export type ContactKind = 'phone' | 'qq' | 'wechat'
export interface ContactHandle {
  readonly kind: ContactKind
  /** Range in the folded text. */
  readonly start: number
  readonly end: number
}

const DIGIT_WORDS: Readonly<Record<string, string>> = {
  零: '0',
  〇: '0',
  洞: '0',
  一: '1',
  壹: '1',
  幺: '1',
  二: '2',
  贰: '2',
  两: '2',
  三: '3',
  叁: '3',
  四: '4',
  肆: '4',
  五: '5',
  伍: '5',
  六: '6',
  陆: '6',
  七: '7',
  柒: '7',
  拐: '7',
  八: '8',
  捌: '8',
  九: '9',
  玖: '9',
}
const QQ_WORDS = ['qq', '扣扣', '企鹅', '球球', '扣', 'q', '鹅', '群']
const WECHAT_WORDS = [
  '微信',
  'vx',
  'wx',
  'v信',
  '薇信',
  '威信',
  '徽信',
  '薇心',
  '微心',
  '卫星',
  '薇',
  'v',
  '微',
]
/** How far before a number or a name its word may stand, code units. */
const CONTEXT = 8

const isDigit = (code: number) => code >= 0x30 && code <= 0x39
const isLetter = (code: number) => code >= 0x61 && code <= 0x7a
const isNameCharacter = (code: number) => isDigit(code) || isLetter(code) || code === 0x5f || code === 0x2d

/** Handles in a folded text. Linear in its length. */
export function findContactHandles(folded: string): ContactHandle[] {
  const handles: ContactHandle[] = []
  let digits = ''
  let start = 0
  for (let i = 0; i <= folded.length; i++) {
    const unit = folded[i]
    const digit = unit === undefined ? undefined : isDigit(unit.charCodeAt(0)) ? unit : DIGIT_WORDS[unit]
    if (digit !== undefined) {
      if (digits === '') start = i
      digits += digit
      continue
    }
    // One separator inside of a number parts nothing.
    if (digits !== '' && (unit === ' ' || unit === '-' || unit === '.') && isDigitWord(folded[i + 1]))
      continue
    if (digits !== '') {
      const handle = numberHandle(folded, digits, start, i)
      if (handle) handles.push(handle)
      digits = ''
    }
    if (
      unit !== undefined &&
      isLetter(unit.charCodeAt(0)) &&
      !(i > 0 && isNameCharacter(folded.charCodeAt(i - 1)))
    ) {
      const handle = nameHandle(folded, i)
      if (!handle) continue
      handles.push(handle)
      i = handle.end - 1
    }
  }
  return handles
}

const isDigitWord = (unit: string | undefined) =>
  unit !== undefined && (isDigit(unit.charCodeAt(0)) || DIGIT_WORDS[unit] !== undefined)

function numberHandle(folded: string, digits: string, start: number, end: number): ContactHandle | null {
  // Chinese mobile numbers: 1, then 3 to 9, then nine digits.
  if (digits.length === 11 && digits[0] === '1' && digits[1]! >= '3') return { kind: 'phone', start, end }
  if (digits.length < 5 || digits.length > 12) return null
  const before = folded.slice(Math.max(0, start - CONTEXT), start)
  if (WECHAT_WORDS.some((word) => word.length > 1 && before.includes(word)))
    return { kind: 'wechat', start, end }
  if (QQ_WORDS.some((word) => before.includes(word))) return { kind: 'qq', start, end }
  return null
}

/** A WeChat name: a letter, then 5 to 19 letters, digits, _ or -, with its word before it. */
function nameHandle(folded: string, start: number): ContactHandle | null {
  let end = start
  let hasDigitOrMark = false
  while (end < folded.length && end - start <= 20 && isNameCharacter(folded.charCodeAt(end))) {
    if (!isLetter(folded.charCodeAt(end))) hasDigitOrMark = true
    end++
  }
  const length = end - start
  if (length < 6 || length > 20) return null
  const before = folded.slice(Math.max(0, start - CONTEXT), start)
  const word = WECHAT_WORDS.find((w) => before.includes(w))
  if (word === undefined) return null
  // A plain word after 微 alone may be any English word; a name with a digit, or after the full word, is a handle.
  if (!hasDigitOrMark && word.length < 2) return null
  return { kind: 'wechat', start, end }
}
