import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadModel, type Model } from '@wardline/model'
import { makeForms } from '@wardline/text'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { createClassifier } from './classifier.ts'
import { exampleEvent } from './example-event.ts'
import { loadPolicy, type Policy } from './load.ts'
import { CAMPAIGN_ITEMS, type Rule, SIGNALS } from './rules.ts'

const FOLDER = fileURLToPath(new URL('../../policy/', import.meta.url))
const NOW = Date.UTC(2026, 5, 1)
const loaded = loadPolicy(FOLDER)
if (!loaded.ok) throw new Error(loaded.problems.map((p) => `${p.file}:${p.line} ${p.message}`).join('\n'))
const { policy } = loaded
const model = loadModel(FOLDER, {})
const classifier = createClassifier(policy)
/** The rule alone, so that what fires is the rule and nothing else. */
const alone = (rule: Rule, from: Policy = policy) =>
  createClassifier({ ...from, rules: [{ ...rule, mode: 'live' }] }, model)
const fires = (rule: Rule, example: Rule['examples'][number]) => {
  const { ruleHits, signals } = alone(rule).classify(exampleEvent(example, NOW))
  return rule.signal ? signals.includes(rule.signal) : ruleHits.some((hit) => hit.ruleId === rule.id)
}
const classify = (text: string) => classifier.classify(exampleEvent(text, NOW))

describe('the policy', () => {
  it.each(policy.rules.map((rule) => [rule.id, rule] as const))(
    '%s fires on its examples and on no counterexample',
    (_, rule) => {
      expect(rule.examples.filter((example) => !fires(rule, example))).toEqual([])
      expect(rule.counterexamples.filter((example) => fires(rule, example))).toEqual([])
    },
  )

  it('has a rule for each of the 24 campaign items', () => {
    const items = new Set(policy.rules.map((rule) => rule.item))
    expect(CAMPAIGN_ITEMS.filter((item) => !items.has(item))).toEqual([])
    expect(CAMPAIGN_ITEMS).toHaveLength(24)
  })

  it('has a rule for every signal that comment-risk knows', () => {
    expect(SIGNALS.filter((signal) => !policy.rules.some((rule) => rule.signal === signal))).toEqual([])
  })
})

describe('harmless text', () => {
  it.each([
    '今天的作业好难，有人一起写吗',
    '加薪水了，请大家喝奶茶',
    '波罗蜜好吃还是菠萝好吃',
    '黄色的花开了，真好看',
    '他赌气不吃饭',
    '炒菠菜要放蒜',
    '跳楼机太刺激了，下次还玩',
    '妈妈用微信支付买的',
    '老师让我们预习第三课',
    '哈哈哈哈哈哈笑死我了',
    '我们班操场今天开运动会',
    '牛人肉眼可见地变强',
    'see you at school tomorrow',
    'the class starts at 8:30, bring your grass sample',
    '',
  ])('%s', (text) => {
    expect(classify(text)).toMatchObject({ category: 'benign' })
  })
})

describe('disguised text', () => {
  it.each([
    ['contact_solicitation', '加.微.信 聊，看主页'],
    ['contact_solicitation', '+ V ❤ demo_12345'],
    ['contact_solicitation', '加\u200b微\u200b信聊，私\u2060聊我'],
    ['contact_solicitation', '家威芯聊，私聊我'],
    ['contact_solicitation', 'jiaweixin 私聊我'],
    ['contact_solicitation', '加薇❤️聊，私聊我'],
    ['gambling', '真人發牌，首充送'],
    ['gambling', '時時彩計劃'],
    ['abuse_bullying', '你这个贝戋人，脑 残'],
    ['fraud', '免.费.领.皮.肤'],
  ])('is found as %s: %s', (category, text) => {
    if (text.includes('贝戋')) return expect(classify(text).category).toBe(category)
    expect(classify(text).category).toBe(category)
  })
})

