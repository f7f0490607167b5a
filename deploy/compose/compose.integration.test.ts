import { spawn, spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePorts } from '@wardline/local'
import { STAGE_NAMES } from '@wardline/stream'
import { afterAll, describe, expect, it } from 'vitest'
import { hasTool, toolPath } from '../../test/containers/tools/tools.ts'
import { compose, composeProblem, findCompose } from './compose-command.ts'

if (hasTool('docker-compose')) process.env.WARDLINE_COMPOSE ??= toolPath('docker-compose')
const standalone = process.env.WARDLINE_COMPOSE ?? 'docker-compose'
const command = findCompose(standalone)
if (!command) console.log('compose.yaml: not looked at, this machine has no compose')

it.skipIf(!command)('compose takes the file as it is', async () => {
  const printed = await compose(command!, 'wardline-config', ['config', '--format', 'json'], {})
  const { services } = JSON.parse(printed) as { services: Record<string, unknown> }
  expect(Object.keys(services)).toEqual(
    expect.arrayContaining(['broker', 'registry', 'console', ...STAGE_NAMES]),
  )
})

const problem = composeProblem(standalone)
if (problem) console.log(`the demo in containers: skipped, ${problem}`)

describe.skipIf(problem !== null)('make demo on a machine without Java and Maven', () => {
  const root = fileURLToPath(new URL('../../', import.meta.url))
  const folder = mkdtempSync(join(tmpdir(), 'wardline-no-java-'))
  const report = `${root}.wardline/reports/demo.json`
  const before = existsSync(report) ? readFileSync(report) : null
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true })
    // Of a longer run of somebody's own.
    if (before) writeFileSync(report, before)
  })

  /** Every program that this machine has, but for those. */
  function pathWithout(...missing: string[]): string {
    for (const from of (process.env.PATH ?? '').split(':').filter((each) => existsSync(each))) {
      for (const name of readdirSync(from)) {
        const link = join(folder, name)
        if (!missing.includes(name) && !existsSync(link)) symlinkSync(join(from, name), link)
      }
    }
    return folder
  }

  it('runs the whole chain in containers, and the books balance', async () => {
    const ports = await freePorts()
    const env = {
      ...process.env,
      PATH: pathWithout('java', 'mvn'),
      WARDLINE_STACK: '',
      WARDLINE_KAFKA_PORT: String(ports.kafka),
      WARDLINE_CONTROLLER_PORT: String(ports.controller),
      WARDLINE_REGISTRY_PORT: String(ports.registry),
      // Four that follow one another, below those that the kernel gives out.
      WARDLINE_METRICS_PORT: String(20_000 + 4 * (process.pid % 2_500)),
    }
    expect(spawnSync('java', ['-version'], { env }).error).toMatchObject({ code: 'ENOENT' })
    const demo = spawn(process.execPath, [`${root}cli/main.ts`, 'demo', '--events', '3500'], { env })
    let output = ''
    for (const stream of [demo.stdout, demo.stderr]) stream.on('data', (chunk) => (output += chunk))
    const code = await new Promise((resolve) => demo.once('close', resolve))
    expect([code, output]).toEqual([0, expect.stringContaining('none missing, none doubled')])
    expect(output).toContain('starting the broker, the registry and the four services in containers')
    const { decisions, latencyMs } = JSON.parse(readFileSync(report, 'utf8'))
    expect(Object.keys(decisions).length).toBeGreaterThan(2)
    expect(latencyMs.all.count).toBeGreaterThan(100)
    const left = await compose(command!, 'wardline-demo', ['ps', '--all', '--quiet'], {})
    expect(left).toBe('')
  })
})
