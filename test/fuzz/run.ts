/** `make fuzz`: 100,000 bad inputs, a table, `.wardline/reports/fuzz.json`. Exit code 0 only when every promise held. */
import { parseArgs } from 'node:util'
import { reportHead, writeReport } from '@wardline/cli/report'
import { fuzz, holds } from './fuzz.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    inputs: { type: 'string', default: '100000' },
    only: { type: 'string' },
  },
})
const startedAt = new Date()
const report = await fuzz({
  seed: Number(values.seed),
  inputs: Number(values.inputs),
  ...(values.only === undefined ? {} : { only: values.only }),
})
console.table(
  report.results.map(({ name, inputs, slowestMs, failure }) => ({
    target: name,
    inputs,
    'slowest ms': Number(slowestMs.toFixed(1)),
    holds: failure === null,
  })),
)
for (const { name, failure } of report.results) if (failure !== null) console.log(`${name}: ${failure}\n`)
if (report.stopped !== null) console.log(report.stopped)
const inputs = report.results.reduce((sum, result) => sum + result.inputs, 0)
console.log(`seed ${report.seed}: ${inputs} bad inputs; the same seed gives them again`)
console.log(`report ${writeReport('fuzz', { ...reportHead(startedAt), ...report })}`)
console.log(holds(report) ? 'holds' : 'DOES NOT HOLD')
process.exitCode = holds(report) ? 0 : 1
