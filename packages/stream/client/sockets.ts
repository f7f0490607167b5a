import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { ISocketFactory, Kafka } from 'kafkajs'

/** Idle connections are probed this often, so that a peer that vanished is noticed, ms. */
const KEEP_ALIVE_MS = 60_000

const socketsOf = new WeakMap<Kafka, Set<Socket>>()

/** Opens sockets as kafkajs does, and keeps them in the set until they close. */
export function trackedSockets(open: Set<Socket>): ISocketFactory {
  return ({ host, port, ssl, onConnect }) => {
    const socket = ssl
      ? connectTls({ host, port, ...(isIP(host) === 0 ? { servername: host } : {}), ...ssl }, onConnect)
      : connect({ host, port }, onConnect)
    socket.setKeepAlive(true, KEEP_ALIVE_MS)
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    return socket
  }
}

export function rememberSockets(kafka: Kafka, open: Set<Socket>): void {
  socketsOf.set(kafka, open)
}

/**
 * Breaks every connection of a client, so that all who use it learn at once what one of them had to wait for: the peer
 * does not answer any more. Each opens a new one when it next asks.
 */
export function breakSockets(kafka: Kafka): void {
  for (const socket of socketsOf.get(kafka) ?? [])
    socket.destroy(new Error('given up: the peer does not answer'))
}

/**
 * Closes what is still open of a client whose consumers, producers and readers have all been disconnected. kafkajs forgets
 * connections that it had when it lost the broker; they would keep the process alive.
 */
export function closeForgottenSockets(kafka: Kafka): void {
  // With an error: at a plain end of ours kafkajs hears nothing, and its timers for the connection would stay.
  for (const socket of socketsOf.get(kafka) ?? []) socket.destroy(new Error('closed: the process ends'))
}