describe('a classification', () => {
  it('explains itself in the original text', () => {
    const text = '哈喽，快来加.微.信聊天，私聊我'
    const { ruleHits } = classify(text)
    const spans = ruleHits.flatMap((hit) => hit.spans.map(({ start, end }) => text.slice(start, end)))
    expect(spans).toContain('加.微.信')
    expect(spans).toContain('私聊我')
  })

  it('publishes shadow hits and does not act on them', () => {
    const rule = policy.rules.find((r) => r.id === 'gambling.terms')!
    const shadow = createClassifier({ ...policy, rules: [{ ...rule, mode: 'shadow' }] })
    const result = shadow.classify(exampleEvent('时时彩计划，稳赚不赔', NOW))
    expect(result).toMatchObject({
      category: 'benign',
      score: 0,
      scores: [],
      ruleHits: [{ ruleId: 'gambling.terms', mode: 'SHADOW' }],
    })
  })

  it('keeps to the dates of a rule, by event time', () => {
    const rule = {
      ...policy.rules.find((r) => r.id === 'gambling.terms')!,
      from: '2026-03-01',
      until: '2026-04-01',
    }
    const at = (date: string) =>
      alone(rule).classify(exampleEvent('时时彩计划，稳赚不赔', Date.parse(date))).category
    expect([at('2026-02-28'), at('2026-03-01'), at('2026-03-31'), at('2026-04-01')]).toEqual([
      'benign',
      'gambling',
      'gambling',
      'benign',
    ])
  })

  it('lets one listed term pass no longer where the model is sure of no harm, but several, and what a rule writes itself', () => {
    const sure = (score: number): Model => ({
      version: 'open-test',
      profile: 'open',
      categories: ['fraud'],
      score: () => ({ harmful: score, categories: Float64Array.of(score) }),
      contributions: () => [],
    })
    const rules = policy.rules.filter(({ id }) =>
      ['fraud.game-gear', 'fraud.link', 'contact.handle', 'school.conflict-terms'].includes(id),
    )
    const categoryOf = (text: string, score: number) =>
      createClassifier({ ...policy, rules }, sure(score)).classify(exampleEvent(text, NOW)).category
    expect(categoryOf('卖内部票', 0.2)).toBe('fraud')
    expect(categoryOf('卖内部票', 0.07)).toBe('fraud')
    expect(categoryOf('卖内部票', 0.01)).toBe('benign')
    expect(categoryOf('卖内部票，先付定金，免单返现', 0.01)).toBe('fraud')
    expect(categoryOf('教你怼老师', 0.01)).toBe('dangerous_acts')
    // A number alone, and terms that their rule calls weak.
    expect(categoryOf('加微信：demo_12345', 0.07)).toBe('contact_solicitation')
    expect(categoryOf('加微信：demo_12345', 0.01)).toBe('benign')
    expect(categoryOf('免费领取 https://shop.example.com', 0.07)).toBe('fraud')
    expect(categoryOf('免费领取 https://shop.example.com', 0.01)).toBe('benign')
  })

  it('has scores between 0 and 1 and spans within the text, whatever the text', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom(...'加微信v❤.贱人时时彩①🐧qq1234567890免费领皮肤 \u200b'),
          maxLength: 80,
        }),
        (raw) => {
          const text = raw.toWellFormed()
          const { score, scores, ruleHits } = classify(text)
          for (const value of [score, ...scores.map((s) => s.score), ...ruleHits.map((h) => h.score)]) {
            expect(value).toBeGreaterThanOrEqual(0)
            expect(value).toBeLessThanOrEqual(1)
          }
          for (const { start, end } of ruleHits.flatMap((h) => h.spans)) {
            expect(start).toBeLessThan(end)
            expect(end).toBeLessThanOrEqual(text.length)
          }
        },
      ),
    )
  })

  it('costs no more than the length, whatever is repeated', () => {
    const cpuMs = () => {
      const { user, system } = process.threadCpuUsage()
      return (user + system) / 1_000
    }
    const cost = (text: string) => {
      const started = cpuMs()
      classifier.classify({ ...exampleEvent('', NOW), text, forms: makeForms(text) })
      return cpuMs() - started
    }
    const LENGTH = 100_000
    const repeated = (unit: string) =>
      unit
        .repeat(Math.ceil(LENGTH / unit.length))
        .slice(0, LENGTH)
        .toWellFormed()
    const piece = fc.constantFrom(
      ...'加 微 信 . · / 贱 人 时时彩 1 一 v x q 👧 ❤ 跳楼机 试一试 亻 尔 f u jiawei shabi zhuang 不要 别加 警方 138 - 点com http:// e\u0301'.split(
        ' ',
      ),
      ' ',
    )
    // Lines that look like harm and are none, as people write them. Measured beside each shape, so that a slow or busy
    // machine is slow for both; make bench-classify holds the 50 ms.
    const written = repeated(
      policy.rules
        .flatMap(({ counterexamples }) => counterexamples)
        .map((line) => exampleEvent(line, NOW).text)
        .join('\n'),
    )
    cost(written)
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 6 }), (pieces) => {
        const hostile = repeated(pieces.join(''))
        let [ofHostile, ofWritten] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
        for (let round = 0; round < 3; round++) {
          ofHostile = Math.min(ofHostile, cost(hostile))
          ofWritten = Math.min(ofWritten, cost(written))
        }
        expect(ofHostile).toBeLessThan(4 * ofWritten)
      }),
      { numRuns: 25 },
    )
  }, 60_000)
})

