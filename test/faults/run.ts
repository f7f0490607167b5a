/** `make chaos`: faults under load, a table, and `.wardline/reports/chaos.json`. Exit code 0 only when nothing was lost, doubled or out of order. */
import { parseArgs } from 'node:util'
import { reportHead, writeReport } from '@wardline/cli/report'
import { FAULT_KINDS, type FaultKind, type FaultResult, runChaos } from './chaos.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    faults: { type: 'string', default: '200' },
    rate: { type: 'string', default: '200' },
    partitions: { type: 'string', default: '4' },
    kinds: { type: 'string' },
  },
})
const startedAt = new Date()
const kinds = values.kinds?.split(',').map((name) => {
  const known = FAULT_KINDS.filter((kind) => kind === name || kind.startsWith(`${name}:`))
  if (known.length === 0) throw new Error(`no fault ${name}; known: ${FAULT_KINDS.join(' ')}`)
  return known
})
const report = await runChaos({
  seed: Number(values.seed),
  faults: Number(values.faults),
  rate: Number(values.rate),
  partitions: Number(values.partitions),
  ...(kinds ? { kinds: kinds.flat() as FaultKind[] } : {}),
  log: (line) => console.log(line),
})

const quantile = (sorted: readonly number[], q: number) =>
  sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)]
const byKind = Map.groupBy(report.faults, (fault: FaultResult) => fault.kind)
const rows = [...byKind]
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([kind, results]) => {
    const times = results.map((r) => r.recoveryMs ?? Number.POSITIVE_INFINITY).sort((a, b) => a - b)
    return {
      kind,
      faults: results.length,
      recoveryP50Ms: quantile(times, 0.5),
      recoveryP99Ms: quantile(times, 0.99),
      longestSilenceMs: Math.max(...results.map((r) => r.silenceMs)),
    }
  })
console.log('')
console.table(rows)
const { audit: books } = report
console.log(
  `seed ${report.seed}: ${report.faults.length} faults; ${books.eventsIn} events in = ${books.decisions} decisions + ${books.deadLetters} dead letters + ${books.duplicates} duplicates; ` +
    `lost ${books.missing.length}, doubled ${books.doubled.length + report.doubledDecisions}`,
)
for (const replay of report.replays) {
  console.log(
    `replay of ${replay.stage}: ${replay.inputs} records in, ${replay.outputs} out${replay.policyVersions.length > 0 ? ` under ${replay.policyVersions.length} policies` : ''}, ${replay.differences.length} differences, ${replay.stateDifferences.length} in state`,
  )
  for (const line of [...replay.differences, ...replay.stateDifferences].slice(0, 5)) console.log(`  ${line}`)
}
console.log(`report ${writeReport('chaos', { ...reportHead(startedAt), ...report, byKind: rows })}`)
console.log(report.holds ? 'holds' : 'DOES NOT HOLD')
process.exitCode = report.holds ? 0 : 1
