import { afterEach, beforeEach, expect, it } from 'vitest'
import { SpanCollector } from '../../test/observability/span-collector.ts'
import { createLogger } from './logger.ts'
import { SpanExport } from './span-export.ts'
import type { StageName } from './stage.ts'
import { TraceContext } from './trace-context.ts'

const T0 = Date.UTC(2026, 8, 21)
const GIVEN = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
const PLACE = { topic: 'events.classified', partition: 2, offset: '17' }
const logger = createLogger({ service: 'test', level: 'silent' })

let collector: SpanCollector
let spans: SpanExport
const start = (stage: StageName) => {
  spans = new SpanExport({ stage, endpoint: collector.endpoint, logger })
}

beforeEach(async () => {
  collector = await SpanCollector.start()
})
afterEach(() => collector.stop())

const traces = new TraceContext(1)
const given = (traceparent: string) => traces.of({ traceparent: Buffer.from(traceparent) })

it('sends the span of a sampled record, as the child of what the record names', async () => {
  start('comment-risk')
  const span = spans.begin(given(GIVEN), PLACE, T0)!
  const unfinished = spans.begin(given(GIVEN), PLACE, T0)!
  const failed = spans.begin(given(GIVEN), PLACE, T0)!
  failed.failed('invalid')
  for (const each of [span, failed]) each.end(T0 + 250)
  expect(spans.begin(given(GIVEN.replace(/01$/, '00')), PLACE, T0)).toBeUndefined()
  await spans.close()

  const sent = collector.spans
  expect(sent).toHaveLength(2)
  const [, traceId, spanId] = span.traceparent.split('-')
  expect(sent[0]).toMatchObject({
    service: 'wardline-comment-risk',
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
  start('normalize')
  const span = spans.begin(traces.of(undefined), PLACE, T0)!
  span.end(T0 + 1)
  await spans.close()
  const [sent] = collector.spans
  const [, traceId, spanId] = span.traceparent.split('-')
  expect(sent).toMatchObject({ traceId, spanId })
  expect(sent!.parentSpanId ?? '').toBe('')
})

it('a collector that takes connections and never answers holds nothing up for longer than two seconds', async () => {
  collector.fallSilent()
  start('normalize')
  // More than the queue holds: what does not fit is dropped.
  for (let i = 0; i < 5_000; i++) spans.begin(given(GIVEN), PLACE, T0)!.end(T0 + 1)
  const began = performance.now()
  await spans.close()
  expect(performance.now() - began).toBeLessThan(10_000)
})
