import { existsSync, readFileSync } from 'node:fs'
import { SINGLE_NODE_SETTINGS } from '@wardline/local'
import { STAGE_NAMES } from '@wardline/stream'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { imageNames, kafkaVariable } from '../images/names.ts'
import { chooseStack, NoStackPossible } from './choose.ts'
import { COMPOSE_FILE } from './compose-command.ts'
import { composeEnvironment } from './stack.ts'

interface ComposeService {
  image: string
  command?: string[]
  ports?: string[]
  volumes?: string[]
  read_only?: boolean
  cap_drop?: string[]
  environment?: Record<string, string | number>
}
const text = readFileSync(COMPOSE_FILE, 'utf8')
const { services } = parse(text, { merge: true }) as { services: Record<string, ComposeService> }

describe('compose.yaml', () => {
  it('names the images that the tests and the local stack use', () => {
    const { broker, registry, services: ours } = imageNames({})
    expect(services.broker!.image).toBe(`\${WARDLINE_BROKER_IMAGE:-${broker}}`)
    expect(services.registry!.image).toBe(`\${WARDLINE_REGISTRY_IMAGE:-${registry}}`)
    for (const stage of STAGE_NAMES)
      expect(services[stage]!.image).toBe(`\${WARDLINE_SERVICES_IMAGE:-${ours}}`)
  })

  it('sets the broker as the local stack does', () => {
    const given = services.broker!.environment!
    for (const [setting, value] of Object.entries(SINGLE_NODE_SETTINGS))
      expect([setting, String(given[kafkaVariable(setting)])]).toEqual([setting, String(value)])
  })

  it('binds every port to the loopback interface: there are no logins', () => {
    const ports = Object.values(services).flatMap((service) => service.ports ?? [])
    expect(ports.length).toBeGreaterThan(5)
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([])
  })

  it('runs our own image without rights and on files that it cannot change', () => {
    const own = Object.values(services).filter(({ image }) => image.includes('WARDLINE_SERVICES_IMAGE'))
    expect(own.length).toBeGreaterThanOrEqual(6)
    for (const service of own) expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'] })
  })

  it('mounts folders that are there, and none for writing', () => {
    const mounts = Object.values(services)
      .flatMap(({ volumes = [] }) => volumes)
      .filter((volume) => volume.startsWith('.'))
    expect(mounts.length).toBeGreaterThan(3)
    for (const mount of mounts) {
      expect(mount).toMatch(/:ro$/)
      expect([mount, existsSync(new URL(mount.split(':')[0]!, `file://${COMPOSE_FILE}`))]).toEqual([
        mount,
        true,
      ])
    }
  })

  it('has Prometheus look at every stage, on the port that it has', () => {
    const targets = JSON.parse(readFileSync(new URL('targets/compose.json', import.meta.url), 'utf8'))
    expect(targets).toEqual(
      STAGE_NAMES.map((stage) => ({ targets: [`${stage}:9464`], labels: { service: stage } })),
    )
  })

  it('takes every variable that the demo sets', () => {
    const ports = { kafka: 1, controller: 2, registry: 3, metrics: [4, 5, 6, 7], console: 8 }
    for (const name of Object.keys(composeEnvironment(ports, 4))) expect(text).toContain(`\${${name}:-`)
  })
})

describe('how the demo runs the chain', () => {
  const choose = (wanted: string | undefined, processes: string | null, containers: string | null) =>
    chooseStack({ wanted, processesProblem: () => processes, containersProblem: () => containers })

  it('is processes where Java and Maven are there, containers where they are not and an engine answers', () => {
    expect(choose(undefined, null, null)).toBe('processes')
    expect(choose(undefined, 'Java is needed.', null)).toBe('containers')
    expect(choose('containers', null, null)).toBe('containers')
  })

  it('is refused with both remedies where neither can be', () => {
    expect(() => choose(undefined, 'Java is needed.', 'no docker was found')).toThrow(
      'Java is needed.\nOr in containers: no docker was found.',
    )
    expect(() => choose('pods', null, null)).toThrow(NoStackPossible)
  })
})
