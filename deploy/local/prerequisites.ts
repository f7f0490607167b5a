import { spawnSync } from 'node:child_process'

const LEAST_JAVA = 17

/** The line with the version that `java -version` prints (on standard error), or null where there is no java. */
export function javaVersionLine(): string | null {
  const { status, stderr } = spawnSync('java', ['-version'], { encoding: 'utf8' })
  // macOS has a `java` that only says where to get one, and fails.
  return status === 0 ? (stderr.split('\n').find((line) => line.includes('version')) ?? '') : null
}

/** Major version in a line such as `openjdk version "17.0.15" 2025-04-15`; 8 and before say "1.8". */
export function javaMajor(line: string): number | null {
  const match = /"(\d+)(?:\.(\d+))?/.exec(line)
  if (!match) return null
  const first = Number(match[1])
  return first === 1 ? Number(match[2] ?? 0) : first
}

const INSTALL_JAVA =
  'install it (Debian: apt-get install openjdk-17-jre-headless; macOS: brew install openjdk@17) and run this again'

/** What is wrong with the machine's Java, as a sentence with the remedy; null where nothing is. */
export function javaProblem(versionLine: string | null): string | null {
  if (versionLine === null)
    return `Java ${LEAST_JAVA} or later is needed and no java was found: ${INSTALL_JAVA}.`
  const major = javaMajor(versionLine)
  if (major !== null && major < LEAST_JAVA) {
    return `Java ${LEAST_JAVA} or later is needed and the machine's java is ${major}: ${INSTALL_JAVA}.`
  }
  return null
}

/** The same for Maven, which is needed only while the artifacts are not there yet. */
export function mavenProblem(found: boolean): string | null {
  if (found) return null
  return 'Maven is needed to fetch the broker and the registry and no mvn was found: install it (Debian: apt-get install maven; macOS: brew install maven) and run this again.'
}

export const mavenFound = () => spawnSync('mvn', ['--version'], { stdio: 'ignore' }).status === 0
