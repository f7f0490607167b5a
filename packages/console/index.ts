export type { ConsoleContext } from './context.ts'
export { runConsole } from './run-console.ts'
export { createServer } from './server.ts'
export { type ConsoleSettings, readConsoleSettings } from './settings.ts'
