import { InvalidModelFile, loadModel } from '@wardline/model'
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

function modelOrReason() {
  try {
    return loadModel(policyFolder(process.env), process.env)
  } catch (error) {
    if (error instanceof InvalidModelFile) return error
    throw error
  }
}

const loaded = loadBundle(readPolicyFiles(policyFolder(process.env)))
const model = modelOrReason()
if (model instanceof InvalidModelFile) {
  refuseToStart('classify', 'the model cannot be used', [{ message: model.message }])
} else if (loaded.ok) {
  const policy = new PolicyInUse({
    ruleSet: ruleSetName(process.env),
    shipped: loaded.bundle,
    compile: (bundle) => createClassifier(bundle.policy, model),
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
