import { createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { brokerProperties } from './broker.ts'
import { busyPortMessage, checkPorts, freePorts, portsFromEnvironment } from './ports.ts'
import { javaMajor, javaProblem, mavenProblem } from './prerequisites.ts'

describe('what the machine lacks', () => {
  it.each([
    ['openjdk version "17.0.15" 2025-04-15', 17],
    ['openjdk version "21" 2023-09-19', 21],
    ['java version "1.8.0_402"', 8],
    ['something else', null],
  ])('%s is Java %s', (line, major) => {
    expect(javaMajor(line)).toBe(major)
  })

  it('is said in one sentence with the remedy', () => {
    expect(javaProblem(null)).toMatch(/no java was found: install it \(Debian: apt-get install/)
    expect(javaProblem('openjdk version "11.0.2"')).toMatch(/the machine's java is 11: install it/)
    expect(javaProblem('openjdk version "17.0.15"')).toBeNull()
    expect(mavenProblem(false)).toMatch(/no mvn was found: install it/)
    expect(mavenProblem(true)).toBeNull()
  })
})

describe('ports', () => {
  it('come from the environment, or are refused there', () => {
    expect(portsFromEnvironment({ WARDLINE_KAFKA_PORT: '9999' })).toMatchObject({
      kafka: 9999,
      registry: 18081,
    })
    expect(() => portsFromEnvironment({ WARDLINE_REGISTRY_PORT: 'x' })).toThrow(
      /WARDLINE_REGISTRY_PORT is "x"/,
    )
  })

  it('that are busy are named, with the variable to change', async () => {
    const ports = await freePorts()
    await checkPorts(ports)
    const server = createServer()
    await new Promise<void>((done) => server.listen(ports.registry, '127.0.0.1', done))
    await expect(checkPorts(ports)).rejects.toThrow(
      new RegExp(`Port ${ports.registry}.*WARDLINE_REGISTRY_PORT`),
    )
    await new Promise((done) => server.close(done))
    expect(busyPortMessage({ port: 1, variable: 'V', what: 'x' }, { pid: 7, command: 'java' })).toContain(
      'by process 7 (java)',
    )
  })
})

it('the broker listens on the loopback interface alone and creates no topic by itself', () => {
  const properties = brokerProperties({ folder: '/x', port: 1, controllerPort: 2 })
  expect(properties).toContain('listeners=PLAINTEXT://127.0.0.1:1,CONTROLLER://127.0.0.1:2')
  expect(properties).toContain('auto.create.topics.enable=false')
})
