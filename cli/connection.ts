import { existsSync, readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { type Connection, openConnection } from '@wardline/records'
import { InvalidSettings, readSettings } from '@wardline/stream'

/** Where `wardline up` writes how to reach the stack that it started: WARDLINE_STACK_FOLDER, so that two can run. */
export const STACK_FOLDER = process.env.WARDLINE_STACK_FOLDER
  ? pathToFileURL(`${process.env.WARDLINE_STACK_FOLDER}/`)
  : new URL('../.wardline/local/', import.meta.url)

/**
 * From WARDLINE_BROKERS and WARDLINE_REGISTRY_URL, else from the stack that `wardline up` started. Throws
 * InvalidSettings with the remedy where there is neither.
 */
export function connect(env: NodeJS.ProcessEnv = process.env): Connection {
  return openConnection(readSettings({ ...localStack(env), ...env }), 'wardline-cli', env.WARDLINE_LOG_LEVEL)
}

function localStack(env: NodeJS.ProcessEnv): Record<string, string> {
  if (env.WARDLINE_BROKERS) return {}
  const file = new URL('stack.json', STACK_FOLDER)
  if (!existsSync(file)) {
    throw new InvalidSettings(
      'no broker to talk to: start the local stack with `bin/wardline up`, or set WARDLINE_BROKERS and WARDLINE_REGISTRY_URL',
    )
  }
  const { brokers, registryUrl } = JSON.parse(readFileSync(file, 'utf8')) as {
    brokers: string[]
    registryUrl: string
  }
  return { WARDLINE_BROKERS: brokers.join(','), WARDLINE_REGISTRY_URL: registryUrl }
}
