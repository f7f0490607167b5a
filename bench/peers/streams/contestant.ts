import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { BenchStack } from '../../chain/bench-stack.ts'
import type { Contestant } from '../../chain/contestant.ts'
import { PeerProcess } from '../../chain/peer-process.ts'
import type { Process } from '../../chain/processes.ts'
import { buildStreamsPeer } from './build.ts'

const READY_WITHIN_MS = 60_000
/** The same number of threads as the machine that it was measured on has cores. */
const THREADS = 2

/** The chain as a Kafka Streams application: one JVM. */
export class KafkaStreamsPeer implements Contestant {
  readonly name: string
  readonly input = 'feed.events'
  readonly output = 'enforcement.decisions'
  readonly #stack: BenchStack
  readonly #stores: 'memory' | 'rocksdb'
  readonly #commitMs: number
  #process: PeerProcess | undefined
  #folder: string | undefined

  constructor(stack: BenchStack, stores: 'memory' | 'rocksdb', commitMs = 100) {
    this.#stack = stack
    this.#stores = stores
    this.#commitMs = commitMs
    this.name = `streams-${stores}`
  }

  async start(): Promise<void> {
    const { stack } = this.#stack
    const { classpath, data, model } = buildStreamsPeer()
    this.#folder = mkdtempSync(join(tmpdir(), 'wardline-streams-'))
    const logFile = join(stack.logFolder, `${this.name}.log`)
    this.#process = new PeerProcess(
      'java',
      [
        ...['-Xms1g', '-Xmx2g', '-XX:+UseParallelGC', '-Dorg.apache.avro.specific.use_custom_coders=true'],
        ...['-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-cp', classpath, 'Peer'],
        ...[stack.brokers.join(','), stack.registryUrl, data, model, this.#folder],
        ...[String(THREADS), this.#stores, String(this.#commitMs)],
      ],
      logFile,
    )
    const until = performance.now() + READY_WITHIN_MS
    while (!readFileSync(logFile, 'utf8').includes('RUNNING')) {
      this.#process.mustRun()
      if (performance.now() > until)
        throw new Error(`the Kafka Streams peer was not running in time: ${logFile}`)
      await delay(100)
    }
  }

  async stop(): Promise<void> {
    await this.#process?.stop()
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true })
  }

  processes(): readonly Process[] {
    return [{ name: 'streams', pid: this.#process!.pid }]
  }
}
