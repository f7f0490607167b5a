import { fileURLToPath } from 'node:url'

/** Folder of the rules: WARDLINE_POLICY_FOLDER, else the one of the repository. */
export const policyFolder = (env: Readonly<Record<string, string | undefined>>): string =>
  env.WARDLINE_POLICY_FOLDER || fileURLToPath(new URL('../../policy/', import.meta.url))
