/**
 * `make audit`: advisories on the packages of the lock file, held against deploy/security/dependencies.yaml. Exit code 0
 * where none fails it, 1 where one does, and 3 where the package registry gives no advisories: not looked is not clean.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type AuditedPackage, failing, readDependencyPolicy } from './dependency-policy.ts'

const NOT_LOOKED = 3
const ROOT = fileURLToPath(new URL('../../', import.meta.url))

interface AuditAnswer {
  readonly vulnerabilities?: Readonly<Record<string, AuditedPackage>>
}

function ask(...args: string[]): AuditedPackage[] | null {
  const { stdout } = spawnSync('npm', ['audit', '--json', ...args], { cwd: ROOT, encoding: 'utf8' })
  try {
    const { vulnerabilities } = JSON.parse(stdout) as AuditAnswer
    return vulnerabilities ? Object.values(vulnerabilities) : null
  } catch {
    return null
  }
}

const { advisories } = readDependencyPolicy()
const shipped = ask('--omit=dev')
const all = shipped && ask()
if (!shipped || !all) {
  console.log('dependency audit skipped: the package registry in use gives no advisories')
  process.exitCode = NOT_LOOKED
} else {
  const lines = new Set([
    ...failing(shipped, advisories.shipped, advisories, new Date()),
    ...failing(all, advisories.development, advisories, new Date()),
  ])
  for (const line of lines) console.log(line)
  console.log(`${lines.size} advisories fail the policy of deploy/security/dependencies.yaml`)
  process.exitCode = lines.size === 0 ? 0 : 1
}
