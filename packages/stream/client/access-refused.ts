import { connect as connectTls } from 'node:tls'
import type { BrokerSettings } from './kafka.ts'

/** The broker answers but will not talk with us as we are: waiting does not help, a setting does. */
export class AccessRefused extends Error {
  override readonly name = 'AccessRefused'
  /** Tells the command line to print the message alone. */
  readonly remedy = true
}

const UNTRUSTED = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_HAS_EXPIRED',
  'ERR_TLS_CERT_ALTNAME_INVALID',
])
const NOT_TLS = new Set(['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG'])
const PROBE_MS = 2_000

/** What an error of the client means for the settings; null where it may be an outage. */
export async function accessRefused(error: unknown, settings: BrokerSettings): Promise<AccessRefused | null> {
  const brokers = settings.brokers.join(', ')
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    const code = (at as { code?: unknown }).code
    if (at.name === 'KafkaJSSASLAuthenticationError') {
      return new AccessRefused(
        `${brokers} refused the login of ${settings.sasl?.username ?? 'nobody'}: check WARDLINE_SASL_USERNAME, WARDLINE_SASL_MECHANISM and the password in WARDLINE_SASL_PASSWORD_FILE`,
        { cause: error },
      )
    }
    if (typeof code === 'string' && UNTRUSTED.has(code)) {
      return new AccessRefused(
        `the certificate of ${brokers} is not trusted (${code}): give its authority in WARDLINE_TLS_CA_FILE`,
        { cause: error },
      )
    }
    if (typeof code === 'string' && NOT_TLS.has(code)) {
      return new AccessRefused(
        `${brokers} does not speak TLS on this port: take WARDLINE_TLS back, or take the TLS port`,
        {
          cause: error,
        },
      )
    }
  }
  // A broker that expects TLS closes a plain connection without a word; so does one that is going down.
  if (settings.tls === undefined && (await Promise.all(settings.brokers.map(speaksTls))).some(Boolean)) {
    return new AccessRefused(`${brokers} speaks TLS: set WARDLINE_TLS=true and WARDLINE_TLS_CA_FILE`, {
      cause: error,
    })
  }
  return null
}

/** Whether a TLS handshake begins; says nothing about trust. */
function speaksTls(broker: string): Promise<boolean> {
  const at = broker.lastIndexOf(':')
  return new Promise((resolve) => {
    const socket = connectTls({
      host: broker.slice(0, at),
      port: Number(broker.slice(at + 1)),
      // Only asked whether it is TLS; nothing is sent over this connection.
      rejectUnauthorized: false,
      timeout: PROBE_MS,
    })
    const end = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('secureConnect', () => end(true))
    socket.once('timeout', () => end(false))
    socket.once('error', () => end(false))
    socket.once('close', () => end(false))
  })
}
