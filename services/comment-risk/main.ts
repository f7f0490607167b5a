import { runStage } from '@wardline/stream'
import { createCommentRiskStage } from './stage.ts'

await runStage(createCommentRiskStage())
