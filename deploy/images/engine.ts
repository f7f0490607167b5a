import { spawn, spawnSync } from 'node:child_process'

/** A command of the container engine failed; the message ends with what it said. */
export class EngineProblem extends Error {
  override readonly name = 'EngineProblem'
  /** Tells the command line to print the message alone. */
  readonly remedy = true
}

/** Why no containers can run here, as a sentence; null where they can. */
export function engineProblem(): string | null {
  const { status, error, stderr } = spawnSync('docker', ['version', '--format', '{{.Server.Version}}'], {
    encoding: 'utf8',
  })
  if (error) return 'no docker was found: install it (Debian: apt-get install docker.io) and run this again'
  if (status === 0) return null
  return `the container engine does not answer (${stderr.trim().split('\n')[0]}): start it and run this again`
}

export interface DockerInput {
  /** Piped into docker: the command that makes a tar, with its arguments. */
  readonly tar?: readonly string[]
}

/** Runs docker and returns what it printed; throws EngineProblem with the end of its output. */
export function docker(args: readonly string[], input: DockerInput = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('docker', args, { stdio: ['pipe', 'pipe', 'pipe'] })
    let out = ''
    let end = ''
    child.stdout.on('data', (chunk) => {
      out += chunk
      end = (end + chunk).slice(-4_000)
    })
    child.stderr.on('data', (chunk) => (end = (end + chunk).slice(-4_000)))
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) return resolve(out.trim())
      reject(new EngineProblem(`docker ${args.slice(0, 2).join(' ')} failed:\n${end.trim()}`))
    })
    if (input.tar) {
      const [command, ...rest] = input.tar
      const tar = spawn(command!, rest, { stdio: ['ignore', 'pipe', 'inherit'] })
      tar.once('error', reject)
      // docker may end first; what it says then is what counts.
      child.stdin.on('error', () => {})
      tar.stdout.pipe(child.stdin)
    } else child.stdin.end()
  })
}

/** Bytes of an image, or null where the engine has none of that name. */
export async function imageSize(name: string): Promise<number | null> {
  try {
    return Number(await docker(['image', 'inspect', '--format', '{{.Size}}', name]))
  } catch {
    return null
  }
}
