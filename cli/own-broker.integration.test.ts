import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePorts, registerTopicSchemas, type Stack, startStack } from '@wardline/local'
import { type Connection, readTopic } from '@wardline/records'
import { applyTopics, groupId, PartitionCountMismatch, TOPICS, wantedTopics } from '@wardline/stream'
import kafkajs, { type Admin } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connect } from './connection.ts'
import { examine } from './doctor/doctor.ts'
import type { Finding } from './doctor/finding.ts'
import { compareTopics } from './topics.ts'

const folder = mkdtempSync(join(tmpdir(), 'wardline-own-'))
let stack: Stack
let connection: Connection
let admin: Admin

beforeAll(async () => {
  stack = await startStack({
    folder,
    partitions: 2,
    ports: await freePorts(),
    log: () => {},
    withoutServices: true,
  })
  connection = connect(environment())
  admin = connection.kafka.admin()
  await admin.connect()
})
afterAll(async () => {
  await admin?.disconnect()
  await stack?.stop()
  rmSync(folder, { recursive: true, force: true })
})

const environment = (change: Record<string, string> = {}) => ({
  WARDLINE_BROKERS: stack.brokers.join(','),
  WARDLINE_REGISTRY_URL: stack.registryUrl,
  ...change,
})
/** The command as a user runs it. */
const wardline = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(
    fileURLToPath(new URL('../bin/wardline', import.meta.url)),
    args,
    { encoding: 'utf8', env: { ...process.env, ...environment() } },
  )
  return { status, stdout, stderr }
}
const worse = async (check: Finding['check'], on = connection) =>
  (await examine(on, {})).filter((finding) => finding.check === check && finding.level !== 'ok')
const apply = (partitions = 2) =>
  applyTopics({ kafka: connection.kafka, wanted: wantedTopics({ partitions, replicationFactor: 1 }) })
/** A topic as somebody else made it. */
const remake = async (topic: string, numPartitions: number, record = false) => {
  await admin.deleteTopics({ topics: [topic] })
  await expect
    .poll(() => admin.createTopics({ topics: [{ topic, numPartitions }] }).catch(() => false), {
      timeout: 20_000,
    })
    .toBe(true)
  if (!record) return
  const producer = connection.kafka.producer()
  await producer.connect()
  await producer.send({ topic, messages: [{ key: 'k', value: 'v' }] })
  await producer.disconnect()
}

describe('a stack as it should be', () => {
  it('has nothing to change and nothing that will not work', async () => {
    expect((await compareTopics(connection.kafka, {})).changes).toEqual([])
    const findings = await examine(connection, {})
    expect(findings.filter(({ level }) => level === 'fail')).toEqual([])
    expect(findings.map(({ check, found }) => `${check}: ${found}`)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^broker: it has the features of Kafka 4\.\d or later/),
        expect.stringMatching(/^broker: 1 broker: a lost disk/),
        expect.stringMatching(/^topics: 18 of 18 topics .*; all have 2 partitions/),
        expect.stringMatching(/^registry: 10 of 10 subjects/),
        expect.stringMatching(/^clock: this machine and 2 partition leaders agree/),
        expect.stringMatching(/^groups: wardline\.normalize has never run/),
      ]),
    )
  })

  it('is not changed by the look: no reader sees what measured the clock', async () => {
    const { PartitionReader } = await import('@wardline/stream')
    const reader = new PartitionReader(connection.kafka)
    const seen: unknown[] = []
    for await (const record of readTopic(reader, TOPICS.control)) seen.push(record)
    await reader.close()
    expect(seen).toEqual([])
  })

  it('is told by exit code and as JSON', () => {
    const doctor = wardline('doctor', '--json')
    expect(doctor.stderr).toBe('')
    expect(doctor.status).toBe(0)
    const report = JSON.parse(doctor.stdout) as { fail: number; findings: Finding[] }
    expect(report.fail).toBe(0)
    expect(report.findings.every(({ level, remedy }) => level === 'ok' || remedy !== '')).toBe(true)
    expect(wardline('topics', 'plan')).toMatchObject({ status: 0, stdout: '18 topics, nothing to change\n' })
  })
})

