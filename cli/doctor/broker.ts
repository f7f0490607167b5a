import { type ClusterFeatures, readClusterFeatures } from '@wardline/stream'
import kafkajs, { type Kafka } from 'kafkajs'
import { type Finding, findingsOf } from './finding.ts'

const { ConfigResourceTypes } = kafkajs
const { ok, warn, fail } = findingsOf('broker')

/** What the cluster says of itself. */
export interface ClusterFacts {
  readonly brokers: number
  readonly features: ClusterFeatures
  /** Settings in force by broker; null where we may not see them. */
  readonly settings: ReadonlyMap<number, Readonly<Record<string, string>>> | null
}

export async function readCluster(kafka: Kafka): Promise<ClusterFacts> {
  const admin = kafka.admin()
  await admin.connect()
  try {
    const { brokers } = await admin.describeCluster()
    const settings = await admin
      .describeConfigs({
        resources: brokers.map(({ nodeId }) => ({ type: ConfigResourceTypes.BROKER, name: String(nodeId) })),
        includeSynonyms: false,
      })
      .then(({ resources }) => resources)
      .catch((error: unknown) => {
        if (/AUTHORIZATION/.test(String((error as { type?: unknown }).type))) return null
        throw error
      })
    return {
      brokers: brokers.length,
      features: await readClusterFeatures(kafka),
      settings:
        settings &&
        new Map(
          settings.map(({ resourceName, configEntries }) => [
            Number(resourceName),
            Object.fromEntries(
              configEntries.map(({ configName, configValue }) => [configName, configValue ?? '']),
            ),
          ]),
        ),
    }
  } finally {
    await admin.disconnect()
  }
}

/** Requests that the stages send, with the versions that can be used: from what the protocol needs to what kafkajs speaks. */
const REQUESTS: readonly (readonly [name: string, key: number, least: number, most: number])[] = [
  ['Produce', 0, 3, 7],
  ['Fetch', 1, 4, 11],
  ['ListOffsets', 2, 2, 3],
  ['Metadata', 3, 1, 6],
  ['OffsetFetch', 9, 1, 4],
  ['FindCoordinator', 10, 1, 2],
  ['JoinGroup', 11, 1, 5],
  ['Heartbeat', 12, 0, 3],
  ['LeaveGroup', 13, 0, 3],
  ['SyncGroup', 14, 0, 3],
  ['InitProducerId', 22, 0, 1],
  ['AddPartitionsToTxn', 24, 0, 1],
  ['AddOffsetsToTxn', 25, 0, 1],
  ['EndTxn', 26, 0, 1],
  ['TxnOffsetCommit', 28, 0, 1],
  ['IncrementalAlterConfigs', 44, 0, 0],
]

/** First metadata.version of each release, as `StorageTool version-mapping` of Kafka 4.2.2 gives them. */
const RELEASES: readonly (readonly [level: number, release: string])[] = [
  [29, '4.2'],
  [27, '4.1'],
  [25, '4.0'],
  [21, '3.9'],
  [20, '3.8'],
  [19, '3.7'],
  [14, '3.6'],
]
/** From here on a broker asks whether a transaction is still open before it takes a write of it (KIP-890). */
const VERIFIES_TRANSACTIONS = 14

/** What the cluster lacks. Pure. */
export function judgeCluster(facts: ClusterFacts, largestRecord: number): Finding[] {
  return [
    ...judgeVersion(facts.features),
    ...judgeSize(facts.brokers),
    ...(facts.settings === null
      ? [
          warn(
            'its settings may not be seen',
            'run this as an admin (DescribeConfigs on the cluster), or compare them with docs/settings.md by hand',
          ),
        ]
      : judgeSettings(facts.settings, facts.brokers, largestRecord)),
  ]
}

