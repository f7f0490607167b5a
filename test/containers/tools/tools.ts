import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const HERE = fileURLToPath(new URL('.', import.meta.url))
const FOLDER = fileURLToPath(new URL('../../../.wardline/tools/', import.meta.url))

/** A tool could not be built; the message ends with why. */
export class ToolProblem extends Error {
  override readonly name = 'ToolProblem'
}

/** Each with its package; the versions are in go.mod, their hashes in go.sum. */
export const TOOLS = {
  'docker-compose': 'github.com/docker/compose/v5/cmd',
  helm: 'helm.sh/helm/v3/cmd/helm',
  kubeconform: 'github.com/yannh/kubeconform/cmd/kubeconform',
} as const
export type Tool = keyof typeof TOOLS

const hash = createHash('sha256')
  .update(readFileSync(`${HERE}go.mod`))
  .update(readFileSync(`${HERE}go.sum`))
  .digest('hex')
  .slice(0, 12)

/** Where a tool is once `make test-containers` has built it: another version never meets an old one. */
export const toolPath = (tool: Tool): string => `${FOLDER}${hash}/${tool}`
export const hasTool = (tool: Tool): boolean => existsSync(toolPath(tool))

/** For Go: what it fetches and builds stays in the checkout. */
export const goEnvironment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  GOMODCACHE: `${FOLDER}modules`,
  GOCACHE: `${FOLDER}cache`,
  // Or the folder could not be deleted without changing its rights.
  GOFLAGS: '-modcacherw -buildvcs=false',
  GOTOOLCHAIN: 'local',
})

/** Why the tools cannot be built here, as a sentence; null where they can. */
export function goProblem(): string | null {
  const { status, error, stderr } = spawnSync('go', ['list', '-m'], {
    cwd: HERE,
    encoding: 'utf8',
    env: goEnvironment(),
  })
  if (error) return 'no go was found, with which helm, kubeconform and compose are built'
  // Such as a Go that is older than go.mod asks for.
  return status === 0 ? null : stderr.trim().slice(-300)
}

/** Builds those that are missing. Throws ToolProblem with what Go said. */
export async function buildTools(): Promise<void> {
  const missing = (Object.keys(TOOLS) as Tool[]).filter((tool) => !hasTool(tool))
  for (const tool of missing) {
    console.log(`building ${tool} …`)
    await new Promise<void>((resolve, reject) => {
      const go = spawn('go', ['build', '-p', '2', '-ldflags', '-s -w', '-o', toolPath(tool), TOOLS[tool]], {
        cwd: HERE,
        env: goEnvironment(),
        stdio: ['ignore', 'ignore', 'pipe'],
      })
      let said = ''
      go.stderr.on('data', (chunk) => (said = (said + chunk).slice(-2_000)))
      go.once('error', reject)
      go.once('close', (code) =>
        code === 0 ? resolve() : reject(new ToolProblem(`${tool} could not be built:\n${said.trim()}`)),
      )
    })
  }
}
