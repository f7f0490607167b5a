export { Automaton } from './automaton.ts'
export {
  controlRecord,
  filesOf,
  type LoadedBundle,
  loadBundle,
  openControlRecord,
  POLICY_REFUSALS,
  type PolicyBundle,
  type PolicyRefusal,
  PolicyRefused,
  ruleSetKey,
  ruleSetOf,
} from './bundle.ts'
export { type PolicyChange, policyChanges } from './changes.ts'
export { checkPolicy } from './check.ts'
export { type Classification, type Classifier, type ClassifierInput, createClassifier } from './classifier.ts'
export { type ContactHandle, type ContactKind, findContactHandles } from './contact-handles.ts'
export { contactHashesOf, differingBits, fingerprintOf } from './fingerprint.ts'
export { policyFolder, ruleSetName } from './folder.ts'
export {
  type LexiconTerm,
  type LoadedPolicy,
  loadPolicy,
  type Policy,
  parsePolicy,
  parseYaml,
  type RuleLocator,
} from './load.ts'
export { type PolicyFiles, type PolicyProblem, policyVersion, readPolicyFiles } from './policy-files.ts'
export { PolicyInUse, type PolicyReport } from './policy-in-use.ts'
export {
  CAMPAIGN_ITEMS,
  type Rule,
  type RuleExample,
  ruleFileSchema,
  SIGNALS,
  type Signal,
  type Thresholds,
} from './rules.ts'