function judgeVersion({ requests, features }: ClusterFeatures): Finding[] {
  const lacking = REQUESTS.filter(([, key, least, most]) => {
    const range = requests.get(key)
    return !range || range.most < least || range.least > most
  })
  if (lacking.length > 0) {
    return [
      fail(
        `it does not speak ${lacking.map(([name]) => name).join(', ')} in a version that Wardline can use`,
        'use Apache Kafka 3.6 to 4.x, or a service that is compatible with it in transactions',
      ),
    ]
  }
  const level = features.get('metadata.version')
  if (level === undefined || level < VERIFIES_TRANSACTIONS) {
    return [
      warn(
        level === undefined
          ? 'it names no metadata.version: a broker with ZooKeeper, or no Apache Kafka'
          : `its metadata.version is ${level}, before release 3.6`,
        'a write that arrives after its transaction ended can hold a partition up for ever (KIP-890): upgrade to Kafka 3.6 or later',
      ),
    ]
  }
  const release = RELEASES.find(([from]) => level >= from)?.[1]
  return [
    ok(
      `it has the features of Kafka ${release} or later (metadata.version ${level}, transaction.version ${features.get('transaction.version') ?? 0})`,
    ),
  ]
}

const judgeSize = (brokers: number): Finding[] =>
  brokers >= 3
    ? [ok(`${brokers} brokers`)]
    : [
        warn(
          `${brokers} broker${brokers === 1 ? '' : 's'}: a lost disk is lost data`,
          'enough to try it; for more, three brokers with replication 3',
        ),
      ]

const DAY_MINUTES = 1_440

/** One line a setting, for all the brokers that have it wrong. */
function judgeSettings(
  settings: ReadonlyMap<number, Readonly<Record<string, string>>>,
  brokers: number,
  largestRecord: number,
): Finding[] {
  const wantedReplicas = Math.min(3, brokers)
  const wantedInSync = brokers >= 3 ? 2 : 1
  const atLeast = (least: number) => (value: string) => Number(value) >= least
  const rules: {
    name: string
    holds: (value: string) => boolean
    level: typeof fail
    remedy: string
  }[] = [
    {
      name: 'transaction.state.log.replication.factor',
      holds: atLeast(wantedReplicas),
      level: fail,
      remedy: `set ${wantedReplicas}: without the transaction log no stage goes on`,
    },
    {
      name: 'transaction.state.log.min.isr',
      holds: atLeast(wantedInSync),
      level: fail,
      remedy: `set ${wantedInSync}: a commit that one broker alone knows can be lost with it`,
    },
    {
      name: 'offsets.topic.replication.factor',
      holds: atLeast(wantedReplicas),
      level: fail,
      remedy: `set ${wantedReplicas}: with the offsets go the places of the stages`,
    },
    {
      name: 'auto.create.topics.enable',
      holds: (value) => value !== 'true',
      level: warn,
      remedy: 'set false: a mistyped topic name becomes a topic of one partition',
    },
    {
      name: 'socket.request.max.bytes',
      holds: atLeast(largestRecord + 1_048_576),
      level: fail,
      remedy: `set at least ${largestRecord + 1_048_576}: a published policy is one record of up to ${largestRecord} bytes`,
    },
    {
      name: 'group.min.session.timeout.ms',
      holds: (value) => Number(value) <= 6_000,
      level: fail,
      remedy: 'set at most 6000, or WARDLINE_SESSION_TIMEOUT_MS to at least this',
    },
    {
      name: 'transaction.max.timeout.ms',
      holds: atLeast(15_000),
      level: fail,
      remedy: 'set at least 15000, or WARDLINE_TRANSACTION_TIMEOUT_MS to at most this',
    },
    {
      name: 'offsets.retention.minutes',
      holds: atLeast(7 * DAY_MINUTES),
      level: warn,
      remedy: `set at least ${7 * DAY_MINUTES}: a stage that is down for longer loses its place`,
    },
    {
      name: 'message.max.bytes',
      holds: atLeast(1_048_576),
      level: warn,
      remedy:
        'set at least 1048576: topics without a size of their own (reports, verdicts) take no record above it',
    },
  ]
  const findings: Finding[] = []
  let right = 0
  for (const { name, holds, level, remedy } of rules) {
    const wrong = [...settings].filter(([, values]) => values[name] !== undefined && !holds(values[name]))
    if (wrong.length === 0) {
      right++
      continue
    }
    const where = wrong.length === settings.size ? '' : ` on broker ${wrong.map(([id]) => id).join(', ')}`
    findings.push(level(`${name} is ${wrong[0]![1][name]}${where}`, remedy))
  }
  if (right > 0)
    findings.push(ok(`${right} settings that matter to transactions and sizes are as they should be`))
  return findings
}
