import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readSchema, registryClient, SchemaNotRegistered, SchemaRegistry } from '@wardline/events'
import { applyTopics, createKafka, createLogger, TOPIC_SPECS, wantedTopics } from '@wardline/stream'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { freePorts } from './ports.ts'
import { registerTopicSchemas, type Stack, startStack } from './stack.ts'

let stack: Stack
const folder = mkdtempSync(join(tmpdir(), 'wardline-registry-'))

beforeAll(async () => {
  stack = await startStack({
    folder,
    partitions: 2,
    ports: await freePorts(),
    log: () => {},
    withoutServices: true,
  })
})
afterAll(async () => {
  await stack?.stop()
  rmSync(folder, { recursive: true, force: true })
})

it('registering twice gives the same ids', async () => {
  const first = await registerTopicSchemas({ url: stack.registryUrl })
  expect(first.size).toBe(TOPIC_SPECS.filter(({ record }) => record !== null).length)
  expect(await registerTopicSchemas({ url: stack.registryUrl })).toEqual(first)
})

it('the registry refuses a schema that cannot read what was written before', async () => {
  const client = registryClient({ url: stack.registryUrl })
  const changed = structuredClone(readSchema('FeedEvent')) as unknown as { fields: object[] }
  changed.fields.push({ name: 'must', type: 'string' })
  const register = client.register(changed as never, {
    subject: 'feed.events-value',
    compatibility: 'BACKWARD_TRANSITIVE' as never,
  })
  await expect(register).rejects.toMatchObject({ status: 409 })
})

it('a schema that is not registered is named with the remedy', async () => {
  const registry = new SchemaRegistry({ url: stack.registryUrl })
  await expect(registry.idOf('feed.other', 'FeedEvent')).rejects.toThrow(SchemaNotRegistered)
  await expect(registry.idOf('feed.other', 'FeedEvent')).rejects.toThrow(
    /run: bin\/wardline schemas register/,
  )
})

it('a broker that was killed comes back with its data', async () => {
  stack.broker.signal('SIGKILL')
  await stack.broker.exited
  await stack.restartBroker()
  const kafka = createKafka(
    { brokers: stack.brokers },
    'test',
    createLogger({ service: 'test', level: 'silent' }),
  )
  expect(await applyTopics({ kafka, wanted: wantedTopics({ partitions: 2, replicationFactor: 1 }) })).toEqual(
    [],
  )
})