describe('topics that are not as they should be', () => {
  it('a missing one is planned and made, and others stay', async () => {
    await admin.deleteTopics({ topics: [TOPICS.reports] })
    await expect.poll(async () => (await admin.listTopics()).includes(TOPICS.reports)).toBe(false)
    expect(await worse('topics')).toMatchObject([
      { level: 'fail', found: 'reports.user is missing', remedy: 'bin/wardline topics apply' },
    ])
    const planned = wardline('topics', 'plan')
    expect(planned.status).toBe(2)
    expect(planned.stdout).toMatch(
      /^\+ reports\.user {2}partitions=2 replication=1 .*retention\.ms=2592000000/m,
    )
    expect(wardline('topics', 'apply')).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/1 done$/m),
    })
    expect(await worse('topics')).toEqual([])
  })

  it('a wrong retention is put right, and what somebody else set beside it stays', async () => {
    await admin.alterConfigs({
      validateOnly: false,
      resources: [
        {
          type: kafkajs.ConfigResourceTypes.TOPIC,
          name: TOPICS.decisions,
          configEntries: [
            { name: 'retention.ms', value: '60000' },
            { name: 'segment.ms', value: '3600000' },
            { name: 'max.message.bytes', value: '4194304' },
          ],
        },
      ],
    })
    expect((await worse('topics')).map(({ level, found }) => `${level} ${found}`)).toEqual([
      'fail enforcement.decisions: retention.ms: 60000 → 2592000000',
    ])
    await apply()
    expect(await worse('topics')).toEqual([])
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [
        { type: kafkajs.ConfigResourceTypes.TOPIC, name: TOPICS.decisions, configNames: ['segment.ms'] },
      ],
    })
    expect(resources[0]?.configEntries[0]?.configValue).toBe('3600000')
  })

  it('a retention of a team of its own is no difference where it says so', async () => {
    const file = join(folder, 'topics.yaml')
    writeFileSync(file, 'feed.events:\n  retention.ms: 1209600000\n')
    expect(wardline('topics', 'apply', '--settings', file)).toMatchObject({ status: 0 })
    expect((await examine(connection, { settings: file })).filter(({ level }) => level === 'fail')).toEqual(
      [],
    )
    expect(await worse('topics')).toMatchObject([
      { found: 'feed.events: retention.ms: 1209600000 → 604800000' },
    ])
    await apply()
  })

  it('too few partitions are added while the topic is empty', async () => {
    await remake(TOPICS.assessed, 1)
    expect(await worse('topics')).toMatchObject([
      { level: 'fail', found: 'events.assessed: partitions: 1 → 2' },
      // Made without its settings.
      { found: expect.stringContaining('max.message.bytes') },
      { found: expect.stringContaining('retention.ms') },
    ])
    await apply()
    expect(await worse('topics')).toEqual([])
  })

  it.each([
    ['too many', 3, false, /Kafka takes no partition away: use --partitions 3/],
    ['too few that hold records', 1, true, /it holds records.*use --partitions 1/],
  ])('%s are refused with the remedy, and nothing is changed', async (_, partitions, record, remedy) => {
    await remake(TOPICS.assessed, partitions, record)
    await admin.deleteTopics({ topics: [TOPICS.reports] })
    await expect.poll(async () => (await admin.listTopics()).includes(TOPICS.reports)).toBe(false)
    expect(await worse('topics')).toContainEqual(
      expect.objectContaining({
        level: 'fail',
        found: `events.assessed has partitions ${partitions}, not 2`,
        remedy: expect.stringMatching(remedy),
      }),
    )
    await expect(apply()).rejects.toThrow(PartitionCountMismatch)
    expect(wardline('topics', 'apply')).toMatchObject({ status: 1, stderr: expect.stringMatching(remedy) })
    expect(await admin.listTopics()).not.toContain(TOPICS.reports)
    await admin.deleteTopics({ topics: [TOPICS.assessed] })
    await expect.poll(async () => (await admin.listTopics()).includes(TOPICS.assessed)).toBe(false)
    await apply()
    expect(await worse('topics')).toEqual([])
  })
})

