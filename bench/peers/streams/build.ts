import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { exportPolicy } from './export.ts'

const HERE = import.meta.dirname
const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const FOLDER = join(ROOT, '.wardline', 'artifacts')
const RECORDS = [
  'FeedEvent',
  'NormalizedEvent',
  'ClassifiedEvent',
  'AssessedEvent',
  'EnforcementDecision',
  'AccountProfile',
]

/** The peer, compiled. */
export interface StreamsPeer {
  readonly classpath: string
  /** What export.ts wrote. */
  readonly data: string
  readonly model: string
}

/** Why the peer cannot be built on this machine; null where it can. */
export function missingForPeer(): string | null {
  for (const [command, argument] of [
    ['javac', '-version'],
    ['mvn', '-v'],
  ] as const) {
    if (spawnSync(command, [argument], { stdio: 'ignore' }).error)
      return `${command} is not installed: the Kafka Streams peer needs a JDK 17 and Maven (apt-get install openjdk-17-jdk-headless maven)`
  }
  return null
}

/** Fetches the peer's libraries by Maven and compiles it where that has not been done yet. */
export function buildStreamsPeer(): StreamsPeer {
  const sources = readdirSync(join(HERE, 'src')).map((name) => join(HERE, 'src', name))
  const schemas = RECORDS.map((name) => join(ROOT, 'schemas', `${name}.avsc`))
  const hash = createHash('sha256')
  for (const file of [join(HERE, 'pom.xml'), join(HERE, 'Generate.java'), ...sources, ...schemas])
    hash.update(readFileSync(file))
  const pom = createHash('sha256')
    .update(readFileSync(join(HERE, 'pom.xml')))
    .digest('hex')
    .slice(0, 12)
  const libraries = join(FOLDER, `streams-${pom}`)
  once(libraries, (partial) =>
    run('mvn', ['-B', '-q', '-f', join(HERE, 'pom.xml'), `-Dartifacts=${partial}`, 'package']),
  )
  const jars = join(libraries, 'jars', '*')
  const program = join(FOLDER, `streams-peer-${hash.digest('hex').slice(0, 12)}`)
  once(program, (partial) => {
    const generated = join(partial, 'generated')
    run('java', [
      '-cp',
      jars,
      join(HERE, 'Generate.java'),
      join(ROOT, 'schemas'),
      generated,
      RECORDS.join(','),
    ])
    run('javac', [
      '-nowarn',
      ...['-encoding', 'UTF-8', '-cp', `${jars}:${generated}`, '-sourcepath', generated],
      ...['-d', join(partial, 'classes'), ...sources],
    ])
  })
  const data = join(program, 'policy.json')
  exportPolicy(data)
  return {
    classpath: `${join(program, 'classes')}:${jars}`,
    data,
    model: join(ROOT, 'policy', 'model', 'open.bin'),
  }
}

/** Makes a folder as a whole or not at all. */
function once(folder: string, make: (partial: string) => void): void {
  if (existsSync(folder)) return
  const partial = `${folder}.${process.pid}.partial`
  mkdirSync(partial, { recursive: true })
  try {
    make(partial)
    renameSync(partial, folder)
  } finally {
    rmSync(partial, { recursive: true, force: true })
  }
}

function run(command: string, args: readonly string[]): void {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' })
}
