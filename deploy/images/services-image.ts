import { fileURLToPath } from 'node:url'
import { docker } from './engine.ts'
import { basesFromEnvironment, imageNames } from './names.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** What it is built and what it runs on where no image registry is; `make images` makes them. */
export const NODE_BUILD = 'wardline/node-build:local'
export const NODE_RUNTIME = 'wardline/node:local'

/** The image of the services, the console and the command line, of this checkout as it is. */
export function buildServicesImage(): Promise<string> {
  const local = basesFromEnvironment(process.env) === 'debootstrap'
  const bases = local
    ? ['--build-arg', `BUILD_BASE=${NODE_BUILD}`, '--build-arg', `RUNTIME_BASE=${NODE_RUNTIME}`]
    : []
  const { services } = imageNames(process.env)
  return docker([
    'build',
    '--tag',
    services,
    '--file',
    `${ROOT}deploy/images/services/Dockerfile`,
    ...bases,
    ROOT,
  ])
}
