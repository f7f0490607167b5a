import {
  DiagLogLevel,
  diag,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import type { Logger } from './logger.ts'
import type { DeadLetterReason } from './results.ts'
import type { RecordPlace, RecordSpan, Spans } from './spans.ts'
import type { StageName } from './stage.ts'
import { groupId } from './topics.ts'
import { isSampled, parentIdOf, type RecordTrace, traceIdOf } from './trace-context.ts'

const EXPORT_EVERY_MS = 1_000
/** Longest wait for the collector, also at the end of the process, which has ten seconds in all. */
const EXPORT_WITHIN_MS = 2_000

/**
 * Spans of a stage by OpenTelemetry's own library, sent by OTLP over HTTP. Loaded only where an endpoint is set. A collector
 * that is slow or away costs spans, never events: what the queue (2,048 spans) cannot hold is dropped. Attributes are the
 * semantic conventions for messaging; nothing of a record's key or value is in them.
 */
export class SpanExport implements Spans {
  readonly #stage: StageName
  readonly #provider: TracerProvider
  readonly #tracer

  /** `endpoint`: where spans go, such as http://127.0.0.1:4318/v1/traces. */
  constructor(options: { readonly stage: StageName; readonly endpoint: string; readonly logger: Logger }) {
    this.#stage = options.stage
    const say = (message: string) =>
      options.logger.warn({ endpoint: options.endpoint, message }, 'spans not exported')
    const silent = () => {}
    diag.setLogger({ error: say, warn: say, info: silent, debug: silent, verbose: silent }, DiagLogLevel.WARN)
    this.#provider = new TracerProvider({
      resource: resourceFromAttributes({ 'service.name': `wardline-${options.stage}` }),
      spanProcessors: [
        new BatchSpanProcessor({
          exporter: new OTLPTraceExporter({ url: options.endpoint, timeoutMillis: EXPORT_WITHIN_MS }),
          scheduledDelayMillis: EXPORT_EVERY_MS,
        }),
      ],
    })
    this.#tracer = this.#provider.getTracer('wardline')
  }

  begin(
    { headers: { traceparent }, isNew }: RecordTrace,
    place: RecordPlace,
    startedAt: number,
  ): RecordSpan | undefined {
    if (!isSampled(traceparent)) return undefined
    const parent = trace.setSpanContext(ROOT_CONTEXT, {
      traceId: traceIdOf(traceparent),
      spanId: parentIdOf(traceparent),
      traceFlags: TraceFlags.SAMPLED,
      isRemote: true,
    })
    const span = this.#tracer.startSpan(
      `process ${place.topic}`,
      {
        kind: SpanKind.CONSUMER,
        // Else its parent would be a span that nobody has: the trace then gets the library's id.
        root: isNew,
        startTime: startedAt,
        attributes: {
          'messaging.system': 'kafka',
          'messaging.operation.type': 'process',
          'messaging.operation.name': 'process',
          'messaging.consumer.group.name': groupId(this.#stage),
          'messaging.destination.name': place.topic,
          'messaging.destination.partition.id': String(place.partition),
          'messaging.kafka.offset': Number(place.offset),
        },
      },
      parent,
    )
    return new ExportedSpan(span)
  }

  async close(): Promise<void> {
    await this.#provider.forceFlush({ timeoutMillis: EXPORT_WITHIN_MS }).catch(() => {})
  }
}

class ExportedSpan implements RecordSpan {
  readonly #span: Span
  readonly traceparent: string

  constructor(span: Span) {
    this.#span = span
    const { traceId, spanId } = span.spanContext()
    this.traceparent = `00-${traceId}-${spanId}-01`
  }

  failed(reason: DeadLetterReason): void {
    this.#span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute('error.type', reason)
  }

  end(at: number): void {
    this.#span.end(at)
  }
}
