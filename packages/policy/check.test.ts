import { loadModel } from '@wardline/model'
import { describe, expect, it } from 'vitest'
import { loadBundle } from './bundle.ts'
import { policyChanges } from './changes.ts'
import { checkPolicy } from './check.ts'
import { policyFolder } from './folder.ts'
import { type PolicyFiles, readPolicyFiles } from './policy-files.ts'

const NOW = Date.UTC(2026, 5, 1)
const MODEL = loadModel(policyFolder({}), {})
const SHIPPED = readPolicyFiles(policyFolder({}))
/** The shipped policy with these files changed or added. */
const withFiles = (files: Record<string, string>): PolicyFiles =>
  new Map([...SHIPPED, ...Object.entries(files)].sort(([a], [b]) => (a < b ? -1 : 1)))
const problems = (files: Record<string, string>) =>
  checkPolicy(withFiles(files), NOW, MODEL).map(({ file, line, message }) => `${file}:${line}: ${message}`)

/** A rule that is in order; lines are counted from its id. */
const rule = (lines: string) => `- id: test.rule
  item: "4.2"
  category: fraud
  severity: 3
${lines}
`
const GOOD = `  mode: live
  when: { terms: ["领取神秘礼包"] }
  examples: ["快来领取神秘礼包"]`

describe('wardline policy check', () => {
  it('finds nothing in the policy that ships', () => {
    expect(checkPolicy(SHIPPED, NOW, MODEL)).toEqual([])
    expect(problems({ 'rules/test.yaml': rule(GOOD) })).toEqual([])
  })

  it.each([
    [
      'an example that does not fire and a counterexample that does',
      `${GOOD.replace('快来领取神秘礼包', '你好')}
  counterexamples:
    - "没有"
    - "领取神秘礼包的人"`,
      ['7: test.rule: does not fire on this example', '10: test.rule: fires on this counterexample'],
    ],
    [
      'a live rule without examples',
      GOOD.replace(/\n {2}examples.*/, ''),
      ['1: examples: are needed before a rule is shadow or live: nobody has seen this one fire'],
    ],
    [
      'a threshold that no hit reaches',
      `${GOOD.replace('mode: live', 'mode: draft').replace(/\n {2}examples.*/, '')}
  weight: 0.5
  threshold: 0.9`,
      ['8: test.rule: can never fire: its score reaches 0.5 at most, its threshold is 0.9'],
    ],
    [
      'a term that is the same as another in its forms, one of which nothing is left, one that is allowed',
      GOOD.replace('["领取神秘礼包"]', '["领取神秘礼包", "領取神秘禮包", "\\u200b", "跳楼机"]'),
      [
        '6: test.rule: 領取神秘禮包 is the same as 领取神秘礼包 above',
        '6: test.rule: nothing is left of \u200b to compare; it can never fire',
        '6: test.rule: 跳楼机 is in lexicon/allow.tsv; it can never fire',
      ],
    ],
    [
      'dates in the wrong order',
      `${GOOD}\n  from: 2026-03-01\n  until: 2026-02-01`,
      ['9: until: must be after from'],
    ],
    [
      'a rule that is over',
      `${GOOD}\n  until: 2026-02-01`,
      [
        '8: test.rule: is over since 2026-02-01, yet its mode is live: set it to expired, or give it a new date',
      ],
    ],
    [
      'a lexicon that is not there, beside a severity that does not exist',
      GOOD.replace('{ terms: ["领取神秘礼包"] }', '{ lexicon: nowhere }').replace(
        'mode: live',
        'mode: always',
      ),
      [
        '6: there is no policy/lexicon/nowhere.tsv',
        '5: mode: Invalid option: expected one of "draft"|"shadow"|"live"|"expired"',
      ].toSorted(),
    ],
  ])('reports %s', (_, lines, expected) => {
    expect(problems({ 'rules/test.yaml': rule(lines) })).toEqual(
      expected.map((problem) => `rules/test.yaml:${problem}`),
    )
  })

  it('reports a rule that asks for the same as another, and an id that is there twice', () => {
    const twin = rule(GOOD).replace('test.rule', 'test.twin')
    expect(problems({ 'rules/test.yaml': rule(GOOD) + twin })).toEqual([
      'rules/test.yaml:13: test.twin: asks for the same as test.rule: each hit would count twice',
    ])
    expect(problems({ 'rules/test.yaml': rule(GOOD) + rule(GOOD) })).toEqual([
      'rules/test.yaml:8: rule test.rule is also in rules/test.yaml:1',
    ])
  })

  it('reports lexicons that nothing uses and terms that can never fire', () => {
    expect(problems({ 'lexicon/unused.tsv': '新词\t0.5\n' })).toEqual([
      'lexicon/unused.tsv:1: no rule uses it',
    ])
    const fraud = `跳楼机\t0.5\n${SHIPPED.get('lexicon/fraud.tsv')}`
    expect(problems({ 'lexicon/fraud.tsv': fraud })).toEqual([
      'lexicon/fraud.tsv:1: 跳楼机 is in lexicon/allow.tsv; it can never fire',
    ])
  })

  it('reports enforcement and rules together', () => {
    const found = problems({
      'rules/test.yaml': rule(GOOD.replace('live', 'no')),
      'enforcement.yaml': 'a: 1\n',
    })
    expect(found.some((problem) => problem.startsWith('rules/test.yaml:5: mode'))).toBe(true)
    expect(found.some((problem) => problem.startsWith('enforcement.yaml:1: a: not known'))).toBe(true)
  })
})

describe('what changes between two policies', () => {
  const bundle = (files: Record<string, string>) => {
    const loaded = loadBundle(withFiles(files))
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems))
    return loaded.bundle
  }

  it('is told by rule, mode, threshold, lexicon and file', () => {
    const before = bundle({ 'rules/test.yaml': rule(GOOD) })
    const after = bundle({
      'rules/gambling.yaml': SHIPPED.get('rules/gambling.yaml')!
        .replace('mode: live', 'mode: shadow\n  threshold: 0.6')
        .replace('今晚吃菠菜汤', '今天吃菠菜汤'),
      'thresholds.yaml':
        'default: 0.6\ncategories:\n  self_harm: 0.55\n  fraud: 0.7\nmodelAlone:\n  default: 0.6\n  categories:\n    hate: 0.9\n    fraud: 0.9\n    self_harm: 0.84\n    grooming: 0.84\n',
      'lexicon/fraud.tsv': `新词语\t0.5\n${SHIPPED.get('lexicon/fraud.tsv')}`,
      'statements.yaml': `${SHIPPED.get('statements.yaml')}\n# a comment\n`,
    })
    const lines = policyChanges(before, after).map(
      ({ kind, what, details }) => `${kind} ${what}: ${details.join(', ')}`,
    )
    expect(lines).toEqual([
      'changed rule gambling.terms: threshold 0.5 → 0.6, mode live → shadow, counterexamples',
      'removed rule test.rule: ',
      'changed lexicon fraud: 1 terms added',
      'changed threshold default: 0.5 → 0.6',
      'changed threshold contact_solicitation: 0.55 → default',
      'changed threshold grooming: 0.7 → default',
      'changed threshold fraud: default → 0.7',
      'changed threshold of the model alone default: 0.8 → 0.6',
      'changed threshold of the model alone hate: 0.86 → 0.9',
      'changed statements.yaml: ',
    ])
    expect(policyChanges(before, before)).toEqual([])
  })
})
