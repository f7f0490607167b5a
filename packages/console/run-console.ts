import { setTimeout as delay } from 'node:timers/promises'
import { DecisionStore, Follower, OtherTopics, removeStore } from '@wardline/decision-store'
import { type Connection, openConnection } from '@wardline/records'
import { accessRefused, createLogger } from '@wardline/stream'
import { AuditLog } from './audit-log.ts'
import { Live } from './live.ts'
import { PolicyInForce } from './policy-in-force.ts'
import { createServer } from './server.ts'
import { type ConsoleSettings, readConsoleSettings } from './settings.ts'

const PRUNE_EVERY_MS = 30_000
const PRUNE_PAUSE_MS = 20

/** The service from environment to exit. Sets `process.exitCode` and returns; the process ends once nothing is open. */
export async function runConsole(): Promise<void> {
  const logger = createLogger({ service: 'console', level: process.env.WARDLINE_LOG_LEVEL ?? 'info' })
  /** What is to be ended, the newest first. */
  const closing: (() => unknown)[] = []
  try {
    const settings = readConsoleSettings(process.env)
    const connection = openConnection(settings.stage, 'wardline-console', settings.stage.logLevel)
    const clock = Date.now
    const { store, follower } = await openStore(connection, settings)
    closing.unshift(() => store.close())
    const audit = new AuditLog(settings.auditFile, logger, clock)
    closing.unshift(() => audit.close())
    const live = new Live({ ...settings, logger, clock })
    const server = await createServer({
      settings,
      connection,
      replayConnection: replayConnection(connection, settings),
      store,
      audit,
      live,
      policy: new PolicyInForce(store, settings),
      health: () => follower.health(),
      clock,
    })
    closing.unshift(() => server.close())
    const address = await server.listen({ host: settings.host, port: settings.port })
    const ended = Promise.withResolvers<void>()
    let isOfOtherTopics = false
    follower.start((error) => {
      // The broker was replaced while this ran. The topics have everything: begin again from nothing.
      logger.fatal(
        { error: error.message },
        'the store is of other topics; it is made anew at the next start',
      )
      isOfOtherTopics = true
      ended.resolve()
    })
    closing.unshift(() => follower.stop())
    live.start()
    closing.unshift(() => live.stop())
    const pruning = new AbortController()
    void prune(store, clock, pruning.signal)
    closing.unshift(() => pruning.abort())
    logger.info({ address }, 'console started')
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => ended.resolve())
    await ended.promise
    for (const close of closing.splice(0)) await close()
    if (isOfOtherTopics) {
      removeStore(settings.storeFile)
      process.exitCode = 1
    }
    logger.info('stopped')
  } catch (error) {
    logger.fatal(
      { error: error instanceof Error ? error.name : undefined },
      error instanceof Error ? error.message : String(error),
    )
    process.exitCode = 1
    for (const close of closing) await close()
  }
}

/** Keeps the store within its bounds, a step at a time, so that pages are answered between two. */
async function prune(store: DecisionStore, clock: () => number, signal: AbortSignal): Promise<void> {
  for (;;) {
    const isMore = store.prune(clock())
    await delay(isMore ? PRUNE_PAUSE_MS : PRUNE_EVERY_MS, undefined, { signal }).catch(() => {})
    if (signal.aborted) return
  }
}

/** The store of this broker, made anew where it is of other topics. Waits for the broker. */
async function openStore(
  connection: Connection,
  { storeFile }: ConsoleSettings,
): Promise<{ store: DecisionStore; follower: Follower }> {
  const clusterId = await clusterOf(connection)
  for (;;) {
    const store = DecisionStore.open(storeFile, clusterId)
    const follower = new Follower(connection, store)
    try {
      await follower.checkTopics()
      return { store, follower }
    } catch (error) {
      store.close()
      if (!(error instanceof OtherTopics)) throw error
      connection.logger.warn({ reason: error.message }, 'the store is of other topics: it is made anew')
      removeStore(storeFile)
    }
  }
}

/** Waits for a broker that is out. Throws AccessRefused where it is there and will not have us. */
async function clusterOf({ kafka, logger, settings }: Connection): Promise<string> {
  for (;;) {
    const admin = kafka.admin()
    try {
      await admin.connect()
      return (await admin.describeCluster()).clusterId
    } catch (error) {
      const refused = await accessRefused(error, settings.broker)
      if (refused) throw refused
      logger.warn({ error: error instanceof Error ? error.message : String(error) }, 'waiting for the broker')
      await delay(1_000)
    } finally {
      await admin.disconnect().catch(() => {})
    }
  }
}

/** With the operators' login where one is given; a console that logs in with its own may write only its own topics. */
function replayConnection(
  connection: Connection,
  { stage, replayLogin }: ConsoleSettings,
): Connection | null {
  const { sasl } = stage.broker
  if (!sasl) return connection
  if (!replayLogin) return null
  const broker = { ...stage.broker, sasl: { ...sasl, ...replayLogin } }
  return openConnection({ ...stage, broker }, 'wardline-console-replay')
}
