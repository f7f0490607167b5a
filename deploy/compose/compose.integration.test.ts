import { randomBytes } from 'node:crypto'
import { audit, balances } from '@wardline/cli/audit'
import { connect } from '@wardline/cli/connection'
import { publishSample } from '@wardline/cli/sample'
import { freePorts } from '@wardline/local'
import { STAGE_NAMES } from '@wardline/stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasTool, toolPath } from '../../test/containers/tools/tools.ts'
import { compose, composeProblem, findCompose } from './compose-command.ts'
import { type ContainerStack, startContainerStack } from './stack.ts'

if (hasTool('docker-compose')) process.env.WARDLINE_COMPOSE ??= toolPath('docker-compose')
const standalone = process.env.WARDLINE_COMPOSE ?? 'docker-compose'
const command = findCompose(standalone)
if (!command) console.log('compose.yaml: not looked at, this machine has no compose')

it.skipIf(!command)('compose takes the file as it is', async () => {
  const printed = await compose(command!, 'wardline-config', ['config', '--format', 'json'], {})
  const { services } = JSON.parse(printed) as { services: Record<string, unknown> }
  expect(Object.keys(services)).toEqual(expect.arrayContaining(['broker', 'registry', ...STAGE_NAMES]))
})

const problem = composeProblem(standalone)
if (problem) console.log(`the chain by compose: skipped, ${problem}`)

describe.skipIf(problem !== null)('the chain by compose', () => {
  let stack: ContainerStack

  beforeAll(async () => {
    stack = await startContainerStack({
      project: `wardline-test-${randomBytes(4).toString('hex')}`,
      partitions: 2,
      log: () => {},
      ports: await freePorts(),
    })
  })
  afterAll(() => stack?.stop())

  it('answers each event of a feed with one decision, and shows its metrics', async () => {
    const connection = connect({
      WARDLINE_BROKERS: stack.brokers.join(','),
      WARDLINE_REGISTRY_URL: stack.registryUrl,
    })
    await publishSample(connection, { events: 300, rate: 300, seed: 21, progress: () => {} })
    await expect
      .poll(async () => balances(await audit(connection)), { timeout: 60_000, interval: 1_000 })
      .toBe(true)
    const { decisions, eventsIn } = await audit(connection)
    expect(eventsIn).toBe(300)
    expect(decisions).toBeGreaterThan(250)
    for (const { metricsUrl } of stack.services)
      expect(await (await fetch(metricsUrl)).text()).toContain('wardline_events_total{')
  })
})
