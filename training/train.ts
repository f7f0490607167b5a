/** `make train`: trains the models of both profiles, or of one, and writes their files. */
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { encodeWeights, MOST_BYTES, modelFile, PROFILES, type Profile } from '@wardline/model'
import { DEFAULTS, MissingData, trainingRows, trainModel, withoutDevTexts } from './train-model.ts'

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: '../shared/data' },
    profile: { type: 'string', multiple: true },
    /** Every n-th row only, to try things out. */
    every: { type: 'string', default: '1' },
    out: { type: 'string', default: fileURLToPath(new URL('../policy/', import.meta.url)) },
  },
})

try {
  for (const profile of (values.profile ?? PROFILES) as Profile[]) {
    if (!PROFILES.includes(profile)) throw new MissingData(`there is no profile ${profile}: open, research`)
    const started = performance.now()
    const log = (line: string) =>
      console.log(`${profile} ${((performance.now() - started) / 1000).toFixed(0).padStart(4)} s  ${line}`)
    const every = Number(values.every)
    const all = withoutDevTexts(trainingRows(values.data, profile, DEFAULTS.seed), values.data)
    const rows = all.filter((_, i) => i % every === 0)
    const file = encodeWeights(trainModel(rows, values.data, { ...DEFAULTS, profile }, log))
    if (file.length > MOST_BYTES)
      throw new RangeError(`the file has ${file.length} bytes, more than ${MOST_BYTES}`)
    const path = modelFile(values.out, profile)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, file)
    log(
      `${path}: ${file.length} bytes, sha256 ${createHash('sha256').update(file).digest('hex').slice(0, 12)}`,
    )
  }
} catch (error) {
  if (!(error instanceof MissingData)) throw error
  console.error(`train: ${error.message}`)
  process.exitCode = 1
}
