import { loadBundle, PolicyInUse, policyFolder, readPolicyFiles, ruleSetName } from '@wardline/policy'
import { createLogger, refuseToStart, runStage } from '@wardline/stream'
import { createBreakerAlert } from './breaker-alert.ts'
import { createDecisionCounter } from './decision-counter.ts'
import { createEnforceStage } from './stage.ts'

const loaded = loadBundle(readPolicyFiles(policyFolder(process.env)))
if (loaded.ok) {
  const policy = new PolicyInUse({
    ruleSet: ruleSetName(process.env),
    shipped: loaded.bundle,
    compile: (bundle) => bundle.enforcement,
  })
  const takePolicy = policy.take.bind(policy)
  const logger = createLogger({ service: 'enforce', level: process.env.WARDLINE_LOG_LEVEL ?? 'info' })
  await runStage(createEnforceStage({ enforcement: policy.shipped, takePolicy }), {
    onCommitted: (metrics) => {
      policy.reportTo(metrics)
      const count = createDecisionCounter(metrics.registry)
      const alert = createBreakerAlert(metrics.registry, logger, Date.now)
      return (decision) => {
        count(decision)
        alert(decision)
      }
    },
  })
} else {
  refuseToStart('enforce', 'the policy is not valid', loaded.problems)
}
