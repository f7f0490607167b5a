/** What a fit of the weights in policy/risk.yaml reads: the features as the stage computes them. */
export { ACCOUNT, pileOnFeatures, threadOf } from './account.ts'
export { approachWeight } from './age.ts'
export { approachFeatures } from './approach.ts'
export { hashOf } from './ids.ts'
export { unpackPair } from './pair.ts'
export { hostilityOf } from './risk.ts'
