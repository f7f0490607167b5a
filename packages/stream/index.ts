export * from './results.ts'
export * from './stage.ts'
export * from './state.ts'
export * from './topics.ts'
