import type { Kafka } from 'kafkajs'
import {
  type CommittedOffset,
  type GroupMember,
  offsetFetch,
  txnOffsetCommit,
} from './group-offset-requests.ts'
import {
  type Broker,
  type Cluster,
  createCluster,
  GROUP_COORDINATOR,
  isUnanswered,
  type OutMessage,
  type ProducerIdentity,
  TRANSACTION_COORDINATOR,
} from './kafkajs-internals.ts'
import type { PartitionOffset } from './partition-reader.ts'
import type { PartitionBatch } from './produce-request.ts'
import { RecordBatchWriter } from './record-batch-writer.ts'

/** Another producer with the same transactional id has taken over, or the broker gave up on this one: stop, do not retry. */
export class ProducerFenced extends Error {
  override readonly name = 'ProducerFenced'
}

/** The transaction did not end well, and whether it was committed is unknown until the producer is fenced anew and the committed offset is read. */
export class TransactionFailed extends Error {
  override readonly name = 'TransactionFailed'
}

/** The group has gone on without this member: its partitions may be another's. To be asked again when it has joined. */
export class NotAMember extends Error {
  override readonly name = 'NotAMember'
}

/** What one transaction writes: messages by topic and partition, and the input offsets that they stand for. */
export class TransactionContent {
  readonly #topics = new Map<string, Map<number, RecordBatchWriter>>()

  add(topic: string, partition: number, message: OutMessage): void {
    this.batch(topic, partition).add(message)
  }

  /** Where records of a partition are written to; whoever asks for it writes at least one. */
  batch(topic: string, partition: number): RecordBatchWriter {
    let partitions = this.#topics.get(topic)
    if (!partitions) this.#topics.set(topic, (partitions = new Map()))
    let batch = partitions.get(partition)
    if (!batch) partitions.set(partition, (batch = new RecordBatchWriter()))
    return batch
  }

  get topics(): ReadonlyMap<string, ReadonlyMap<number, RecordBatchWriter>> {
    return this.#topics
  }

  get isEmpty(): boolean {
    return this.#topics.size === 0
  }
}

export interface TransactionalProducerOptions {
  readonly kafka: Kafka
  readonly transactionalId: string
  readonly groupId: string
  /** After this long the broker aborts a transaction that nobody ends, ms. */
  readonly transactionTimeoutMs: number
  /** Called with how long to wait, ms; tests pass a faster one. */
  readonly sleep: (ms: number) => Promise<void>
}

/** The broker is still ending the last transaction, or moving the coordinator: ask again shortly. */
const BUSY = new Set(['CONCURRENT_TRANSACTIONS', 'COORDINATOR_LOAD_IN_PROGRESS', 'GROUP_LOAD_IN_PROGRESS'])
const MOVED = new Set([
  'NOT_COORDINATOR_FOR_GROUP',
  'NOT_COORDINATOR',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'COORDINATOR_NOT_AVAILABLE',
])
/** INVALID_PRODUCER_EPOCH is how older request versions spell PRODUCER_FENCED. */
const FENCED = new Set([
  'PRODUCER_FENCED',
  'INVALID_PRODUCER_EPOCH',
  'INVALID_PRODUCER_ID_MAPPING',
  'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
])

const NOT_A_MEMBER = new Set([
  'ILLEGAL_GENERATION',
  'UNKNOWN_MEMBER_ID',
  'REBALANCE_IN_PROGRESS',
  'FENCED_INSTANCE_ID',
])

type PartitionSets = ReadonlyMap<string, ReadonlySet<number>>

const FIRST_WAIT_MS = 1
const LONGEST_WAIT_MS = 50
const PRODUCE_TIMEOUT_MS = 15_000

/**
 * The transactional producer of one process of a stage. A transaction takes three rounds to the brokers:
 * (1) partitions and the group's offsets join the transaction, (2) records and offsets are written,
 * (3) the transaction ends. Requests within a round go out together; a round begins only when all of the
 * one before have succeeded, so a commit can never follow a write that failed. One transaction at a time.
 */
