import fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  isSampled,
  isTraceparent,
  parentIdOf,
  type RecordHeaders,
  TraceContext,
  traceIdOf,
} from './trace-context.ts'

const GIVEN = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
const context = new TraceContext()
const traces = { of: (headers: RecordHeaders | undefined) => context.of(headers).headers }
const begun = /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/

it('begins a trace where the producer named none, each record its own', () => {
  const seen = new Set(Array.from({ length: 1_000 }, () => String(traces.of(undefined).traceparent)))
  expect(seen.size).toBe(1_000)
  for (const traceparent of seen) {
    expect(traceparent).toMatch(begun)
    expect(isTraceparent(Buffer.from(traceparent))).toBe(true)
  }
  expect(traces.of({}).tracestate).toBeUndefined()
})

it('keeps the trace of the producer, byte for byte, and what its tracing system adds', () => {
  const headers = { traceparent: Buffer.from(GIVEN), tracestate: Buffer.from('vendor=1') }
  expect(traces.of(headers)).toEqual(headers)
  expect(traces.of({ traceparent: GIVEN })).toEqual({ traceparent: GIVEN })
  expect([context.of(headers).isNew, context.of({}).isNew]).toEqual([false, true])
  expect(traceIdOf(Buffer.from(GIVEN))).toBe('4bf92f3577b34da6a3ce929d0e0e4736')
  expect(traceIdOf(GIVEN)).toBe('4bf92f3577b34da6a3ce929d0e0e4736')
})

it('reads what a later version of the format has in common with this one', () => {
  for (const rest of ['', '-what-comes-then']) {
    const later = Buffer.from(`cc${GIVEN.slice(2)}${rest}`)
    expect(String(traces.of({ traceparent: later }).traceparent)).toBe(GIVEN)
  }
})

it('begins a new trace where the header is not one, and drops what went with it', () => {
  const bad = [
    '',
    'x',
    GIVEN.toUpperCase(),
    GIVEN.slice(0, 54),
    `${GIVEN}0`,
    `${GIVEN}-more`,
    `ff${GIVEN.slice(2)}`,
    GIVEN.replaceAll('-', '_'),
    `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
    `00-4bf92f3577b34da6a3ce929d0e0e4736-${'0'.repeat(16)}-01`,
    `00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01`,
    'a'.repeat(1_000_000),
  ]
  for (const text of bad) {
    const { traceparent, tracestate } = traces.of({ traceparent: Buffer.from(text), tracestate: 'vendor=1' })
    expect(String(traceparent), text.slice(0, 60)).toMatch(begun)
    expect(tracestate).toBeUndefined()
  }
  expect(String(traces.of({ traceparent: [GIVEN, GIVEN] }).traceparent)).toMatch(begun)
  expect(traces.of({ traceparent: GIVEN, tracestate: 'v'.repeat(513) }).tracestate).toBeUndefined()
})

it('takes nothing for a trace that the format forbids', () => {
  const format = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/
  const field = (digits: number) =>
    fc.string({ minLength: digits, maxLength: digits, unit: fc.constantFrom(...'0123456789abcdefgA-') })
  fc.assert(
    fc.property(
      fc.tuple(field(2), field(32), field(16), field(2)).map((fields) => fields.join('-')),
      (text) => {
        expect(isTraceparent(Buffer.from(text))).toBe(format.test(text))
      },
    ),
  )
})

it('says of a share of the traces begun here that they are sampled', () => {
  const shareOf = (share: number) => {
    const own = new TraceContext(share)
    const begun = Array.from({ length: 4_000 }, () => own.of(undefined).headers.traceparent)
    return begun.filter(isSampled).length / begun.length
  }
  expect([shareOf(0), shareOf(1)]).toEqual([0, 1])
  // Four standard deviations.
  expect(Math.abs(shareOf(0.25) - 0.25)).toBeLessThan(0.03)
  for (const flags of ['01', '03', '0f', 'ff'])
    expect(isSampled(GIVEN.replace(/01$/, flags)), flags).toBe(true)
  for (const flags of ['00', '02', '10', 'fe'])
    expect(isSampled(Buffer.from(GIVEN.replace(/01$/, flags))), flags).toBe(false)
  expect([parentIdOf(GIVEN), parentIdOf(Buffer.from(GIVEN))]).toEqual([
    '00f067aa0ba902b7',
    '00f067aa0ba902b7',
  ])
})
