import { fileURLToPath } from 'node:url'

type Environment = Readonly<Record<string, string | undefined>>

/** Folder of the rules: WARDLINE_POLICY_FOLDER, else the one of the repository. */
export const policyFolder = (env: Environment): string =>
  env.WARDLINE_POLICY_FOLDER || fileURLToPath(new URL('../../policy/', import.meta.url))

/** Name under which policies are published for these services: WARDLINE_RULE_SET, else `default`. */
export const ruleSetName = (env: Environment): string => env.WARDLINE_RULE_SET || 'default'
