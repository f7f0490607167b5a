import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { brokerProperties } from './broker.ts'
import { startChild, startTimeOf, stopByPid, untilReady } from './child.ts'
import { busyPortMessage, checkPorts, freePorts, portsFromEnvironment } from './ports.ts'
import { javaMajor, javaProblem, mavenProblem } from './prerequisites.ts'
import { registryProperties } from './registry.ts'
import { readStack } from './stack.ts'

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

  it('that are given twice are refused before anything starts', () => {
    expect(() => portsFromEnvironment({ WARDLINE_KAFKA_PORT: '19466' })).toThrow(
      /Port 19466 is given to the broker \(WARDLINE_KAFKA_PORT\) and .*WARDLINE_METRICS_PORT/,
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

it('broker and registry listen on the loopback interface alone', () => {
  const properties = brokerProperties({ folder: '/x', port: 1, controllerPort: 2 })
  expect(properties).toContain('listeners=PLAINTEXT://127.0.0.1:1,CONTROLLER://127.0.0.1:2')
  expect(properties).toContain('auto.create.topics.enable=false')
  expect(registryProperties({ port: 3, bootstrapServers: '127.0.0.1:1' })).toMatchObject({
    'quarkus.http.host': '127.0.0.1',
    'quarkus.http.port': '3',
    'apicurio.kafkasql.bootstrap.servers': '127.0.0.1:1',
  })
})

describe('a process of the stack', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'wardline-child-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const node = (script: string) =>
    startChild({
      name: 'classify',
      command: process.execPath,
      args: ['-e', script],
      logFile: join(folder, 'logs', 'classify.log'),
      detached: false,
    })

  it('that ends at start is reported with the end of its log', async () => {
    const child = node("console.error('no such policy'); process.exitCode = 3")
    await expect(untilReady(child, async () => false, 20_000)).rejects.toThrow(
      /classify ended at start; the end of .*classify\.log:\n.*no such policy/s,
    )
  })

  it('that is not ready in time is reported too', async () => {
    const child = node('setInterval(() => {}, 1000)')
    await expect(untilReady(child, async () => false, 100)).rejects.toThrow(/was not ready within 0\.1 s/)
    await child.stop()
    expect(startTimeOf(child.pid)).toBeNull()
  })

  it('whose program does not exist says so in its log', async () => {
    const logFile = join(folder, 'none.log')
    const child = startChild({ name: 'x', command: '/no/such/program', args: [], logFile, detached: true })
    await child.exited
    expect(readFileSync(logFile, 'utf8')).toContain('/no/such/program could not be started')
  })

  it('that does not heed SIGTERM is killed', async () => {
    const child = node("process.on('SIGTERM', () => {}); console.log('ready'); setInterval(() => {}, 1000)")
    await untilReady(child, async () => readFileSync(child.logFile, 'utf8').includes('ready'), 20_000)
    await child.stop(100)
    expect(startTimeOf(child.pid)).toBeNull()
  })

  it('is never taken for another with the same pid', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
    const exited = new Promise((done) => child.once('exit', done))
    const startTime = startTimeOf(child.pid!)!
    await stopByPid(child.pid!, `${startTime}0`)
    expect(startTimeOf(child.pid!)).toBe(startTime)
    await stopByPid(child.pid!, startTime)
    await exited
    expect(startTimeOf(child.pid!)).toBeNull()
  })

  it('is in stack.json only as long as it runs', () => {
    expect(readStack(folder)).toBeNull()
    const running = { name: 'enforce', pid: process.pid, startTime: startTimeOf(process.pid)! }
    const gone = { name: 'the broker', pid: process.pid, startTime: 'another time' }
    const content = { brokers: ['127.0.0.1:1'], registryUrl: 'http://127.0.0.1:2' }
    writeFileSync(join(folder, 'stack.json'), JSON.stringify({ ...content, processes: [gone, running] }))
    expect(readStack(folder)).toEqual({ ...content, processes: [running] })
    writeFileSync(join(folder, 'stack.json'), '{"brokers": [')
    expect(() => readStack(folder)).toThrow(/stack\.json is damaged/)
  })
})
