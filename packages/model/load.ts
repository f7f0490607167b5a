import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Model, readModel } from './model.ts'
import { InvalidModelFile, PROFILES } from './weights-file.ts'

/** File of a profile below the policy folder. */
export const modelFile = (policyFolder: string, profile: string): string =>
  join(policyFolder, 'model', `${profile}.bin`)

/**
 * The model that WARDLINE_MODEL names: open (the default), research or off (null). Throws InvalidModelFile with the
 * file and a remedy.
 */
export function loadModel(
  policyFolder: string,
  env: Readonly<Record<string, string | undefined>>,
): Model | null {
  const setting = env.WARDLINE_MODEL || 'open'
  if (setting === 'off') return null
  if (!PROFILES.some((profile) => profile === setting))
    throw new InvalidModelFile(`WARDLINE_MODEL is ${setting}: it must be open, research or off`)
  const file = modelFile(policyFolder, setting)
  let bytes: Uint8Array
  try {
    bytes = readFileSync(file)
  } catch (error) {
    throw new InvalidModelFile(
      `${file} cannot be read (${(error as NodeJS.ErrnoException).code}): restore it from the release, make it with \`make train\`, or set WARDLINE_MODEL=off`,
    )
  }
  try {
    return readModel(bytes)
  } catch (error) {
    if (!(error instanceof InvalidModelFile)) throw error
    throw new InvalidModelFile(
      `${file}: ${error.message}; restore it from the release, make it with \`make train\`, or set WARDLINE_MODEL=off`,
    )
  }
}
