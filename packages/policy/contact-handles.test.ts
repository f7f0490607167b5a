import { fold } from '@wardline/text'
import { describe, expect, it } from 'vitest'
import { findContactHandles } from './contact-handles.ts'

const find = (text: string) => {
  const folded = fold(text).text
  return findContactHandles(folded).map(({ kind, start, end }) => `${kind} ${folded.slice(start, end)}`)
}

describe('findContactHandles', () => {
  it.each([
    ['电话16000000000找我', ['phone 16000000000']],
    ['一六零 0000 0000', ['phone 一六零 0000 0000']],
    ['①⑥⓪00000000', ['phone 16000000000']],
    ['加我QQ：990001234', ['qq 990001234']],
    ['企鹅九九零零零一二三四', ['qq 九九零零零一二三四']],
    ['微信 abc_12345', ['wechat abc_12345']],
    ['v❌: demo-user-1', ['wechat demo-user-1']],
    ['薇❤️ testname88', ['wechat testname88']],
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
  ])('nothing in %s', (text) => {
    expect(find(text)).toEqual([])
  })
})
