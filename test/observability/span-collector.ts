import { createServer, type Server } from 'node:http'

export interface CollectedSpan {
  readonly service: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: readonly { key: string; value: object }[]
  readonly status: { readonly code: number }
}
interface Sent {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly { key: string; value: { stringValue?: string } }[] }
    readonly scopeSpans: readonly { readonly spans: readonly Omit<CollectedSpan, 'service'>[] }[]
  }[]
}

/** Takes spans as an OpenTelemetry collector does: OTLP as JSON over HTTP. */
export class SpanCollector {
  readonly spans: CollectedSpan[] = []
  readonly endpoint: string
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
    this.endpoint = `http://127.0.0.1:${(server.address() as { port: number }).port}/v1/traces`
    server.on('request', (request, response) => {
      const parts: Buffer[] = []
      request.on('data', (part: Buffer) => parts.push(part))
      // Whoever sends may give up in the middle, and on a busy machine does.
      request.on('error', () => {})
      request.on('end', () => {
        this.#take(JSON.parse(Buffer.concat(parts).toString()))
        response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
      })
    })
  }

  static async start(): Promise<SpanCollector> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return new SpanCollector(server)
  }

  /** Takes connections from now on, and answers none. */
  fallSilent(): void {
    this.#server.removeAllListeners('request')
  }

  stop(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  #take({ resourceSpans }: Sent): void {
    for (const { resource, scopeSpans } of resourceSpans) {
      const service = resource.attributes.find(({ key }) => key === 'service.name')?.value.stringValue ?? ''
      for (const { spans } of scopeSpans) for (const span of spans) this.spans.push({ ...span, service })
    }
  }
}
