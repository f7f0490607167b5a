import { randomFillSync } from 'node:crypto'

/** W3C Trace Context, https://www.w3.org/TR/trace-context/, in record headers of the same names. */
export const TRACEPARENT_HEADER = 'traceparent'
export const TRACESTATE_HEADER = 'tracestate'

export interface RecordTrace {
  readonly headers: TraceHeaders
  /** Nobody before named a trace: the parent in it is made up. */
  readonly isNew: boolean
}

type HeaderValue = Buffer | string | (Buffer | string)[] | undefined
export type RecordHeaders = Readonly<Record<string, HeaderValue>>
/** What a stage's outputs carry of the trace. */
export interface TraceHeaders extends Record<string, Buffer | string> {
  traceparent: Buffer | string
}

/** version - trace-id - parent-id - flags, as in 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01 */
const LENGTH = 55
const DASHES = [2, 35, 52]
/** Longer ones may be dropped whole; no tracing system needs more. */
const MAX_TRACESTATE = 512
/** Random bytes fetched at once: one call into the system for many traces. */
const POOL_BYTES = 24 * 170

/** The 32 hex digits of the trace that a traceparent names. */
export const traceIdOf = (traceparent: Buffer | string): string =>
  typeof traceparent === 'string' ? traceparent.slice(3, 35) : traceparent.toString('latin1', 3, 35)

/** The 16 hex digits of the span that a traceparent names as the parent. */
export const parentIdOf = (traceparent: Buffer | string): string =>
  typeof traceparent === 'string' ? traceparent.slice(36, 52) : traceparent.toString('latin1', 36, 52)

/** Whether whoever began the trace records it; the lowest bit of the flags. */
export function isSampled(traceparent: Buffer | string): boolean {
  const digit = typeof traceparent === 'string' ? traceparent.charCodeAt(54) : traceparent[54]!
  return ((digit >= A ? digit - A + 10 : digit - ZERO) & 1) === 1
}

/**
 * Whether it names a trace: lower-case hex in four fields, no id of zeros, version not ff. Later versions may be longer,
 * but only after another dash.
 */
export function isTraceparent(value: Buffer): boolean {
  if (value.length < LENGTH || (value.length > LENGTH && value[LENGTH] !== DASH)) return false
  for (const at of DASHES) if (value[at] !== DASH) return false
  let traceDigits = 0
  let parentDigits = 0
  for (let i = 0; i < LENGTH; i++) {
    const byte = value[i]!
    if (i === 2 || i === 35 || i === 52) continue
    if (!((byte >= ZERO && byte <= ZERO + 9) || (byte >= A && byte <= A + 5))) return false
    if (i > 2 && i < 35) traceDigits |= byte - ZERO
    else if (i > 35 && i < 52) parentDigits |= byte - ZERO
  }
  if (traceDigits === 0 || parentDigits === 0) return false
  const isVersion0 = value[0] === ZERO && value[1] === ZERO
  const isForbidden = value[0] === A + 5 && value[1] === A + 5
  return !isForbidden && (!isVersion0 || value.length === LENGTH)
}
const DASH = 0x2d
const ZERO = 0x30
const A = 0x61

/**
 * The trace of a record, for what is written because of it: its own where a producer or an earlier stage has named one,
 * else a new one. Of those that begin here, `share` say that they are sampled. `tracestate` goes along with a trace that is
 * kept, and only with it.
 */
export class TraceContext {
  readonly #sampledBelow: number
  readonly #fill: (bytes: Buffer) => void
  readonly #pool = Buffer.alloc(POOL_BYTES)
  #used = POOL_BYTES

  /** `fill` puts random bytes into all of the buffer. */
  constructor(share = 0, fill: (bytes: Buffer) => void = randomFillSync) {
    this.#sampledBelow = share * 2 ** 32
    this.#fill = fill
  }

  of(headers: RecordHeaders | undefined): RecordTrace {
    const given = headers?.[TRACEPARENT_HEADER]
    if (given === undefined || Array.isArray(given)) return this.#begin()
    const bytes = typeof given === 'string' ? Buffer.from(given, 'latin1') : given
    if (!isTraceparent(bytes)) return this.#begin()
    // What a later version adds means nothing to this one, and is not passed on under its number.
    const traceparent =
      bytes[0] === ZERO && bytes[1] === ZERO ? given : `00${bytes.toString('latin1', 2, LENGTH)}`
    const state = headers![TRACESTATE_HEADER]
    if (state === undefined || Array.isArray(state) || state.length > MAX_TRACESTATE)
      return { headers: { traceparent }, isNew: false }
    return { headers: { traceparent, [TRACESTATE_HEADER]: state }, isNew: false }
  }

  #begin(): RecordTrace {
    if (this.#used + 24 > POOL_BYTES) {
      this.#fill(this.#pool)
      this.#used = 0
    }
    const at = this.#used
    this.#used += 24
    const id = this.#pool.toString('hex', at, at + 24)
    const flags = this.#pool.readUInt32BE(at) < this.#sampledBelow ? '01' : '00'
    return { headers: { traceparent: `00-${id.slice(0, 32)}-${id.slice(32)}-${flags}` }, isNew: true }
  }
}
