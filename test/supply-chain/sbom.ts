/**
 * `make sbom`: every npm package of the lock file as CycloneDX, to `.wardline/sbom.cdx.json`. What services ship is
 * marked required; what only builds and tests them, optional. The jars of the local broker are no part of what is shipped.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const ROOT = new URL('../../', import.meta.url)
const { status, stdout, stderr } = spawnSync(
  'npm',
  ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'],
  { cwd: fileURLToPath(ROOT), encoding: 'utf8', maxBuffer: 64 * 1_048_576 },
)
if (status !== 0) throw new Error(`npm sbom: ${stderr}`)
const { components } = JSON.parse(stdout) as { components: unknown[] }
mkdirSync(new URL('.wardline/', ROOT), { recursive: true })
writeFileSync(new URL('.wardline/sbom.cdx.json', ROOT), stdout)
console.log(`.wardline/sbom.cdx.json: ${components.length} components`)
