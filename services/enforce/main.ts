import { fileURLToPath } from 'node:url'
import { loadEnforcement } from '@wardline/policy/enforcement'
import { createLogger, runStage } from '@wardline/stream'
import { createBreakerAlert } from './breaker-alert.ts'
import { createDecisionCounter } from './decision-counter.ts'
import { createEnforceStage } from './stage.ts'

const folder = process.env.WARDLINE_POLICY_FOLDER ?? fileURLToPath(new URL('../../policy', import.meta.url))
const loaded = loadEnforcement(folder)
if (loaded.ok) {
  const logger = createLogger({ service: 'enforce', level: process.env.WARDLINE_LOG_LEVEL ?? 'info' })
  await runStage(createEnforceStage({ enforcement: loaded.enforcement }), {
    onCommitted: ({ registry }) => {
      const count = createDecisionCounter(registry)
      const alert = createBreakerAlert(registry, logger, Date.now)
      return (decision) => {
        count(decision)
        alert(decision)
      }
    },
  })
} else {
  for (const { file, line, message } of loaded.problems) console.error(`${file}:${line}: ${message}`)
  process.exitCode = 1
}
