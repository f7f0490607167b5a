import { readdirSync } from 'node:fs'
import { expect, it } from 'vitest'
import { hasPrometheus, PROMETHEUS_FOLDER, promtool } from './prometheus.ts'

it.skipIf(!hasPrometheus)('promtool takes the configuration and the rules', () => {
  expect(promtool('check', 'config', `${PROMETHEUS_FOLDER}prometheus.yml`)).toContain('SUCCESS')
})

it.skipIf(!hasPrometheus)('each alert fires when it should and does not when it should not', () => {
  const tests = readdirSync(`${PROMETHEUS_FOLDER}tests`).map((file) => `${PROMETHEUS_FOLDER}tests/${file}`)
  expect(promtool('test', 'rules', ...tests).match(/SUCCESS/g)).toHaveLength(tests.length)
})