export class TransactionalProducer {
  readonly #options: TransactionalProducerOptions
  #cluster: Cluster
  #identity: ProducerIdentity = { transactionalId: '', producerId: -1, producerEpoch: -1 }
  /** Next sequence number by `topic/partition`; starts at 0 with each new epoch. */
  #sequences = new Map<string, number>()
  /** Of transactional ids and the group, by `type/id`. */
  readonly #coordinators = new Map<string, Broker>()
  #knownTopics = new Set<string>()
  #connected = false
  #closed = false
  /** What the last transaction wrote to. */
  #lastJoined = new Map<string, ReadonlySet<number>>()
  /** The first round of a transaction, where it began before its content was known. */
  #beginning: Promise<void> | undefined
  /** False from a failure to the next fence: a commit whose answer was lost may have succeeded, and a second one would double it. */
  #fenced = false

  constructor(options: TransactionalProducerOptions) {
    this.#options = options
    this.#cluster = createCluster(options.kafka)
  }

  get transactionalId(): string {
    return this.#options.transactionalId
  }

  /**
   * Takes the transactional id: whatever a former owner left open is ended (committed where its commit was
   * under way, aborted otherwise) before this returns, and the former owner can write no more.
   */
  async fence(): Promise<void> {
    this.#fenced = false
    this.#beginning = undefined
    try {
      await this.#connect()
      // After a failure leaders may have moved.
      if (this.#identity.producerId !== -1) await this.#cluster.refreshMetadata()
    } catch (error) {
      this.#failed(error)
      throw error
    }
    const isNew = this.#identity.producerId === -1
    this.#identity = await this.#take(this.#options.transactionalId)
    if (!isNew) await this.#dropPendingOffsets(this.#identity)
    this.#sequences = new Map()
    this.#fenced = true
  }

  /**
   * Gives up the connections where a request got no answer in time: kafkajs takes them for good ones, and would ask on
   * them for ever.
   */
  #failed(error: unknown): void {
    this.#fenced = false
    if (!isUnanswered(error) || this.#closed) return
    const cluster = this.#cluster
    this.#cluster = createCluster(this.#options.kafka)
    this.#connected = false
    this.#knownTopics = new Set()
    this.#coordinators.clear()
    // It waits for what is still under way; nobody waits for it.
    void cluster.disconnect().catch(() => {})
  }

  /** What the group has committed of a partition of each topic, as far as no transaction is about to commit another. */
  committedOffsets(topics: readonly string[], partition: number): Promise<readonly CommittedOffset[]> {
    return this.#fetchOffsets(topics, partition, true)
  }

  /** Transactional ids that committed last of a partition of the topics, whatever is about to be committed. */
  async lastCommitters(topics: readonly string[], partition: number): Promise<ReadonlySet<string>> {
    const offsets = await this.#fetchOffsets(topics, partition, false)
    return new Set(offsets.map(({ committedBy }) => committedBy).filter((id) => id !== ''))
  }

  /**
   * Ends what another producer has left open: committed where its commit was under way, aborted otherwise. Where it is alive
   * it has to fence itself anew.
   */
  async fenceOther(transactionalId: string): Promise<void> {
    await this.#connect()
    await this.#dropPendingOffsets(await this.#take(transactionalId))
  }

  /**
   * Begins a transaction that will likely write to the same partitions as the last one, and returns once it is on its way to
   * the broker, so that the first round passes while its records are still worked on. `commit` has to follow, or a failure.
   */
  async begin(): Promise<void> {
    if (!this.#fenced || this.#lastJoined.size === 0) return
    this.#beginning = this.#join(this.#lastJoined)
    // Its failure is the commit's.
    this.#beginning.catch(() => {})
    await new Promise((resolve) => setImmediate(resolve))
  }

  /**
   * Writes everything in one transaction. Throws ProducerFenced, NotAMember or TransactionFailed; in each case `fence` anew
   * before the next.
   */
  async commit(
    content: TransactionContent,
    offsets: readonly PartitionOffset[],
    member: GroupMember,
  ): Promise<void> {
    const { transactionalId } = this.#options
    if (!this.#fenced) throw new TransactionFailed(`${transactionalId}: not fenced since its last failure`)
    try {
      await this.#joinAll(content)
      await Promise.all([this.#write(content), this.#writeOffsets(offsets, member)])
      await this.#atTransactionCoordinator((broker) =>
        broker.endTxn({ ...this.#identity, transactionResult: true }),
      )
    } catch (error) {
      this.#failed(error)
      throw asTransactionError(error, transactionalId)
    }
  }

  /** Ends what the id has left open, and shuts out whoever had it. */
  async #take(transactionalId: string): Promise<ProducerIdentity> {
    const { transactionTimeoutMs } = this.#options
    const { producerId, producerEpoch } = await this.#atCoordinator(
      TRANSACTION_COORDINATOR,
      transactionalId,
      (broker) => broker.initProducerId({ transactionalId, transactionTimeout: transactionTimeoutMs }),
    )
    return { transactionalId, producerId: Number(producerId), producerEpoch }
  }

  /**
   * An aborted transaction without content. A broker that has lost the end of a transaction in the group's log (seen after a
   * disk was full: it reloads its group coordinator again and again) takes the offsets in it for pending for ever, though the
   * transaction has ended; the end of a later one of the same producer has it drop them. What they stood for is in the
   * stage's own record of its positions.
   */
  async #dropPendingOffsets(identity: ProducerIdentity): Promise<void> {
    const { groupId } = this.#options
    const ask = (request: (broker: Broker) => Promise<unknown>) =>
      this.#atCoordinator(TRANSACTION_COORDINATOR, identity.transactionalId, request)
    await ask((broker) => broker.addOffsetsToTxn({ ...identity, groupId }))
    await ask((broker) => broker.endTxn({ ...identity, transactionResult: false }))
  }

  /** Number of partitions of a topic, from the cluster's metadata. */
  async partitionCount(topic: string): Promise<number> {
    await this.#connect()
    await this.#learn([topic])
    return this.#cluster.findTopicPartitionMetadata(topic).length
  }

  /** Ends the connections; what is under way fails. */
  async close(): Promise<void> {
    this.#closed = true
    if (!this.#connected) return
    this.#connected = false
    await this.#cluster.disconnect()
  }

  async #connect(): Promise<void> {
    if (this.#closed) throw new Error('the producer is closed')
    if (this.#connected) return
    await this.#cluster.connect()
    this.#connected = true
  }

  async #learn(topics: readonly string[]): Promise<void> {
    if (topics.every((topic) => this.#knownTopics.has(topic))) return
    await this.#cluster.addMultipleTargetTopics(topics)
    for (const topic of topics) this.#knownTopics.add(topic)
  }

  /** The first round, as far as `begin` has not been through it. */
  async #joinAll(content: TransactionContent): Promise<void> {
    const joined = this.#beginning ? this.#lastJoined : new Map<string, ReadonlySet<number>>()
    const missing = new Map<string, ReadonlySet<number>>()
    this.#lastJoined = new Map()
    for (const [topic, partitions] of content.topics) {
      const ids = new Set(partitions.keys())
      this.#lastJoined.set(topic, ids)
      const others = [...ids].filter((id) => !joined.get(topic)?.has(id))
      if (others.length > 0) missing.set(topic, new Set(others))
    }
    const beginning = this.#beginning
    this.#beginning = undefined
    if (!beginning) return this.#join(missing)
    await beginning
    if (missing.size > 0) await this.#joinPartitions(missing)
  }

  /** Partitions and the group's offsets join the transaction. */
  async #join(partitions: PartitionSets): Promise<void> {
    await Promise.all([
      this.#atTransactionCoordinator((broker) =>
        broker.addOffsetsToTxn({ ...this.#identity, groupId: this.#options.groupId }),
      ),
      partitions.size > 0 ? this.#joinPartitions(partitions) : undefined,
    ])
  }

  async #fetchOffsets(
    topics: readonly string[],
    partition: number,
    requireStable: boolean,
  ): Promise<readonly CommittedOffset[]> {
    await this.#connect()
    const { groupId } = this.#options
    const { offsets } = await this.#atGroupCoordinator((broker) =>
      broker.connectionPool.send(offsetFetch(groupId, topics, partition, requireStable)),
    )
    return offsets
  }

  async #joinPartitions(partitions: PartitionSets): Promise<void> {
    const topics = [...partitions].map(([topic, ids]) => ({ topic, partitions: [...ids] }))
    await this.#atTransactionCoordinator((broker) => broker.addPartitionsToTxn({ ...this.#identity, topics }))
  }

  async #write(content: TransactionContent): Promise<void> {
    if (content.isEmpty) return
    await this.#learn([...content.topics.keys()])
    await this.#cluster.refreshMetadataIfNecessary()
    const byLeader = new Map<
      string,
      {
        topic: string
        partitions: PartitionBatch[]
      }[]
    >()
    for (const [topic, partitions] of content.topics) {
      const leaders = this.#cluster.findLeaderForPartitions(topic, [...partitions.keys()])
      for (const [leader, ids] of Object.entries(leaders)) {
        const entries = ids.map((partition) => {
          const batch = partitions.get(partition)!
          return { partition, firstSequence: this.#takeSequence(topic, partition, batch.count), batch }
        })
        const request = byLeader.get(leader)
        if (request) request.push({ topic, partitions: entries })
        else byLeader.set(leader, [{ topic, partitions: entries }])
      }
    }
    await Promise.all(
      [...byLeader].map(async ([nodeId, topicData]) => {
        const broker = await this.#cluster.findBroker({ nodeId })
        await broker.produce({
          ...this.#identity,
          acks: -1,
          timeout: PRODUCE_TIMEOUT_MS,
          topicData,
        })
      }),
    )
  }

  async #writeOffsets(offsets: readonly PartitionOffset[], member: GroupMember): Promise<void> {
    const { groupId } = this.#options
    await this.#atGroupCoordinator((broker) =>
      broker.connectionPool.send(txnOffsetCommit({ ...this.#identity, groupId, member, offsets })),
    )
  }

  /** Sequence numbers are 32-bit and wrap to 0. A failed write leaves a gap, but also ends the epoch. */
  #takeSequence(topic: string, partition: number, count: number): number {
    const key = `${topic}/${partition}`
    const first = this.#sequences.get(key) ?? 0
    this.#sequences.set(key, (first + count) % 2_147_483_648)
    return first
  }

  #atTransactionCoordinator<T>(request: (broker: Broker) => Promise<T>): Promise<T> {
    return this.#atCoordinator(TRANSACTION_COORDINATOR, this.#options.transactionalId, request)
  }

  #atGroupCoordinator<T>(request: (broker: Broker) => Promise<T>): Promise<T> {
    return this.#atCoordinator(GROUP_COORDINATOR, this.#options.groupId, request)
  }

