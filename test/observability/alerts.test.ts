import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { StageMetrics } from '@wardline/stream'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { createBreakerAlert } from '../../services/enforce/breaker-alert.ts'
import { createDecisionCounter } from '../../services/enforce/decision-counter.ts'

const ROOT = new URL('../../', import.meta.url)
const PROMETHEUS = new URL('deploy/prometheus/', ROOT)
const RUNBOOKS = new URL('docs/runbooks/', ROOT)

interface RuleFile {
  groups: {
    name: string
    rules: {
      alert?: string
      expr: string
      labels?: Record<string, string>
      annotations?: Record<string, string>
    }[]
  }[]
}
interface TestFile {
  group_eval_order: string[]
  tests: { name: string; alert_rule_test: { alertname: string; exp_alerts: object[] }[] }[]
}

/** Of enforce, which has all that there are. */
function serviceMetrics() {
  const { registry } = new StageMetrics('enforce')
  createDecisionCounter(registry)
  createBreakerAlert(registry, { warn: () => {}, info: () => {} }, Date.now)
  return registry.getMetricsAsArray().filter(({ name }) => name.startsWith('wardline_'))
}

const read = (file: string) => parse(readFileSync(new URL(file, PROMETHEUS), 'utf8'))
const filesOf = (folder: string) => readdirSync(new URL(folder, PROMETHEUS)).map((name) => `${folder}${name}`)
const ruleFiles = filesOf('rules/').map((file) => read(file) as RuleFile)
const testFiles = filesOf('tests/').map((file) => read(file) as TestFile)
const groups = ruleFiles.flatMap((file) => file.groups)
const alerts = groups.flatMap(({ rules }) => rules).filter(({ alert }) => alert !== undefined)
const cases = testFiles.flatMap(({ tests }) => tests).flatMap((test) => test.alert_rule_test)

it('every alert is tested firing and not firing', () => {
  expect(alerts.length).toBeGreaterThan(10)
  for (const { alert } of alerts) {
    const own = cases.filter(({ alertname }) => alertname === alert)
    expect(
      own.some(({ exp_alerts }) => exp_alerts.length > 0),
      `${alert} firing`,
    ).toBe(true)
    // Beside those that say so: where one instance or category fires, the others of the case do not.
    expect(
      own.some(({ exp_alerts }) => exp_alerts.length === 0),
      `${alert} not firing`,
    ).toBe(true)
  }
  const names = new Set(alerts.map(({ alert }) => alert))
  for (const { alertname } of cases)
    expect(names, 'a test of an alert that is not there').toContain(alertname)
})

it('every alert has a runbook that says what it means, what to look at, what to do and with which command', () => {
  for (const { alert, labels, annotations } of alerts) {
    expect(['page', 'ticket'], alert).toContain(labels?.severity)
    expect(annotations?.summary, alert).toBeTruthy()
    expect(annotations?.runbook_url).toBe(`docs/runbooks/${alert}.md`)
    const text = readFileSync(new URL(`${alert}.md`, RUNBOOKS), 'utf8')
    const headings = [...text.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading)
    expect(headings, alert).toEqual(['What it means', 'What to look at', 'What to do', 'Commands'])
    for (const [, link] of text.matchAll(/\]\(([^)]+)\)/g))
      expect(existsSync(new URL(link!, RUNBOOKS)), `${alert}: ${link}`).toBe(true)
  }
  const pages = readdirSync(RUNBOOKS).map((file) => file.replace(/\.md$/, ''))
  expect(pages.sort()).toEqual(alerts.map(({ alert }) => alert).sort())
})

it('docs/operating.md lists every alert with its severity, and every metric', () => {
  const text = readFileSync(new URL('docs/operating.md', ROOT), 'utf8')
  for (const { alert, labels } of alerts)
    expect(text).toContain(`| [\`${alert}\`](runbooks/${alert}.md) | ${labels!.severity} |`)
  expect(serviceMetrics().length).toBeGreaterThan(15)
  for (const { name } of serviceMetrics()) expect(text, name).toContain(`\`${name}\``)
})

it('the tests evaluate all groups in one order, records first', () => {
  const names = groups.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  const isAlerts = (name: string) => name.startsWith('wardline-alerts-')
  const order = [...names.filter((name) => !isAlerts(name)), ...names.filter(isAlerts)]
  for (const { group_eval_order } of testFiles) expect(group_eval_order).toEqual(order)
})

it('commands of the runbooks are commands of this project', () => {
  const makefile = readFileSync(new URL('Makefile', ROOT), 'utf8')
  const cli = readdirSync(new URL('cli/', ROOT))
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(new URL(`cli/${file}`, ROOT), 'utf8'))
    .join('\n')
  for (const file of readdirSync(RUNBOOKS)) {
    const text = readFileSync(new URL(file, RUNBOOKS), 'utf8')
    for (const [, target] of text.matchAll(/(?:^|`)make ([a-z-]+)/gm))
      expect(makefile, `${file}: make ${target}`).toMatch(new RegExp(`^${target}:`, 'm'))
    for (const [, words] of text.matchAll(/(?:^bin\/|`)wardline ([a-z]+(?: [a-z]+)?)/gm))
      for (const word of words!.split(' '))
        expect(cli, `${file}: wardline ${words}`).toMatch(
          new RegExp(`command\\('${word}[ ']|new Command\\('${word}'`),
        )
  }
})

it('names only metrics that the services have', () => {
  const used = new Set(
    groups.flatMap(({ rules }) => rules).flatMap(({ expr }) => expr.match(/wardline_[a-z_]+/g) ?? []),
  )
  expect(used.size).toBeGreaterThan(10)
  const own = new Set(serviceMetrics().map(({ name }) => name))
  for (const name of used) expect(own, name).toContain(name.replace(/_(bucket|sum|count)$/, ''))
})
