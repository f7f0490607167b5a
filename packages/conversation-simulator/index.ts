export { PARAMETERS } from './parameters.ts'
export {
  type Conversation,
  type ConversationKind,
  type SimulatedMessage,
  Simulator,
  type WordingName,
} from './simulator.ts'
export { BRISK } from './texts/brisk.ts'
export { COLLOQUIAL } from './texts/colloquial.ts'
export { DEVELOPMENT } from './texts/development.ts'
export { FITTING } from './texts/fitting.ts'
export { ROUNDABOUT } from './texts/roundabout.ts'
export { TESTING } from './texts/testing.ts'
export { HONEST_SCENARIOS, type HonestScenario, type Wording } from './texts/wording.ts'
export { WORDY } from './texts/wordy.ts'
