export * from './orders.ts'
export * from './publications.ts'
