import { spawn, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { EngineProblem, engineProblem } from '../images/engine.ts'

export const COMPOSE_FILE = fileURLToPath(new URL('compose.yaml', import.meta.url))

/** `docker compose`, or a compose of another place; null where there is none. Version 1 lacks what is used here. */
export function findCompose(standalone: string): readonly string[] | null {
  for (const command of [['docker', 'compose'], [standalone]]) {
    const [program, ...args] = command
    const { status, stdout } = spawnSync(program!, [...args, 'version', '--short'], { encoding: 'utf8' })
    if (status === 0 && !/^v?1\./.test(stdout)) return command
  }
  return null
}

/** Why `docker compose up` cannot work here, as a sentence; null where it can. */
export function composeProblem(standalone: string): string | null {
  const engine = engineProblem()
  if (engine) return engine
  if (findCompose(standalone)) return null
  return 'docker has no compose: install its plugin (Debian: apt-get install docker-compose-plugin or docker-compose-v2) and run this again'
}

/** Runs compose on our file and returns what it printed; throws EngineProblem with the end of its output. */
export function compose(
  command: readonly string[],
  project: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<string> {
  const [program, ...rest] = command
  return new Promise((resolve, reject) => {
    const child = spawn(
      program!,
      [...rest, '--project-name', project, '--file', COMPOSE_FILE, '--progress', 'quiet', ...args],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, ...env },
        // Its own group: Ctrl-C in the terminal reaches us alone, and we end the stack in order.
        detached: true,
        ...(signal && { signal }),
      },
    )
    let out = ''
    let end = ''
    child.stdout.on('data', (chunk) => (out += chunk))
    child.stderr.on('data', (chunk) => (end = (end + chunk).slice(-3_000)))
    // An abort is an error too, and comes before the process has ended.
    child.once('error', (error) => (child.pid === undefined ? reject(error) : undefined))
    child.once('close', (code) =>
      code === 0
        ? resolve(out)
        : reject(new EngineProblem(`docker compose ${args[0]} failed:\n${end.trim() || out.slice(-3_000)}`)),
    )
  })
}
