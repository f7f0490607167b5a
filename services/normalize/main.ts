import { runStage } from '@wardline/stream'
import { makeForms, wellFormed } from '@wardline/text'
import { createNormalizeStage } from './stage.ts'

await runStage(createNormalizeStage({ folding: { makeForms, wellFormed } }))
