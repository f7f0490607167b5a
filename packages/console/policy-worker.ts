import { parentPort, workerData } from 'node:worker_threads'
import { backtest, topicEvents } from '@wardline/backtest'
import { usablePolicy } from '@wardline/control'
import { loadModel } from '@wardline/model'
import { checkPolicy, policyChanges, policyFolder } from '@wardline/policy'
import { openConnection } from '@wardline/records'
import { readSettings } from '@wardline/stream'
import type { PolicyCheck } from './pages/policy.ts'
import type { PolicyTask } from './policy-tasks.ts'

// A thread of its own: checking runs every example, a backtest thousands of events, and pages are to be answered meanwhile.
const task = workerData as PolicyTask
const model = loadModel(policyFolder(process.env), process.env)

async function work(): Promise<unknown> {
  const files = new Map(task.files)
  switch (task.kind) {
    case 'check': {
      const problems = checkPolicy(files, task.now, model)
      if (problems.length > 0) return { version: task.version, problems, changes: null } satisfies PolicyCheck
      const changes =
        task.current === null
          ? null
          : policyChanges(
              usablePolicy(new Map(task.current), 'the version in force'),
              usablePolicy(files, task.version),
            )
      return { version: task.version, problems, changes } satisfies PolicyCheck
    }
    case 'backtest': {
      const connection = openConnection(readSettings(process.env), 'wardline-console')
      return backtest(
        topicEvents(connection, task.events),
        usablePolicy(new Map(task.before), 'the version in force'),
        usablePolicy(files, task.version),
        { showText: false, model },
      )
    }
  }
}

parentPort!.postMessage(await work())
