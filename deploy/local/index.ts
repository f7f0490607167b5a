export { type Artifacts, artifactsProblem, ensureArtifacts } from './artifacts.ts'
export { SINGLE_NODE_SETTINGS } from './broker.ts'
export type { Child } from './child.ts'
export { type Console, type ConsoleOptions, startConsole } from './console.ts'
export { type Credentials, clientEnvironment, type User } from './credentials.ts'
export { interruption } from './interruption.ts'
export { checkPorts, freePorts, portsFromEnvironment, type StackPorts } from './ports.ts'
export { LocalStackProblem } from './problems.ts'
export { type Service, startService } from './services.ts'
export {
  readStack,
  registerTopicSchemas,
  type Stack,
  type StackFile,
  type StackOptions,
  startStack,
  stopStack,
} from './stack.ts'
