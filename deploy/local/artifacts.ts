import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { javaProblem, javaVersionLine, mavenFound, mavenProblem } from './prerequisites.ts'
import { LocalStackProblem } from './problems.ts'

const POM = fileURLToPath(new URL('pom.xml', import.meta.url))
const FOLDER = fileURLToPath(new URL('../../.wardline/artifacts/', import.meta.url))

/** Where the broker's jars and the registry's program are. */
export interface Artifacts {
  readonly kafkaJars: string
  readonly registry: string
}

/**
 * Fetches broker and registry by Maven where they are missing, into a folder named by the pom's hash: another
 * version never meets an old one's jars. A fetch that breaks off leaves nothing that counts as complete.
 */
export async function ensureArtifacts(log: (line: string) => void): Promise<Artifacts> {
  const java = javaProblem(javaVersionLine())
  if (java) throw new LocalStackProblem(java)
  const hash = createHash('sha256').update(readFileSync(POM)).digest('hex').slice(0, 12)
  const folder = `${FOLDER}${hash}`
  const artifacts = { kafkaJars: `${folder}/kafka`, registry: `${folder}/registry` }
  if (existsSync(folder)) return artifacts

  const maven = mavenProblem(mavenFound())
  if (maven) throw new LocalStackProblem(maven)
  log('fetching the broker and the registry from Maven (once, about 150 MB) …')
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
  return artifacts
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
