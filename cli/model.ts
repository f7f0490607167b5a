import { InvalidModelFile, loadModel, type Model } from '@wardline/model'
import { policyFolder } from '@wardline/policy'
import { InvalidSettings } from '@wardline/stream'

/** The model that WARDLINE_MODEL names, as classify loads it. Throws InvalidSettings with the remedy. */
export function modelInUse(env: NodeJS.ProcessEnv = process.env): Model | null {
  try {
    return loadModel(policyFolder(env), env)
  } catch (error) {
    if (error instanceof InvalidModelFile) throw new InvalidSettings(error.message)
    throw error
  }
}
