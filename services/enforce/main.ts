import { fileURLToPath } from 'node:url'
import { loadEnforcement } from '@wardline/policy/enforcement'
import { runStage } from '@wardline/stream'
import { createDecisionCounter } from './decision-counter.ts'
import { createEnforceStage } from './stage.ts'

const folder = process.env.WARDLINE_POLICY_FOLDER ?? fileURLToPath(new URL('../../policy', import.meta.url))
const loaded = loadEnforcement(folder)
if (loaded.ok) {
  await runStage(createEnforceStage({ enforcement: loaded.enforcement }), {
    onCommitted: (metrics) => createDecisionCounter(metrics.registry),
  })
} else {
  for (const { file, line, message } of loaded.problems) console.error(`${file}:${line}: ${message}`)
  process.exitCode = 1
}
