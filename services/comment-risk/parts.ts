/** What fits and benchmarks read of the stage: its state and features as it computes them. */
export { pileOnFeatures, threadOf } from './account.ts'
export { approachWeight } from './age.ts'
export { approachFeatures } from './approach.ts'
export { countWithin, NOBODY_YET, withAccount } from './distinct.ts'
export { hashOf } from './ids.ts'
export {
  afterAnswer,
  afterMessage,
  marksOf,
  NEW_PAIR,
  type Pair,
  packPair,
  pairCodec,
  unpackPair,
} from './pair.ts'
export { recruitingFeatures, showsRecruiting } from './recruiting.ts'
export { hostilityOf } from './risk.ts'
