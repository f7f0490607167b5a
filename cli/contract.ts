/**
 * Writes docs/contract.md: each topic with its key, its settings and a record as the chain really wrote it. One event is
 * followed from the feed to its reversal, on a chain of its own. `make contract`.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { FeedProducer } from '@wardline/client'
import { suspendSection } from '@wardline/control'
import { readDeadLetters } from '@wardline/dead-letters'
import type { RecordName } from '@wardline/events'
import { freePorts, startStack } from '@wardline/local'
import { type Connection, FeedPublisher, readRecords } from '@wardline/records'
import { giveVerdict } from '@wardline/review'
import { DEAD_LETTER_HEADERS, PartitionReader, TOPIC_SPECS, TOPICS, type TopicSpec } from '@wardline/stream'
import { connect } from './connection.ts'

export const CONTRACT_PAGE = new URL('../docs/contract.md', import.meta.url)

/** What a topic is for, beside what packages/stream/topics.ts says of it. */
interface TopicUse {
  readonly key: string
  readonly writer: string
  readonly readers: string
}

export const TOPIC_USES: Readonly<Record<(typeof TOPICS)[keyof typeof TOPICS], TopicUse>> = {
  [TOPICS.feedEvents]: {
    key: 'actorId, the same for a retry',
    writer: 'feed producers, at least once',
    readers: 'normalize',
  },
  [TOPICS.normalized]: { key: 'protectedId', writer: 'normalize', readers: 'classify' },
  [TOPICS.classified]: { key: 'protectedId', writer: 'classify', readers: 'comment-risk' },
  [TOPICS.assessed]: { key: 'actorId', writer: 'comment-risk', readers: 'enforce' },
  [TOPICS.decisions]: { key: 'actorId', writer: 'enforce', readers: 'enforcement systems, console' },
  [TOPICS.profiles]: {
    key: 'accountId; a record without value erases',
    writer: 'feed producers',
    readers: 'comment-risk',
  },
  [TOPICS.reports]: { key: 'reportedId', writer: 'feed producers', readers: 'enforce' },
  [TOPICS.verdicts]: { key: 'actorId', writer: 'console, review tools', readers: 'enforce' },
  [TOPICS.reversals]: { key: 'protectedId', writer: 'enforce', readers: 'comment-risk' },
  [TOPICS.control]: {
    key: '`rule-set/NAME` or `section/NAME`',
    writer: '`wardline`, console',
    readers: 'every stage',
  },
}

/** A record as it stands in a topic. */
interface Example {
  readonly key: string
  readonly value: unknown
}

/** The page. `examples` has one a topic that has a schema, `deadLetter` the headers of one. Pure. */
export function contractPage(
  examples: ReadonlyMap<string, Example>,
  deadLetter: Readonly<Record<string, string>>,
): string {
  const out = [
    '# Contract of the topics',
    '',
    'Written by `make contract` from a running chain; `test/docs` holds the examples against the schemas. One event is followed from the feed to its reversal. The people are invented.',
    '',
    'Values are Avro in Confluent framing: a zero byte, the id of the writer’s schema in four bytes, the body. The examples show them as JSON; times are milliseconds since 1970 UTC. Every field is documented in [schemas/](../schemas). Keys are UTF-8 texts, partitioned as Kafka’s Java client does (murmur2): librdkafka needs `partitioner=murmur2_random` for that. All topics have the same number of partitions.',
    '',
    'How to write and read them: [kits](../kits/README.md) for TypeScript, Java and Python.',
    '',
  ]
  for (const spec of TOPIC_SPECS) {
    const example = examples.get(spec.topic)
    if (spec.record === null || example === undefined) continue
    const use = TOPIC_USES[spec.topic as keyof typeof TOPIC_USES]
    out.push(
      `## \`${spec.topic}\``,
      '',
      `| record | key | written by | read by | kept |`,
      '|---|---|---|---|---|',
      `| [${spec.record}](../schemas/${spec.record}.avsc) | ${use.key} | ${use.writer} | ${use.readers} | ${kept(spec)} |`,
      '',
      `Key \`${example.key}\`:`,
      '',
      '```json',
      JSON.stringify(example.value, null, 2),
      '```',
      '',
    )
  }
  out.push(
    '## `<stage>.dlq`',
    '',
    'Records that a stage could not take: key, value and headers as they came, and these headers beside them. Kept for 30 days, or until `bin/wardline dlq replay` puts them back.',
    '',
    '```json',
    JSON.stringify(deadLetter, null, 2),
    '```',
    '',
    '## `<stage>.state`',
    '',
    'A stage’s own memory, compacted: what it restores from. Nobody else reads or writes it; its format is not part of the contract.',
    '',
  )
  return out.join('\n')
}

