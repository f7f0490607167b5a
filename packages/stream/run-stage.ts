import type { RecordName, RecordTypes } from '@wardline/events'
import { type Health, startHealthServer } from './health-server.ts'
import { createLogger, type Logger } from './logger.ts'
import { StageMetrics } from './metrics.ts'
import { InvalidSettings, readSettings, type StageSettings } from './settings.ts'
import type { Spans } from './spans.ts'
import type { Stage, StageName } from './stage.ts'
import { StageRunner } from './stage-runner.ts'
import type { StateStore } from './state.ts'

/** What a service's main.ts gives beside the stage itself. */
export interface RunStageHooks<Output extends RecordName> {
  /** Called once with the stage's metrics, to add its own; the function it returns gets each output after its commit. */
  readonly onCommitted?: (metrics: StageMetrics) => (output: RecordTypes[Output]) => void
}

/**
 * A service from environment to exit: settings, probes, the stage, signals. Sets `process.exitCode` and
 * returns; the process ends by itself once nothing is open.
 */
export async function runStage<Output extends RecordName, State extends Record<string, StateStore>>(
  stage: Stage<Output, State>,
  hooks: RunStageHooks<Output> = {},
): Promise<void> {
  const logger = createLogger({ service: stage.name, level: process.env.WARDLINE_LOG_LEVEL ?? 'info' })
  try {
    const settings = readSettings(process.env)
    const metrics = new StageMetrics(stage.name)
    const committed = hooks.onCommitted?.(metrics)
    const spans = await spansOf(stage.name, settings, logger)
    const runner = new StageRunner({
      stage,
      settings,
      metrics,
      logger,
      clock: Date.now,
      ...(committed ? { committed } : {}),
      ...(spans ? { spans } : {}),
    })
    const health: Health = { ready: () => runner.health(), alive: () => true }
    const server = await startHealthServer(settings.metrics, metrics.registry, health)
    logger.info({ port: server.port, brokers: settings.broker.brokers }, `${stage.name} started`)
    runner.start()

    let stopping = false
    const stop = (signal: string) => {
      if (stopping) return
      stopping = true
      logger.info({ signal }, 'stopping')
      const overdue = setTimeout(() => {
        logger.error(
          { afterMs: settings.shutdownTimeoutMs, open: process.getActiveResourcesInfo() },
          'could not stop in time; open transactions will be aborted by the next owner',
        )
        process.exit(1)
      }, settings.shutdownTimeoutMs)
      overdue.unref()
      void runner
        .stop()
        .catch((error: unknown) => logger.error({ error: String(error) }, 'stopped with an error'))
    }
    process.on('SIGTERM', () => stop('SIGTERM'))
    process.on('SIGINT', () => stop('SIGINT'))

    try {
      await runner.done
    } finally {
      await server.close()
    }
    logger.info('stopped')
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    logger.fatal({ error: error instanceof InvalidSettings ? 'InvalidSettings' : undefined }, message)
    process.exitCode = 1
  }
}

/** The library is loaded only where spans are asked for: it is as large as the rest of the stage. */
async function spansOf(
  stage: StageName,
  { tracing }: StageSettings,
  logger: Logger,
): Promise<Spans | undefined> {
  if (!tracing) return undefined
  const { SpanExport } = await import('./span-export.ts')
  return new SpanExport({ stage, endpoint: tracing.endpoint, logger })
}

/** Says why a service does not start, every reason, and has the process end with 1. */
export function refuseToStart(service: string, message: string, problems: readonly object[]): void {
  createLogger({ service, level: process.env.WARDLINE_LOG_LEVEL ?? 'info' }).fatal({ problems }, message)
  process.exitCode = 1
}
