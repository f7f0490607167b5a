import { InvalidModelFile, loadModel } from '@wardline/model'
import { createClassifier, loadPolicy, policyFolder } from '@wardline/policy'
import { refuseToStart, runStage } from '@wardline/stream'
import { Gauge } from 'prom-client'
import { createClassifyStage } from './stage.ts'

function modelOrReason() {
  try {
    return loadModel(policyFolder(process.env), process.env)
  } catch (error) {
    if (error instanceof InvalidModelFile) return error
    throw error
  }
}

const loaded = loadPolicy(policyFolder(process.env))
const model = modelOrReason()
if (model instanceof InvalidModelFile) {
  refuseToStart('classify', 'the model cannot be used', [{ message: model.message }])
} else if (loaded.ok) {
  const classifier = createClassifier(loaded.policy, model)
  await runStage(createClassifyStage({ classifier }), {
    onCommitted: ({ registry }) => {
      const info = {
        name: 'wardline_policy_info',
        help: 'Version of the rules in use.',
        labelNames: ['version'] as const,
      }
      new Gauge({ ...info, registers: [registry] }).set({ version: classifier.policyVersion }, 1)
      return () => {}
    },
  })
} else {
  refuseToStart('classify', 'the policy is not valid', loaded.problems)
}