describe('a registry that is not as it should be', () => {
  const setLevel = (path: string, compatibility: string) =>
    fetch(`${stack.registryUrl}/config${path}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ compatibility }),
    })

  it('names a level that lets anything in, and registering sets it', async () => {
    await setLevel('/feed.events-value', 'NONE')
    expect(await worse('registry')).toMatchObject([
      {
        level: 'fail',
        found: expect.stringMatching(/^feed\.events-value is NONE/),
        remedy: expect.stringMatching(/schemas register/),
      },
    ])
    await registerTopicSchemas({ url: stack.registryUrl })
    expect(await worse('registry')).toEqual([])
  })

  it('names a schema that is not registered, and a version that cannot be read', async () => {
    await setLevel('/reports.user-value', 'NONE')
    const register = (schema: object) =>
      fetch(`${stack.registryUrl}/subjects/reports.user-value/versions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ schema: JSON.stringify(schema) }),
      })
    await register({ type: 'record', name: 'UserReport', namespace: 'wardline', fields: [] })
    expect((await worse('registry')).map(({ found }) => found)).toEqual([
      expect.stringMatching(/^reports\.user-value is NONE/),
      expect.stringMatching(
        /^reports\.user-value: this version of Wardline cannot read what version \d+ wrote/,
      ),
    ])
    await fetch(`${stack.registryUrl}/subjects/reports.user-value`, { method: 'DELETE' })
    expect((await worse('registry')).map(({ found }) => found)).toEqual([
      'reports.user-value is not registered',
    ])
    await registerTopicSchemas({ url: stack.registryUrl })
    expect(await worse('registry')).toEqual([])
  })

  it('says so where none answers', async () => {
    const nowhere = connect(environment({ WARDLINE_REGISTRY_URL: 'http://127.0.0.1:1/apis/ccompat/v7' }))
    expect(await worse('registry', nowhere)).toMatchObject([
      {
        level: 'fail',
        found: expect.stringMatching(/does not answer/),
        remedy: expect.stringMatching(/WARDLINE_REGISTRY_URL/),
      },
    ])
  })
})

describe('groups', () => {
  const commit = (partitions: { partition: number; offset: string }[]) =>
    admin.setOffsets({ groupId: groupId('classify'), topic: TOPICS.normalized, partitions })

  it('one that nobody runs is named', async () => {
    await commit([{ partition: 0, offset: '0' }])
    expect(await worse('groups')).toMatchObject([
      { level: 'warn', found: expect.stringMatching(/^wardline\.classify has no member/) },
    ])
  })

  it('one that lost records to retention is named', async () => {
    const producer = connection.kafka.producer()
    await producer.connect()
    await producer.send({ topic: TOPICS.normalized, messages: [{ partition: 0, value: 'v' }] })
    await producer.disconnect()
    await admin.deleteTopicRecords({ topic: TOPICS.normalized, partitions: [{ partition: 0, offset: '-1' }] })
    expect(await worse('groups')).toMatchObject([
      {
        level: 'fail',
        found: expect.stringMatching(/events\.normalized\/0 is committed at 0, but begins at 1/),
      },
    ])
  })

  it('one whose topic was made anew is named', async () => {
    await commit([
      { partition: 0, offset: '1' },
      { partition: 1, offset: '500' },
    ])
    expect(await worse('groups')).toMatchObject([
      {
        level: 'fail',
        found: expect.stringMatching(/committed at 500, but ends at/),
        remedy: expect.stringMatching(/classify\.state/),
      },
    ])
  })
})

it('a broker that is down is told in one line, and the registry is looked at all the same', async () => {
  await admin.disconnect()
  await stack.broker.stop()
  const findings = await examine(connection, {})
  expect(findings.filter(({ check }) => check === 'broker')).toMatchObject([
    {
      level: 'fail',
      found: expect.stringMatching(/does not answer/),
      remedy: expect.stringMatching(/WARDLINE_BROKERS/),
    },
  ])
  expect(findings.some(({ check }) => check === 'registry')).toBe(true)
})
