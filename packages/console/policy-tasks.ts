import { Worker } from 'node:worker_threads'

type FileEntries = readonly (readonly [string, string])[]

/** Work on a policy that takes seconds. Files as entries: what a thread can be given. */
export type PolicyTask =
  | {
      readonly kind: 'check'
      readonly version: string
      readonly files: FileEntries
      readonly current: FileEntries | null
      readonly now: number
    }
  | {
      readonly kind: 'backtest'
      readonly version: string
      readonly files: FileEntries
      readonly before: FileEntries
      readonly events: number
    }

export type TaskResult = { readonly done: unknown } | { readonly failed: string }

const KEPT = 20

/** Tasks by a key that says what they are about; each is done once, one after the other, and its result kept for a while. */
export class PolicyTasks {
  readonly #results = new Map<string, TaskResult | undefined>()
  #last: Promise<unknown> = Promise.resolve()
  #worker: Worker | undefined

  /** The result; undefined while it is under way. One that failed is told once, and tried anew when it is asked for again. */
  result(key: string, task: () => PolicyTask): TaskResult | undefined {
    if (!this.#results.has(key)) {
      for (const [old, result] of this.#results) {
        if (this.#results.size < KEPT) break
        if (result) this.#results.delete(old)
      }
      this.#results.set(key, undefined)
      this.#last = this.#last.then(async () => {
        const result = await this.#run(task())
        this.#results.set(key, result)
      })
    }
    const result = this.#results.get(key)
    if (result && 'failed' in result) this.#results.delete(key)
    return result
  }

  has(key: string): boolean {
    return this.#results.has(key)
  }

  /** A result that is there; undefined where it is not, or the task was never given. */
  known(key: string): TaskResult | undefined {
    return this.#results.get(key)
  }

  async stop(): Promise<void> {
    await this.#worker?.terminate()
  }

  #run(task: PolicyTask): Promise<TaskResult> {
    return new Promise((resolve) => {
      const worker = new Worker(new URL('./policy-worker.ts', import.meta.url), {
        workerData: task,
        execArgv: ['--disable-warning=TimeoutNegativeWarning'],
      })
      this.#worker = worker
      worker.once('message', (done: unknown) => {
        resolve({ done })
        void worker.terminate()
      })
      worker.once('error', (error) => resolve({ failed: error.message }))
      worker.once('exit', (exitCode) => resolve({ failed: `ended with ${exitCode}` }))
    })
  }
}
