export type { Child } from './child.ts'
export { freePorts, type StackPorts } from './ports.ts'
export { LocalStackProblem } from './problems.ts'
export { type Service, startService, startServices } from './services.ts'
export {
  readStack,
  registerTopicSchemas,
  type Stack,
  type StackFile,
  type StackOptions,
  startStack,
  stopStack,
} from './stack.ts'
