import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseAptSources, releaseSources } from './debian-root.ts'
import { basesFromEnvironment, InvalidImageSettings, imageNames, pinnedVersion } from './names.ts'

describe('names of the images', () => {
  it('are the official ones, of the versions that the local stack runs', () => {
    expect(imageNames({})).toEqual({
      services: 'wardline/services:local',
      broker: `apache/kafka:${pinnedVersion('kafka')}`,
      registry: `apicurio/apicurio-registry:${pinnedVersion('apicurio')}`,
    })
    expect(pinnedVersion('kafka')).toMatch(/^\d+\.\d+\.\d+$/)
  })

  it('are ours where no image registry is, and those of the environment before all', () => {
    expect(imageNames({ WARDLINE_IMAGE_BASES: 'debootstrap', WARDLINE_BROKER_IMAGE: 'kafka:x' })).toEqual({
      services: 'wardline/services:local',
      broker: 'kafka:x',
      registry: 'wardline/registry:local',
    })
  })

  it('are refused for bases that do not exist', () => {
    expect(() => basesFromEnvironment({ WARDLINE_IMAGE_BASES: 'alpine' })).toThrow(InvalidImageSettings)
  })
})

it("the Debian root takes its packages from the release's own sources, security fixes among them", () => {
  const sources = parseAptSources(
    [
      'http://mirror/debian|bookworm|main',
      'http://mirror/debian|bookworm|contrib',
      'http://mirror/security|bookworm-security|main',
      'http://elsewhere/apt|nodistro|main',
      '',
    ].join('\n'),
  )
  expect(releaseSources(sources, 'bookworm').map(({ suite, component }) => `${suite} ${component}`)).toEqual([
    'bookworm main',
    'bookworm-security main',
  ])
})

it('the services image is given nothing but what it runs', () => {
  const [first, ...rest] = readFileSync(new URL('../../.dockerignore', import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
  // Everything is left out, then what is needed is let in: a new folder does not slip into an image.
  expect(first).toBe('*')
  expect(rest).toContain('**/*.test.ts')
})
