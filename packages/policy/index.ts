export { Automaton } from './automaton.ts'
export { type Classification, type Classifier, type ClassifierInput, createClassifier } from './classifier.ts'
export { type ContactHandle, type ContactKind, findContactHandles } from './contact-handles.ts'
export { contactHashesOf, fingerprintHalves, fingerprintOf } from './fingerprint.ts'
export { policyFolder } from './folder.ts'
export {
  type LexiconTerm,
  type LoadedPolicy,
  loadPolicy,
  type Policy,
  type PolicyProblem,
  parseYaml,
} from './load.ts'
export {
  CAMPAIGN_ITEMS,
  type Rule,
  type RuleExample,
  ruleFileSchema,
  SIGNALS,
  type Signal,
  type Thresholds,
} from './rules.ts'