describe('loadPolicy', () => {
  const folders: string[] = []
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
  })
  const changed = (file: string, change: (text: string) => string) => {
    const folder = mkdtempSync(join(tmpdir(), 'wardline-policy-'))
    folders.push(folder)
    cpSync(FOLDER, folder, { recursive: true })
    writeFileSync(join(folder, file), change(readFileSync(join(folder, file), 'utf8')))
    return loadPolicy(folder)
  }

  it('gives the same version for the same files and another for others', () => {
    expect(loadPolicy(FOLDER)).toMatchObject({ ok: true, policy: { version: policy.version } })
    const other = changed('thresholds.yaml', (text) => text.replace('default: 0.5', 'default: 0.6'))
    expect(other.ok && other.policy.version).not.toBe(policy.version)
  })

  it('reports every problem with file and line', () => {
    const broken = changed('rules/gambling.yaml', (text) =>
      text
        .replace('item: "1.1"', 'item: "9.9"')
        .replace('severity: 4', 'severity: 9')
        .replace('lexicon: gambling', 'lexicon: nowhere'),
    )
    expect(broken.ok).toBe(false)
    const messages = broken.ok
      ? []
      : broken.problems.map(({ file, line, message }) => `${file}:${line} ${message}`)
    expect(messages.some((m) => m.startsWith('rules/gambling.yaml:3 ') && m.includes('item'))).toBe(true)
    expect(messages.some((m) => m.startsWith('rules/gambling.yaml:7 ') && m.includes('severity'))).toBe(true)
  })

  it('finds a lexicon that is missing, a rule that is listed twice and YAML that is none', () => {
    const problems = (result: ReturnType<typeof loadPolicy>) =>
      result.ok ? [] : result.problems.map((p) => p.message)
    expect(
      problems(changed('rules/gambling.yaml', (t) => t.replace('lexicon: gambling', 'lexicon: nowhere'))),
    ).toEqual(['there is no policy/lexicon/nowhere.tsv'])
    expect(
      problems(changed('rules/gambling.yaml', (t) => t + t.replace(/^#.*\n/, '\n'))).some((m) =>
        m.includes('is also in'),
      ),
    ).toBe(true)
    expect(problems(changed('rules/gambling.yaml', () => '- id: [\n')).length).toBeGreaterThan(0)
    expect(problems(changed('rules/gambling.yaml', () => '- *nothing\n'))).toEqual([
      expect.stringContaining('Unresolved alias'),
    ])
    expect(problems(changed('lexicon/gambling.tsv', (t) => `${t}新词\t7\n`))).toEqual([
      'the weight must be 0 to 1',
    ])
  })
})
