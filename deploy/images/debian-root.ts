import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { docker, EngineProblem } from './engine.ts'

export interface AptSource {
  readonly site: string
  readonly suite: string
  readonly component: string
}

/** The machine's own package sources, of `apt-get indextargets` lines `site|suite|component`. */
export function parseAptSources(text: string): AptSource[] {
  return text
    .split('\n')
    .map((line) => line.trim().split('|'))
    .filter((parts) => parts.length === 3 && parts.every((part) => part !== ''))
    .map(([site, suite, component]) => ({ site: site!, suite: suite!, component: component! }))
}

/** Those of the distribution itself: its release, updates and security fixes, not what others add to them. */
export function releaseSources(sources: readonly AptSource[], codename: string): AptSource[] {
  return sources.filter(
    ({ suite, component }) =>
      component === 'main' && (suite === codename || suite.startsWith(`${codename}-`)),
  )
}

/** What a container has no use for, kept out of later installations too. */
const LEFT_OUT = ['doc', 'man', 'info', 'locale', 'lintian', 'bash-completion'].map(
  (name) => `/usr/share/${name}`,
)

/**
 * Imports a minimal root of this machine's own Debian release as an image. Needs root rights and `debootstrap`; reads
 * the packages from where the machine's apt reads them.
 */
export async function importDebianRoot(image: string): Promise<void> {
  const codename = /^VERSION_CODENAME=(.+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? ''
  const format = ['indextargets', '--format', '$(SITE)|$(CODENAME)|$(COMPONENT)', 'Created-By: Packages']
  const sources = releaseSources(parseAptSources(run('apt-get', format)), codename)
  const release = sources.find(({ suite }) => suite === codename)
  if (!release)
    throw new EngineProblem(
      `apt knows no source of ${codename || 'this release'}: run apt-get update, then this again`,
    )

  const folder = mkdtempSync(join(tmpdir(), 'wardline-debian-'))
  try {
    const root = join(folder, 'root')
    run('debootstrap', ['--variant=minbase', '--include=libstdc++6', codename, root, release.site])
    writeFileSync(
      join(root, 'etc/apt/sources.list'),
      sources.map(({ site, suite, component }) => `deb ${site} ${suite} ${component}\n`).join(''),
    )
    writeFileSync(
      join(root, 'etc/dpkg/dpkg.cfg.d/without-documentation'),
      LEFT_OUT.map((path) => `path-exclude=${path}/*\n`).join(''),
    )
    for (const path of [...LEFT_OUT, '/var/cache/apt', '/var/lib/apt/lists', '/var/log'])
      rmSync(join(root, path), { recursive: true, force: true })
    // Some packages' scripts expect them.
    for (const path of [
      '/var/cache/apt/archives/partial',
      '/var/lib/apt/lists/partial',
      '/var/log',
      '/usr/share/man/man1',
    ])
      mkdirSync(join(root, path), { recursive: true })
    await docker(['import', '--message', `Debian ${codename}, minimal`, '-', image], {
      tar: ['tar', '--create', '--numeric-owner', '--one-file-system', '-C', root, '.'],
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function run(command: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  })
  if (error || status !== 0) {
    throw new EngineProblem(
      `${command} ${error ? `could not be run (${error.message}): install it` : `failed:\n${(stderr || stdout).slice(-2_000)}`}`,
    )
  }
  return stdout
}
