/** `make bench-policy`: what a published policy costs a stage when it changes over, from the record to the compiled classifier. */
import { reportHead, writeReport } from '@wardline/cli/report'
import { loadModel } from '@wardline/model'
import {
  controlRecord,
  createClassifier,
  openControlRecord,
  policyFolder,
  readPolicyFiles,
} from '@wardline/policy'

const TIMES = 21
const startedAt = new Date()
const files = readPolicyFiles(policyFolder(process.env))
const model = loadModel(policyFolder(process.env), process.env)
const record = controlRecord(files, { name: 'default', issuedBy: 'bench', issuedAt: 0 })

/** Processor time of each, ms: on a shared machine the time on the wall is mostly others'. */
function costs(work: () => void): number {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000
}
const opened: number[] = []
const compiled: number[] = []
for (let i = 0; i < TIMES; i++) {
  let bundle = undefined as ReturnType<typeof openControlRecord> | undefined
  opened.push(costs(() => void (bundle = openControlRecord(record))))
  compiled.push(costs(() => void createClassifier(bundle!.policy, model)))
}
const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!
// A stage has loaded and compiled its folder's policy once when the first publication reaches it.
const second = opened[1]! + compiled[1]!
const report = {
  ...reportHead(startedAt),
  payloadBytes: record.payload!.length,
  secondMs: second,
  medianMs: median(opened) + median(compiled),
  medianOpenMs: median(opened),
  medianCompileMs: median(compiled),
}
console.log(`payload                    ${report.payloadBytes} bytes`)
console.log(`first change of a process  ${second.toFixed(0)} ms of processor time`)
console.log(
  `later                      ${report.medianMs.toFixed(0)} ms, ${report.medianOpenMs.toFixed(0)} of them check, ${report.medianCompileMs.toFixed(0)} compile (median of ${TIMES})`,
)
console.log(`report ${writeReport('bench-policy', report)}`)
