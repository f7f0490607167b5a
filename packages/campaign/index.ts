export * from './campaign.ts'
export * from './from-topics.ts'
export * from './items.ts'
export * from './page.ts'
