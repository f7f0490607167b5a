export { Features } from './features.ts'
export { loadModel, modelFile } from './load.ts'
export {
  type Contribution,
  createModel,
  type Model,
  type ModelScores,
  marginScale,
  readModel,
} from './model.ts'
export { explainingSpans } from './spans.ts'
export {
  decodeWeights,
  encodeWeights,
  FORMAT_VERSION,
  InvalidModelFile,
  MOST_BYTES,
  PROFILES,
  type Profile,
  WAYS,
  type Weights,
} from './weights-file.ts'
