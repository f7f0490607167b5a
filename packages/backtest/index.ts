export * from './backtest.ts'
