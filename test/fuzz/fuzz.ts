import { Worker } from 'node:worker_threads'
import type { FuzzOrder, TargetResult } from './fuzz-worker.ts'

export interface FuzzReport {
  readonly seed: number
  readonly results: readonly TargetResult[]
  /** What hung or ended the thread; null where nothing did. */
  readonly stopped: string | null
}

/** No input may take longer; far above what any takes on a busy machine. */
const HANGS_AFTER_MS = 20_000

/**
 * Gives bad input to everything that reads what others wrote. It runs in a thread of its own, so that one that hangs is
 * seen and named instead of hanging this one. The same seed gives the same inputs.
 */
export async function fuzz(options: { seed: number; inputs: number; only?: string }): Promise<FuzzReport> {
  const progress = new SharedArrayBuffer(8)
  const at = new Int32Array(progress)
  const order: FuzzOrder = { ...options, progress }
  const worker = new Worker(new URL('./fuzz-worker.ts', import.meta.url), { workerData: order })
  const results: TargetResult[] = []
  let stopped: string | null = null
  let seen = -1
  let seenAt = performance.now()
  const watch = setInterval(() => {
    // Before its first input the thread reads model and policy, which takes as long as the machine is busy.
    if (at[1] !== seen || at[1] === 0) {
      seen = at[1]!
      seenAt = performance.now()
    } else if (performance.now() - seenAt > HANGS_AFTER_MS) {
      stopped = `target ${at[0]} hangs at input ${at[1]} of seed ${options.seed}`
      void worker.terminate()
    }
  }, 500)
  try {
    await new Promise<void>((resolve) => {
      worker.on('message', (result: TargetResult) => results.push(result))
      worker.on('error', (error: unknown) => {
        stopped ??= error instanceof Error ? (error.stack ?? error.message) : String(error)
      })
      worker.on('exit', () => resolve())
    })
  } finally {
    clearInterval(watch)
  }
  return { seed: options.seed, results, stopped }
}

export const holds = (report: FuzzReport): boolean =>
  report.stopped === null &&
  report.results.length > 0 &&
  report.results.every(({ failure }) => failure === null)
