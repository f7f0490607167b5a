import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { startTimeOf } from './child.ts'
import { javaProblem, javaVersionLine, mavenFound, mavenProblem } from './prerequisites.ts'
import { LocalStackProblem } from './problems.ts'

const POM = fileURLToPath(new URL('pom.xml', import.meta.url))
const FOLDER = fileURLToPath(new URL('../../.wardline/artifacts/', import.meta.url))

/** Where the broker's jars and the registry's program are. */
export interface Artifacts {
  readonly kafkaJars: string
  readonly registryJar: string
}

/**
 * Fetches broker and registry by Maven where they are missing, into a folder named by the pom's hash: another
 * version never meets an old one's jars. A fetch that breaks off leaves nothing that counts as complete.
 */
export async function ensureArtifacts(log: (line: string) => void): Promise<Artifacts> {
  const problem = artifactsProblem()
  if (problem) throw new LocalStackProblem(problem)
  const hash = artifactsHash()
  const folder = `${FOLDER}${hash}`
  if (existsSync(folder)) return artifactsIn(folder)

  log('fetching the broker and the registry from Maven (once, about 150 MB) …')
  removeAbandoned()
  const partial = `${FOLDER}${hash}.${process.pid}.partial`
  rmSync(partial, { recursive: true, force: true })
  mkdirSync(partial, { recursive: true })
  try {
    await runMaven(partial)
    try {
      renameSync(partial, folder)
    } catch (error) {
      // Another process may have been first; its copy is as good.
      if (!existsSync(folder)) throw error
    }
  } finally {
    rmSync(partial, { recursive: true, force: true })
  }
  return artifactsIn(folder)
}

/** What this machine lacks to run broker and registry as processes, as a sentence with the remedy; null where nothing. */
export function artifactsProblem(): string | null {
  const java = javaProblem(javaVersionLine())
  if (java || existsSync(`${FOLDER}${artifactsHash()}`)) return java
  return mavenProblem(mavenFound())
}

const artifactsHash = () => createHash('sha256').update(readFileSync(POM)).digest('hex').slice(0, 12)

function artifactsIn(folder: string): Artifacts {
  // The version is the pom's to know.
  const jar = readdirSync(`${folder}/registry`).find((name) => name.endsWith('-runner.jar'))
  if (!jar) {
    throw new LocalStackProblem(
      `The registry's program is missing in ${folder}: delete that folder and run this again.`,
    )
  }
  return { kafkaJars: `${folder}/kafka`, registryJar: `${folder}/registry/${jar}` }
}

/** Half a fetch stays behind where its process was killed. */
function removeAbandoned(): void {
  if (!existsSync(FOLDER)) return
  for (const name of readdirSync(FOLDER)) {
    const pid = /\.(\d+)\.partial$/.exec(name)?.[1]
    if (pid && startTimeOf(Number(pid)) === null) rmSync(`${FOLDER}${name}`, { recursive: true, force: true })
  }
}

function runMaven(target: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const maven = spawn('mvn', ['-B', '-q', '-f', POM, `-Dartifacts=${target}`, 'package'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    for (const stream of [maven.stdout, maven.stderr])
      stream.on('data', (chunk) => (output = (output + chunk).slice(-4_000)))
    maven.on('error', reject)
    maven.on('close', (code) => {
      if (code === 0) return resolve()
      const lines = output
        .split('\n')
        .filter((line) => line.includes('ERROR'))
        .slice(0, 3)
      reject(
        new LocalStackProblem(
          `Maven could not fetch the broker and the registry; check the network and Maven's settings and run this again.\n${lines.join('\n')}`,
        ),
      )
    })
  })
}
