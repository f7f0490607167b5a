import {
  createClassifier,
  loadBundle,
  PolicyInUse,
  policyFolder,
  readPolicyFiles,
  ruleSetName,
} from '@wardline/policy'
import { refuseToStart, runStage } from '@wardline/stream'
import { createClassifyStage } from './stage.ts'

const loaded = loadBundle(readPolicyFiles(policyFolder(process.env)))
if (loaded.ok) {
  const policy = new PolicyInUse({
    ruleSet: ruleSetName(process.env),
    shipped: loaded.bundle,
    compile: (bundle) => createClassifier(bundle.policy),
  })
  const takePolicy = policy.take.bind(policy)
  await runStage(createClassifyStage({ classifier: policy.shipped, takePolicy }), {
    onCommitted: (metrics) => {
      policy.reportTo(metrics)
      return () => {}
    },
  })
} else {
  refuseToStart('classify', 'the policy is not valid', loaded.problems)
}
