import { createClassifier, loadPolicy, policyFolder } from '@wardline/policy'
import { refuseToStart, runStage } from '@wardline/stream'
import { Gauge } from 'prom-client'
import { createClassifyStage } from './stage.ts'

const loaded = loadPolicy(policyFolder(process.env))
if (loaded.ok) {
  const classifier = createClassifier(loaded.policy)
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
