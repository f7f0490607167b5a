import { parentPort, workerData } from 'node:worker_threads'
import fc from 'fast-check'
import { createTargets } from './targets.ts'

/** What the watching thread is told. */
export interface TargetResult {
  readonly name: string
  readonly inputs: number
  readonly slowestMs: number
  /** How it failed, with the seed and path that give the same input again; null where it held. */
  readonly failure: string | null
}
export interface FuzzOrder {
  readonly seed: number
  readonly inputs: number
  /** Of the target that runs and of the input it is at: what the watching thread sees stand still. */
  readonly progress: SharedArrayBuffer
  /** Runs this target alone. */
  readonly only?: string
}

const { seed, inputs, progress, only } = workerData as FuzzOrder
const at = new Int32Array(progress)
const { targets, release } = await createTargets()
try {
  for (const [i, target] of targets.entries()) {
    if (only !== undefined && target.name !== only) continue
    Atomics.store(at, 0, i)
    const numRuns = Math.ceil(inputs * target.share)
    let slowestMs = 0
    const property = fc.property(target.input, (input) => {
      Atomics.add(at, 1, 1)
      const started = performance.now()
      target.run(input)
      slowestMs = Math.max(slowestMs, performance.now() - started)
    })
    const details = fc.check(property, { seed, numRuns })
    const result: TargetResult = {
      name: target.name,
      inputs: details.numRuns,
      slowestMs,
      failure: details.failed ? `${details.errorInstance}\n${fc.defaultReportMessage(details)}` : null,
    }
    parentPort!.postMessage(result)
  }
} finally {
  release()
}
