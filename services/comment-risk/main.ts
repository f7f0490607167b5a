import { loadBundle, PolicyInUse, policyFolder, readPolicyFiles, ruleSetName } from '@wardline/policy'
import { refuseToStart, runStage } from '@wardline/stream'
import { createCommentRiskStage } from './stage.ts'

const loaded = loadBundle(readPolicyFiles(policyFolder(process.env)))
if (loaded.ok) {
  const policy = new PolicyInUse({
    ruleSet: ruleSetName(process.env),
    shipped: loaded.bundle,
    compile: (bundle) => bundle.risk,
  })
  const takePolicy = policy.take.bind(policy)
  await runStage(createCommentRiskStage({ risk: policy.shipped, takePolicy }), {
    onCommitted: (metrics) => {
      policy.reportTo(metrics)
      return () => {}
    },
  })
} else {
  refuseToStart('comment-risk', 'the policy is not valid', loaded.problems)
}
