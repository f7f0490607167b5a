import { constants } from 'node:os'
import { LocalStackProblem } from './problems.ts'

/** Ctrl-C and SIGTERM while an attached stack runs: end it in order, then end as asked. */
export function interruption() {
  let reject: (error: Error) => void = () => {}
  const promise = new Promise<never>((_, no) => (reject = no))
  promise.catch(() => {})
  const onSignal = (signal: NodeJS.Signals) => {
    process.exitCode = 128 + constants.signals[signal]
    reject(new LocalStackProblem(`stopped by ${signal}`))
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return {
    /** The result of `work`, unless a signal comes first. */
    orDone: <T>(work: Promise<T>): Promise<T> => Promise.race([work, promise]),
    release() {
      process.off('SIGINT', onSignal)
      process.off('SIGTERM', onSignal)
    },
  }
}
