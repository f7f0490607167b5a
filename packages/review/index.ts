export * from './inspection.ts'
export * from './queue.ts'
