import { type BacktestEvent, backtest } from '@wardline/backtest'
import { loadBundle, policyFolder, readPolicyFiles } from '@wardline/policy'
import { expect, it } from 'vitest'
import { backtestTable } from './backtest-table.ts'
import { normalizeLine } from './classify-lines.ts'

const SHIPPED = readPolicyFiles(policyFolder({}))
const NOW = Date.UTC(2026, 5, 1)

function bundle(change: Record<string, (text: string) => string>) {
  const files = new Map(SHIPPED)
  for (const [file, edit] of Object.entries(change)) files.set(file, edit(files.get(file)!))
  const loaded = loadBundle(files)
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems))
  return loaded.bundle
}

async function* events(...texts: string[]): AsyncGenerator<BacktestEvent> {
  for (const [i, text] of texts.entries()) {
    const event = normalizeLine(JSON.stringify({ text }), NOW)
    if ('error' in event) throw new Error(event.error)
    yield { place: `line ${i + 1}`, event }
  }
}

const TEXTS = ['时时彩计划群，稳赚不赔', '你好', '暗号神秘礼包', '真人发牌，首充送']
const before = bundle({})
const after = bundle({
  'rules/gambling.yaml': (text) => text.replace('mode: live', 'mode: shadow'),
  'rules/fraud.yaml': (text) =>
    `${text}\n- id: fraud.new\n  item: "4.2"\n  category: fraud\n  when: { terms: ["神秘礼包"] }\n  severity: 3\n  mode: live\n  examples: ["神秘礼包"]\n`,
})

it('says per rule and per event what another policy would have answered', async () => {
  const report = await backtest(events(...TEXTS), before, after, { showText: false, model: null })
  expect(report).toMatchObject({
    before: before.version,
    after: after.version,
    events: 4,
    categoryChanged: 3,
    nowPassing: 1,
    noLongerPassing: 2,
    categories: [
      { from: 'gambling', to: 'benign', events: 2 },
      { from: 'benign', to: 'fraud', events: 1 },
    ],
  })
  expect(report.rules).toMatchObject([
    { rule: 'fraud.new', modes: [null, 'live'], hitsBefore: 0, hitsAfter: 1, gained: 1, lost: 0 },
    { rule: 'gambling.terms', modes: ['live', 'shadow'], hitsBefore: 2, hitsAfter: 2, gained: 0, lost: 0 },
  ])
  expect(report.examples.map(({ place }) => place)).toEqual(['line 1', 'line 3', 'line 4'])
})

it('shows texts only where they are asked for', async () => {
  const quiet = await backtest(events(...TEXTS), before, after, { showText: false, model: null })
  for (const text of TEXTS) {
    expect(JSON.stringify(quiet)).not.toContain(text)
    expect(backtestTable(quiet).join('\n')).not.toContain(text)
  }
  const shown = await backtest(events(...TEXTS), before, after, { showText: true, model: null })
  expect(shown.examples[0]).toMatchObject({ text: TEXTS[0] })
  expect(backtestTable(shown).join('\n')).toContain(TEXTS[0])
})

it('finds no difference between a policy and itself', async () => {
  const report = await backtest(events(...TEXTS), before, before, { showText: false, model: null })
  expect(report).toMatchObject({ categoryChanged: 0, rules: [], examples: [] })
  expect(backtestTable(report).at(-1)).toBe('nothing differs')
})