function kept({ config }: TopicSpec): string {
  if (config['cleanup.policy'] === 'compact') return 'the newest of each key (compacted)'
  return `${Number(config['retention.ms']) / 86_400_000} days`
}

const CHILD = 'child-1'
const STRANGER = 'stranger-1'
const ANSWERED_WITHIN_MS = 60_000

async function gather(connection: Connection): Promise<string> {
  const { broker, registry } = connection.settings
  const producer = await FeedProducer.connect({ ...broker, registry, clientId: 'wardline-contract' })
  producer.putProfile({
    accountId: CHILD,
    ageBand: 'AGE_8_TO_11',
    youthMode: true,
    guardianIds: ['guardian-1'],
    updatedAt: Date.now(),
  })
  await producer.flush()
  await delay(2_000)
  const eventId = 'event-1'
  producer.publish({
    eventId,
    kind: 'COMMENT',
    occurredAt: Date.now(),
    actorId: STRANGER,
    actorAgeBand: 'ADULT',
    subjectId: CHILD,
    subjectAgeBand: 'AGE_8_TO_11',
    contentId: 'comment-1',
    parentId: 'post-1',
    text: '时时彩计划群，稳赚不赔，加微信 wx8812345',
    device: 'PHONE',
  })
  producer.report({
    reportId: 'report-1',
    reporterId: CHILD,
    reportedId: STRANGER,
    eventId,
    category: 'fraud',
    reportedAt: Date.now(),
  })
  await producer.close()
  const bad = new FeedPublisher(connection)
  await bad.connect()
  await bad.send(TOPICS.feedEvents, [{ key: STRANGER, value: Buffer.from('no Avro at all') }])
  await bad.close()

  const first = await untilFound(() => recordOf(connection, TOPICS.decisions, 'EnforcementDecision'))
  await suspendSection(connection, 'game-zone', {
    days: 30,
    reference: 'CAC-2026-17',
    from: Date.now(),
    issuedBy: 'regulator',
    now: Date.now(),
  })
  const { decisionId } = first.value as { decisionId: string }
  await giveVerdict(connection, decisionId, 'OVERTURNED', { reviewerId: 'li', reason: 'no_violation' })
  const letter = await untilFound(
    async () => (await readDeadLetters(connection, { includeReplayed: true }))[0],
  )

  const examples = new Map<string, Example>()
  for (const { topic, record } of TOPIC_SPECS) {
    if (record === null) continue
    examples.set(topic, await untilFound(() => recordOf(connection, topic, record)))
  }
  const ours = new Set<string>(Object.values(DEAD_LETTER_HEADERS))
  const headers = Object.entries(letter.message.headers ?? {}).filter(([name]) => ours.has(name))
  return contractPage(examples, Object.fromEntries(headers.map(([name, value]) => [name, String(value)])))
}

/** The first record of a topic that can be decoded. */
async function recordOf(
  connection: Connection,
  topic: string,
  record: RecordName,
): Promise<Example | undefined> {
  const reader = new PartitionReader(connection.kafka)
  try {
    for await (const each of readRecords(connection, reader, topic, record))
      if (each.value !== null) return each
    return undefined
  } finally {
    await reader.close()
  }
}

async function untilFound<T>(look: () => Promise<T | undefined>): Promise<T> {
  const until = performance.now() + ANSWERED_WITHIN_MS
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (performance.now() > until) throw new Error('the chain did not answer in time')
    await delay(200)
  }
}

if (import.meta.main) {
  const folder = mkdtempSync(join(tmpdir(), 'wardline-contract-'))
  const stack = await startStack({ folder, partitions: 2, ports: await freePorts(), log: console.log })
  try {
    const connection = connect({
      ...process.env,
      WARDLINE_BROKERS: stack.brokers.join(','),
      WARDLINE_REGISTRY_URL: stack.registryUrl,
    })
    writeFileSync(CONTRACT_PAGE, await stack.orInterrupted(gather(connection)))
    console.log('docs/contract.md')
  } finally {
    await stack.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}
