import { readFileSync } from 'node:fs'
import {
  applyTopics,
  describeTopicChange,
  type PresentTopic,
  planTopics,
  readTopics,
  TOPIC_SPECS,
  TOPICS,
  type TopicChange,
  type TopicSettings,
  type WantedTopic,
  wantedTopics,
} from '@wardline/stream'
import type { Command } from 'commander'
import type { Kafka } from 'kafkajs'
import { parse } from 'yaml'
import { z } from 'zod'
import { connect } from './connection.ts'
import { wholeNumber } from './whole-number.ts'

/** A file of settings is not what it should be; the message says where. */
export class InvalidTopicSettings extends Error {
  override readonly name = 'InvalidTopicSettings'
  /** Tells the command line to print the message alone. */
  readonly remedy = true
}

/** What the stages rely on; a team cannot choose it. */
const CONTRACT = new Set(['cleanup.policy', 'message.timestamp.type', 'max.message.bytes'])
const settingsSchema = z.record(
  z.string(),
  z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
)

/** Settings by topic, such as `feed.events: { retention.ms: 1209600000 }`. Throws InvalidTopicSettings. */
export function parseTopicSettings(text: string): TopicSettings {
  let content: unknown
  try {
    content = parse(text, { logLevel: 'error' }) ?? {}
  } catch (error) {
    throw new InvalidTopicSettings(`no YAML: ${error instanceof Error ? error.message : String(error)}`)
  }
  const parsed = settingsSchema.safeParse(content)
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`)
    throw new InvalidTopicSettings(`wrong topic settings:\n${lines.join('\n')}`)
  }
  const known = new Set(TOPIC_SPECS.map(({ topic }) => topic))
  const settings: Record<string, Record<string, string>> = {}
  for (const [topic, given] of Object.entries(parsed.data)) {
    if (!known.has(topic))
      throw new InvalidTopicSettings(`${topic} is no topic of the chain; those are ${[...known].join(', ')}`)
    for (const name of Object.keys(given)) {
      if (CONTRACT.has(name))
        throw new InvalidTopicSettings(`${topic}: ${name} is part of the contract and cannot be chosen`)
    }
    settings[topic] = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, String(value)]))
  }
  return settings
}

export interface TopicOptions {
  /** Absent: as many as the chain's topics have at this broker, else 4. */
  readonly partitions?: number
  /** Absent: three, or one a broker where there are fewer. */
  readonly replication?: number
  /** Path of a file of settings by topic. */
  readonly settings?: string
}

const DEFAULT_PARTITIONS = 4
const DEFAULT_REPLICATION = 3

/** Partitions and replicas to ask for where nobody says how many. */
export function topicLayout(
  present: ReadonlyMap<string, PresentTopic>,
  brokers: number,
  options: TopicOptions,
): { partitions: number; replicationFactor: number } {
  const first = present.get(TOPICS.feedEvents) ?? [...present.values()][0]
  return {
    partitions: options.partitions ?? first?.partitions ?? DEFAULT_PARTITIONS,
    replicationFactor: options.replication ?? Math.min(DEFAULT_REPLICATION, brokers),
  }
}

/** The chain's topics as they should be and as the broker has them. */
export async function compareTopics(
  kafka: Kafka,
  options: TopicOptions,
): Promise<{
  wanted: WantedTopic[]
  present: Map<string, PresentTopic>
  changes: TopicChange[]
}> {
  const settings =
    options.settings === undefined ? {} : parseTopicSettings(readFileSync(options.settings, 'utf8'))
  const names = TOPIC_SPECS.map(({ topic }) => topic)
  const [present, brokers] = await Promise.all([readTopics(kafka, names), countBrokers(kafka)])
  const wanted = wantedTopics({ ...topicLayout(present, brokers, options), settings })
  return { wanted, present, changes: planTopics(wanted, present) }
}

async function countBrokers(kafka: Kafka): Promise<number> {
  const admin = kafka.admin()
  await admin.connect()
  try {
    return (await admin.describeCluster()).brokers.length
  } finally {
    await admin.disconnect()
  }
}

const DIFFERS = 2

/** How the topics should be, for each command that compares them. */
export function addTopicOptions(command: Command): Command {
  return command
    .option('--partitions <n>', 'of every topic; absent: as they are, else 4', wholeNumber)
    .option('--replication <n>', 'replicas; absent: 3, or one a broker where there are fewer', wholeNumber)
    .option('--settings <file>', 'YAML: settings of your own by topic, such as retention.ms')
}

/** Adds `topics plan` and `topics apply`. */
export function addTopicCommands(program: Command, print: (line: string) => void): void {
  const topics = program.command('topics').description("the chain's topics at a broker of your own")

  addTopicOptions(topics.command('plan'))
    .description('show what `apply` would do; exit code 2 where anything differs')
    .action(async (chosen: TopicOptions) => {
      const { wanted, changes } = await compareTopics(connect().kafka, chosen)
      for (const change of changes) print(describeTopicChange(change))
      print(summary(changes, wanted.length))
      if (changes.length > 0) process.exitCode = DIFFERS
    })

  addTopicOptions(topics.command('apply'))
    .description('create and alter; deletes nothing; exit code 2 where something is left to do by hand')
    .action(async (chosen: TopicOptions) => {
      const { kafka } = connect()
      const { wanted } = await compareTopics(kafka, chosen)
      const changes = await applyTopics({ kafka, wanted })
      for (const change of changes) print(describeTopicChange(change))
      print(`${changes.filter(({ change }) => change !== 'cannot').length} done`)
      if (changes.some(({ change }) => change === 'cannot')) process.exitCode = DIFFERS
    })
}

function summary(changes: readonly TopicChange[], topics: number): string {
  if (changes.length === 0) return `${topics} topics, nothing to change`
  const count = (...kinds: TopicChange['change'][]) =>
    changes.filter(({ change }) => kinds.includes(change)).length
  return `${topics} topics: ${count('create')} to create, ${count('alter', 'grow')} to alter, ${count('cannot')} that apply cannot do`
}
