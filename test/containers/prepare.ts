/**
 * Builds what the container tests want: the images, and helm, kubeconform and compose. Both at once: one mostly waits
 * for packages, the other for the compiler. Exit code 3 where neither can be had here, which is said.
 */
import { LocalStackProblem } from '@wardline/local'
import { buildImages } from '../../deploy/images/build.ts'
import { EngineProblem, engineProblem } from '../../deploy/images/engine.ts'
import { buildTools, goProblem, ToolProblem } from './tools/tools.ts'

async function prepared(what: string, problem: string | null, build: () => Promise<void>): Promise<boolean> {
  if (problem) {
    console.log(`${what}: not built, and what wants them is skipped: ${problem}`)
    return false
  }
  const started = performance.now()
  await build()
  console.log(`${what} ready after ${Math.round((performance.now() - started) / 1000)} s`)
  return true
}

const results = await Promise.allSettled([
  prepared('images', engineProblem(), buildImages),
  prepared('helm, kubeconform and compose', goProblem(), buildTools),
])
process.exitCode = results.every((result) => result.status === 'fulfilled' && !result.value) ? 3 : 0
for (const result of results) {
  if (result.status === 'fulfilled') continue
  const { reason } = result
  if (
    !(reason instanceof EngineProblem || reason instanceof LocalStackProblem || reason instanceof ToolProblem)
  )
    throw reason
  console.error(reason.message)
  process.exitCode = 1
}
