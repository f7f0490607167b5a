import { createServer, type Server } from 'node:http'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createLogger } from './logger.ts'
import { SpanExport } from './span-export.ts'
import { TraceContext } from './trace-context.ts'

const T0 = Date.UTC(2026, 8, 21)
const GIVEN = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
const PLACE = { topic: 'events.classified', partition: 2, offset: '17' }
const logger = createLogger({ service: 'test', level: 'silent' })

interface Sent {
  resourceSpans: {
    resource: { attributes: { key: string; value: object }[] }
    scopeSpans: { spans: Record<string, unknown>[] }[]
  }[]
}

let collector: Server
let endpoint: string
let received: Sent[]

beforeEach(async () => {
  received = []
  collector = createServer(async (request, response) => {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part)
    received.push(JSON.parse(Buffer.concat(parts).toString()))
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  })
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve))
  endpoint = `http://127.0.0.1:${(collector.address() as { port: number }).port}/v1/traces`
})
afterEach(() => {
  collector.close()
  collector.closeAllConnections()
})

const traces = new TraceContext(1)
const given = (traceparent: string) => traces.of({ traceparent: Buffer.from(traceparent) })

it('sends the span of a sampled record, as the child of what the record names', async () => {
  const spans = new SpanExport({ stage: 'comment-risk', endpoint, logger })
  const span = spans.begin(given(GIVEN), PLACE, T0)!
  const unfinished = spans.begin(given(GIVEN), PLACE, T0)!
  const failed = spans.begin(given(GIVEN), PLACE, T0)!
  failed.failed('invalid')
  for (const each of [span, failed]) each.end(T0 + 250)
  expect(spans.begin(given(GIVEN.replace(/01$/, '00')), PLACE, T0)).toBeUndefined()
  await spans.close()

  const [{ resource, scopeSpans }] = received.flatMap(({ resourceSpans }) => resourceSpans) as [
    Sent['resourceSpans'][number],
  ]
  expect(resource.attributes).toContainEqual({
    key: 'service.name',
    value: { stringValue: 'wardline-comment-risk' },
  })
  const sent = scopeSpans.flatMap((scope) => scope.spans)
  expect(sent).toHaveLength(2)
  const [, traceId, spanId] = span.traceparent.split('-')
  expect(sent[0]).toMatchObject({
    traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
    spanId,
    parentSpanId: '00f067aa0ba902b7',
    name: 'process events.classified',
    startTimeUnixNano: `${T0}000000`,
    endTimeUnixNano: `${T0 + 250}000000`,
  })
  expect(traceId).toBe('4bf92f3577b34da6a3ce929d0e0e4736')
  expect(span.traceparent).toMatch(/-01$/)
  expect(unfinished.traceparent).not.toBe(span.traceparent)
  expect(sent[1]).toMatchObject({ status: { code: 2 } })
  expect(sent[1]!.attributes).toContainEqual({ key: 'error.type', value: { stringValue: 'invalid' } })
})

it('a trace that begins here begins with a span that has no parent', async () => {
  const spans = new SpanExport({ stage: 'normalize', endpoint, logger })
  const span = spans.begin(traces.of(undefined), PLACE, T0)!
  span.end(T0 + 1)
  await spans.close()
  const [sent] = received.flatMap(({ resourceSpans }) => resourceSpans[0]!.scopeSpans[0]!.spans)
  const [, traceId, spanId] = span.traceparent.split('-')
  expect(sent).toMatchObject({ traceId, spanId })
  expect(sent!.parentSpanId ?? '').toBe('')
})

it('a collector that takes connections and never answers holds nothing up for longer than two seconds', async () => {
  collector.removeAllListeners('request')
  const spans = new SpanExport({ stage: 'normalize', endpoint, logger })
  // More than the queue holds: what does not fit is dropped.
  for (let i = 0; i < 5_000; i++) spans.begin(given(GIVEN), PLACE, T0)!.end(T0 + 1)
  const began = performance.now()
  await spans.close()
  expect(performance.now() - began).toBeLessThan(10_000)
})
