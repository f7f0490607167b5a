import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { describeAcl, planAcls, readAcls } from '@wardline/access'
import { connect } from '@wardline/cli/connection'
import { examine } from '@wardline/cli/doctor/doctor'
import { DecodeFailure, type EnforcementDecision, RecordDecoder } from '@wardline/events'
import {
  clientEnvironment,
  freePorts,
  type Stack,
  startService,
  startStack,
  type User,
} from '@wardline/local'
import { type Connection, FeedPublisher, readTopic } from '@wardline/records'
import { createSampleFeed, recordKey, restamp, type SampleItem } from '@wardline/sample-feed'
import { PartitionReader, type StageName, TOPICS, TransactionalProducer } from '@wardline/stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

let folder: string
let stack: Stack

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wardline-security-'))
  const ports = await freePorts()
  stack = await startStack({ folder, partitions: 2, ports, log: () => {}, secured: true, console: true })
})
afterAll(async () => {
  await stack?.stop()
  rmSync(folder, { recursive: true, force: true })
})

const as = (user: User, change: Record<string, string> = {}): Connection =>
  connect({
    WARDLINE_BROKERS: stack.brokers.join(','),
    WARDLINE_REGISTRY_URL: stack.registryUrl,
    ...clientEnvironment(stack.credentials!, user),
    ...change,
  })

/** The error that the broker answers with; null where it lets us. */
async function refusal(attempt: () => Promise<unknown>): Promise<string | null> {
  try {
    await attempt()
    return null
  } catch (error) {
    for (let at = error; at instanceof Error; at = at.cause as Error) {
      const { type } = at as { type?: string }
      if (type !== undefined) return type
    }
    return String(error)
  }
}

async function write(user: User, topic: string): Promise<void> {
  const producer = as(user).kafka.producer({ retry: { retries: 0 } })
  await producer.connect()
  try {
    await producer.send({ topic, messages: [{ key: 'k', value: 'v' }] })
  } finally {
    await producer.disconnect()
  }
}

async function read(user: User, topic: string): Promise<void> {
  const reader = new PartitionReader(as(user).kafka)
  try {
    await reader.bounds(topic, 0)
  } finally {
    await reader.close()
  }
}

it('the chain answers an event of the feed producer, and the enforcement system reads the decision', async () => {
  const producer = as('feed-producer')
  const publisher = new FeedPublisher(producer)
  await publisher.connect()
  const [{ event }] = [...createSampleFeed({ seed: 1, startAt: Date.now() }).events(1)] as [SampleItem]
  const stamped = restamp(event, Date.now())
  const value = await publisher.encode(TOPICS.feedEvents, 'FeedEvent', stamped)
  await publisher.send(TOPICS.feedEvents, [{ key: recordKey(stamped), value }])
  await publisher.close()

  const { kafka, registry } = as('enforcement-system')
  const reader = new PartitionReader(kafka)
  const decoder = new RecordDecoder('EnforcementDecision', registry)
  let decision: EnforcementDecision | undefined
  for (let i = 0; i < 200 && decision === undefined; i++) {
    for await (const { message } of readTopic(reader, TOPICS.decisions)) {
      await decoder.prepare([message])
      const decoded = decoder.decode(message.value!)
      if (!(decoded instanceof DecodeFailure)) decision = decoded
    }
    await delay(100)
  }
  await reader.close()
  expect(decision?.eventId).toBe(stamped.eventId)
})

it('the console reads all that it shows with a login of its own', async () => {
  const { url } = stack.console!
  const ready = await fetch(`${url}/readyz`)
  expect([ready.status, await ready.text()]).toEqual([200, 'up to date\n'])
})

describe('least privilege: the broker', () => {
  it.each<[User, string]>([
    ['wardline-classify', TOPICS.decisions],
    ['wardline-classify', TOPICS.feedEvents],
    ['wardline-normalize', TOPICS.control],
    ['feed-producer', TOPICS.decisions],
    ['feed-producer', TOPICS.verdicts],
    ['enforcement-system', TOPICS.decisions],
    ['wardline-console', TOPICS.decisions],
    ['wardline-operator', TOPICS.decisions],
    ['wardline-comment-risk', TOPICS.reversals],
    ['wardline-console', TOPICS.reversals],
  ])('does not let %s write %s', async (user, topic) => {
    expect(await refusal(() => write(user, topic))).toBe('TOPIC_AUTHORIZATION_FAILED')
  })

  it.each<[User, string]>([
    ['wardline-classify', TOPICS.profiles],
    ['wardline-enforce', TOPICS.feedEvents],
    ['feed-producer', TOPICS.decisions],
    ['enforcement-system', TOPICS.feedEvents],
  ])('does not let %s read %s', async (user, topic) => {
    expect(await refusal(() => read(user, topic))).toBe('TOPIC_AUTHORIZATION_FAILED')
  })

  it('does not let a stage fence another', async () => {
    const fence = async (user: User) => {
      const producer = new TransactionalProducer({
        kafka: as(user).kafka,
        transactionalId: 'enforce.of-a-test',
        groupId: 'wardline.enforce',
        transactionTimeoutMs: 10_000,
        sleep: delay,
      })
      try {
        await producer.fence()
      } finally {
        await producer.close()
      }
    }
    // The refusal comes with the search for the coordinator, and kafkajs gives it a name of its own.
    expect(await refusal(() => fence('wardline-classify'))).toMatch(
      /AUTHORIZATION_FAILED|Failed to find group coordinator/,
    )
    expect(await refusal(() => fence('wardline-enforce'))).toBeNull()
  })

  it('lets each do its own', async () => {
    expect(await refusal(() => read('wardline-classify', TOPICS.normalized))).toBeNull()
    expect(await refusal(() => write('wardline-console', TOPICS.verdicts))).toBeNull()
    expect(await refusal(() => read('wardline-comment-risk', TOPICS.reversals))).toBeNull()
    expect(await refusal(() => write('wardline-enforce', TOPICS.reversals))).toBeNull()
  })

  it('has just the rules of the file', async () => {
    const { missing, extra } = await planAcls(as('wardline-admin').kafka, readAcls())
    expect([missing.map(describeAcl), extra.map(describeAcl)]).toEqual([[], []])
  })
})

