import { DecisionStore, Follower, OtherTopics, removeStore } from '@wardline/decision-store'
import { type Connection, openConnection } from '@wardline/records'
import { createLogger, InvalidSettings } from '@wardline/stream'
import { AuditLog } from './audit-log.ts'
import { Live } from './live.ts'
import { createServer } from './server.ts'
import { type ConsoleSettings, readConsoleSettings } from './settings.ts'

const PRUNE_EVERY_MS = 30_000

/** The service from environment to exit. Sets `process.exitCode` and returns; the process ends once nothing is open. */
export async function runConsole(): Promise<void> {
  const logger = createLogger({ service: 'console', level: process.env.WARDLINE_LOG_LEVEL ?? 'info' })
  try {
    const settings = readConsoleSettings(process.env)
    const connection = openConnection(settings.stage, 'wardline-console', settings.stage.logLevel)
    const clock = Date.now
    const { store, follower } = await openStore(connection, settings)
    const audit = new AuditLog(settings.auditFile, logger, clock)
    const live = new Live({ ...settings, logger, clock })
    const server = await createServer({
      settings,
      connection,
      replayConnection: replayConnection(connection, settings),
      store,
      audit,
      live,
      health: () => follower.health(),
      clock,
    })
    const ended = Promise.withResolvers<void>()
    follower.start((error) => {
      // The broker was replaced while this ran. The topics have everything: begin again from nothing.
      logger.fatal(
        { error: error.message },
        'the store is of other topics; it is made anew at the next start',
      )
      process.exitCode = 1
      ended.resolve()
    })
    live.start()
    const pruning = setInterval(() => {
      const step = () => store.prune(clock()) && setImmediate(step)
      step()
    }, PRUNE_EVERY_MS)
    const address = await server.listen({ host: settings.host, port: settings.port })
    logger.info({ address }, 'console started')
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => ended.resolve())
    await ended.promise
    clearInterval(pruning)
    live.stop()
    await server.close()
    await follower.stop()
    store.close()
    if (process.exitCode === 1) removeStore(settings.storeFile)
    audit.close()
    logger.info('stopped')
  } catch (error) {
    logger.fatal(
      { error: error instanceof InvalidSettings ? 'InvalidSettings' : undefined },
      error instanceof Error ? error.message : String(error),
    )
    process.exitCode = 1
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

async function clusterOf({ kafka, logger }: Connection): Promise<string> {
  for (;;) {
    const admin = kafka.admin()
    try {
      await admin.connect()
      return (await admin.describeCluster()).clusterId
    } catch (error) {
      logger.warn({ error: error instanceof Error ? error.message : String(error) }, 'waiting for the broker')
      await new Promise((resolve) => setTimeout(resolve, 1_000))
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