  /** Sends to the remembered coordinator; looks it up anew when it has moved; waits while it is busy, for at most the transaction timeout. */
  async #atCoordinator<T>(type: 0 | 1, id: string, request: (broker: Broker) => Promise<T>): Promise<T> {
    let wait = FIRST_WAIT_MS
    let waited = 0
    for (;;) {
      try {
        return await request(await this.#coordinator(type, id))
      } catch (error) {
        const errorType = (error as { type?: string }).type ?? ''
        if (MOVED.has(errorType)) this.#coordinators.delete(`${type}/${id}`)
        else if (!BUSY.has(errorType)) {
          this.#coordinators.delete(`${type}/${id}`)
          this.#failed(error)
          throw error
        }
        if (waited > this.#options.transactionTimeoutMs) throw error
        await this.#options.sleep(wait)
        waited += wait
        wait = Math.min(wait * 2, LONGEST_WAIT_MS)
      }
    }
  }

  async #coordinator(type: 0 | 1, id: string): Promise<Broker> {
    const known = this.#coordinators.get(`${type}/${id}`)
    if (known?.isConnected()) return known
    const found = await this.#cluster.findGroupCoordinator({ groupId: id, coordinatorType: type })
    this.#coordinators.set(`${type}/${id}`, found)
    return found
  }
}

function asTransactionError(error: unknown, transactionalId: string): Error {
  const { type, message } = error as { type?: string; message?: string }
  if (type !== undefined && FENCED.has(type))
    return new ProducerFenced(`${transactionalId}: ${type}`, { cause: error })
  if (type !== undefined && NOT_A_MEMBER.has(type))
    return new NotAMember(`${transactionalId}: ${type}`, { cause: error })
  return new TransactionFailed(`${transactionalId}: ${message ?? String(error)}`, { cause: error })
}