interface Line {
  readonly level: string
  readonly msg: string
}

describe('doctor, with a login', () => {
  const worse = async (user: User, level: 'warn' | 'fail') =>
    (await examine(as(user), {})).filter((finding) => finding.level === level)

  it('holds the access rules against the file', async () => {
    const findings = await examine(as('wardline-admin'), {})
    expect(findings.filter(({ level }) => level === 'fail')).toEqual([])
    expect(findings).toContainEqual(expect.objectContaining({ check: 'access', level: 'ok' }))
  })

  it('says what somebody who is no admin may not see, instead of guessing', async () => {
    const warnings = await worse('enforcement-system', 'warn')
    expect(warnings.filter(({ remedy }) => remedy.includes('admin')).map(({ check }) => check)).toEqual(
      expect.arrayContaining(['broker', 'topics', 'access']),
    )
    expect(await worse('enforcement-system', 'fail')).toEqual([])
  })
})

const started = async (stage: StageName, env: Record<string, string>) => {
  const service = startService(stage, {
    brokers: stack.brokers,
    registryUrl: stack.registryUrl,
    logFolder: `${folder}/refused`,
    metricsPort: 0,
    env,
    detached: false,
  })
  const late = setTimeout(() => service.child.signal('SIGKILL'), 60_000)
  await service.child.exited
  clearTimeout(late)
  const lines = readFileSync(service.child.logFile, 'utf8').trimEnd().split('\n')
  // The client may still report a connection that it gave up after the refusal.
  const fatal = lines.map((line) => JSON.parse(line) as Line).findLast(({ level }) => level === 'fatal')
  return fatal ?? { level: 'none', msg: lines.join('\n') }
}

describe('a registry that wants a login', () => {
  const login = `Basic ${Buffer.from('wardline:right').toString('base64')}`
  let gate: Server
  let env: Record<string, string>

  // The registry's own login needs an identity provider; in front of it stands what a gateway does.
  beforeAll(async () => {
    gate = createServer(async (request, response) => {
      if (request.headers.authorization !== login) return void response.writeHead(401).end('{}')
      const body = request.method === 'POST' ? await text(request) : null
      const answer = await fetch(`${new URL(stack.registryUrl).origin}${request.url}`, {
        method: request.method!,
        headers: { 'content-type': 'application/json' },
        body,
      })
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text())
    })
    await new Promise<void>((resolve) => gate.listen(0, '127.0.0.1', resolve))
    const { port } = gate.address() as AddressInfo
    env = {
      WARDLINE_REGISTRY_URL: `http://127.0.0.1:${port}${new URL(stack.registryUrl).pathname}`,
      WARDLINE_REGISTRY_USERNAME: 'wardline',
    }
  })
  afterAll(() => {
    gate.close()
  })
  const withPassword = (password: string) => {
    const file = join(folder, `registry-${password}`)
    writeFileSync(file, password)
    return { ...env, WARDLINE_REGISTRY_PASSWORD_FILE: file }
  }

  it('gives schemas to who has it', async () => {
    const { registry } = as('feed-producer', withPassword('right'))
    expect(await registry.idOf(TOPICS.feedEvents, 'FeedEvent')).toBeGreaterThan(0)
  })

  it('is no outage to who has not: the service refuses to start', async () => {
    const { level, msg } = await started('classify', {
      ...clientEnvironment(stack.credentials!, 'wardline-classify'),
      ...withPassword('wrong'),
    })
    expect(level).toBe('fatal')
    expect(msg).toMatch(/refused the login \(401\): check .*WARDLINE_REGISTRY_PASSWORD_FILE/)
  })
})

describe('a service that the broker will not have refuses to start and names the remedy:', () => {
  it('a wrong password', async () => {
    const file = join(folder, 'wrong')
    writeFileSync(file, 'not it')
    const env = {
      ...clientEnvironment(stack.credentials!, 'wardline-classify'),
      WARDLINE_SASL_PASSWORD_FILE: file,
    }
    const { level, msg } = await started('classify', env)
    expect(level).toBe('fatal')
    expect(msg).toMatch(/refused the login of wardline-classify: check .*WARDLINE_SASL_PASSWORD_FILE/)
  })

  it('no TLS to a TLS port', async () => {
    const { level, msg } = await started('enforce', {})
    expect(level).toBe('fatal')
    expect(msg).toMatch(/speaks TLS: set WARDLINE_TLS=true/)
  })

  it('a certificate that nobody vouches for', async () => {
    const { WARDLINE_TLS_CA_FILE: _, ...env } = clientEnvironment(stack.credentials!, 'wardline-normalize')
    const { level, msg } = await started('normalize', env)
    expect(level).toBe('fatal')
    expect(msg).toMatch(/certificate of .* is not trusted .*WARDLINE_TLS_CA_FILE/)
  })
})

it('no password is in a log', () => {
  const secrets = [...stack.credentials!.passwords.values(), stack.credentials!.storePassword]
  for (const name of ['broker', 'registry', 'normalize', 'classify', 'comment-risk', 'enforce']) {
    const log = readFileSync(`${stack.logFolder}/${name}.log`, 'utf8')
    expect(secrets.some((secret) => log.includes(secret))).toBe(false)
  }
})
