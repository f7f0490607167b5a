export { Features } from './features.ts'
export { type Contribution, createModel, type Model, type ModelScores, marginScale, readModel } from './model.ts'
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
