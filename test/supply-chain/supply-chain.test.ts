import { existsSync, globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { failing, readDependencyPolicy } from './dependency-policy.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const read = (file: string) => JSON.parse(readFileSync(`${ROOT}${file}`, 'utf8'))
const policy = readDependencyPolicy()

interface LockedPackage {
  readonly link?: boolean
  readonly integrity?: string
  readonly resolved?: string
  readonly version?: string
}
const locked = Object.entries(read('package-lock.json').packages as Record<string, LockedPackage>).filter(
  ([path, { link }]) => path.includes('node_modules/') && !link,
)

describe('dependencies', () => {
  it('are pinned to one version in every package.json', () => {
    const files = [
      'package.json',
      ...globSync('{packages,services,cli,deploy}/**/package.json', { cwd: ROOT }),
    ]
    const loose = files
      .filter((file) => !file.includes('node_modules'))
      .flatMap((file) => {
        const { dependencies = {}, devDependencies = {} } = read(file)
        return Object.entries({ ...dependencies, ...devDependencies } as Record<string, string>)
          .filter(
            ([name, version]) => !name.startsWith('@wardline/') && !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version),
          )
          .map(([name, version]) => `${file}: ${name} ${version}`)
      })
    expect(files.length).toBeGreaterThan(5)
    expect(loose).toEqual([])
  })

  it('have a hash and no address in the lock file, and run no script of their own', () => {
    expect(locked.length).toBeGreaterThan(50)
    expect(locked.filter(([, { integrity }]) => !integrity?.startsWith('sha512-'))).toEqual([])
    expect(locked.filter(([, { resolved }]) => resolved !== undefined)).toEqual([])
    expect(readFileSync(`${ROOT}.npmrc`, 'utf8')).toMatch(/^ignore-scripts=true$/m)
  })

  it('have a licence that may be used', () => {
    const { allowed, exceptions } = policy.licences
    const isException = (name: string) =>
      exceptions.some((each) =>
        each.package.endsWith('*') ? name.startsWith(each.package.slice(0, -1)) : name === each.package,
      )
    const wrong = locked
      .map(([path]) => path)
      .filter((path) => existsSync(`${ROOT}${path}/package.json`))
      .map((path) => {
        const { license } = read(`${path}/package.json`)
        return {
          name: path.slice(path.lastIndexOf('node_modules/') + 13),
          license: String(license).replace(/^\((.*)\)$/, '$1'),
        }
      })
      .filter(({ name, license }) => !allowed.includes(license) && !isException(name))
    expect(wrong).toEqual([])
  })
})

describe('the policy on advisories', () => {
  const packages = [
    { name: 'a', severity: 'high', via: [{ url: 'https://x/GHSA-1', title: 'one' }, 'b'] },
    { name: 'b', severity: 'low', via: [{ url: 'https://x/GHSA-2', title: 'two' }] },
  ] as const
  const today = new Date('2026-11-01')

  it('fails from its severity on', () => {
    expect(failing(packages, 'high', policy.advisories, today)).toEqual(['high a: one (GHSA-1)'])
    expect(failing(packages, 'low', policy.advisories, today)).toHaveLength(2)
    expect(failing(packages, 'critical', policy.advisories, today)).toEqual([])
  })

  it('lets pass what was looked at, until its day', () => {
    const accepted = [{ id: 'GHSA-1', reason: 'not reached', until: '2026-12-01' }]
    expect(failing(packages, 'high', { ...policy.advisories, accepted }, today)).toEqual([])
    const later = new Date('2026-12-02')
    expect(failing(packages, 'high', { ...policy.advisories, accepted }, later)).toHaveLength(1)
  })
})
