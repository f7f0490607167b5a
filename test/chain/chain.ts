import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type AuditReport, audit, balances } from '@wardline/cli/audit'
import { connect } from '@wardline/cli/connection'
import { freePorts, type Service, type Stack, startService, startStack } from '@wardline/local'
import type { Connection } from '@wardline/records'
import { STAGE_NAMES, type StageName } from '@wardline/stream'

/** A broker and a registry of the test's own, and services that it can kill and start again. */
export class TestChain {
  readonly stack: Stack
  readonly connection: Connection
  readonly services = new Map<StageName, Service>()
  readonly #folder: string

  private constructor(stack: Stack, folder: string) {
    this.stack = stack
    this.#folder = folder
    this.connection = connect({
      WARDLINE_BROKERS: stack.brokers.join(','),
      WARDLINE_REGISTRY_URL: stack.registryUrl,
    })
  }

  static async start(partitions = 3): Promise<TestChain> {
    const folder = mkdtempSync(join(tmpdir(), 'wardline-chain-'))
    const stack = await startStack({
      folder,
      partitions,
      ports: await freePorts(),
      log: () => {},
      withoutServices: true,
    })
    return new TestChain(stack, folder)
  }

  /** Starts a stage, from another checkout where `root` names one; does not wait for it to be ready. */
  launch(stage: StageName, env: Record<string, string> = {}, root?: string): Service {
    const service = startService(stage, {
      brokers: this.stack.brokers,
      registryUrl: this.stack.registryUrl,
      logFolder: this.stack.logFolder,
      metricsPort: this.stack.ports.metrics[STAGE_NAMES.indexOf(stage)]!,
      env: { WARDLINE_SESSION_TIMEOUT_MS: '3000', WARDLINE_HEARTBEAT_INTERVAL_MS: '500', ...env },
      detached: false,
      ...(root === undefined ? {} : { root }),
    })
    this.services.set(stage, service)
    return service
  }

  async startAll(): Promise<void> {
    await Promise.all(STAGE_NAMES.map((stage) => this.launch(stage).ready()))
  }

  /** Value of a metric of a stage, summed over its label sets that contain `labels`. */
  async metric(stage: StageName, name: string, labels = ''): Promise<number> {
    const text = await (await fetch(this.services.get(stage)!.metricsUrl)).text()
    return text
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) && line.includes(labels))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
  }

  /** Audits until the books balance; the last report where they do not in time. Never waits once something is doubled. */
  async settled(withinMs = 60_000): Promise<AuditReport> {
    const until = performance.now() + withinMs
    for (;;) {
      const report = await audit(this.connection)
      if (balances(report) || report.doubled.length > 0 || performance.now() > until) return report
      await delay(500)
    }
  }

  async stop(): Promise<void> {
    await Promise.all([...this.services.values()].map(({ child }) => child.stop()))
    await this.stack.stop()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
