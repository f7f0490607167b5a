import { expect, it } from 'vitest'
import { fuzz, holds } from './fuzz.ts'

it('bad input is answered as promised: no crash, no hang, nothing lost (make fuzz has 100,000)', {
  timeout: 120_000,
}, async () => {
  const report = await fuzz({ seed: Math.trunc(Date.now() / 1000), inputs: 5_000 })
  expect(holds(report), JSON.stringify(report, null, 1)).toBe(true)
  expect(report.results.reduce((sum, { inputs }) => sum + inputs, 0)).toBeGreaterThanOrEqual(5_000)
})
