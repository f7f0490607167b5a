import { loadBundle, PolicyInUse, policyFolder, readPolicyFiles, ruleSetName } from '@wardline/policy'
import { refuseToStart, runStage } from '@wardline/stream'
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
  await runStage(createEnforceStage({ enforcement: policy.shipped, takePolicy }), {
    onCommitted: (metrics) => {
      policy.reportTo(metrics)
      return createDecisionCounter(metrics.registry)
    },
  })
} else {
  refuseToStart('enforce', 'the policy is not valid', loaded.problems)
}
