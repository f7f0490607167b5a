import { createConnection, createServer, type Server, type Socket } from 'node:net'

interface Pair {
  readonly client: Socket
  readonly upstream: Socket
  silent: boolean
}

/** A TCP proxy in front of the broker that can be told to misbehave. */
export class TcpProxy {
  readonly #server: Server
  readonly #pairs = new Set<Pair>()
  readonly #target: number
  /** Each way, ms. */
  delayMs = 0
  /** Bytes a second each way of each connection; 0: no bound. */
  bytesPerSecond = 0

  private constructor(target: number) {
    this.#target = target
    this.#server = createServer((client) => this.#accept(client))
  }

  static listen(port: number, target: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(target)
    return new Promise((resolve, reject) => {
      proxy.#server.once('error', reject)
      proxy.#server.listen(port, '127.0.0.1', () => resolve(proxy))
    })
  }

  /** Lets nothing through any more on the connections there are, and closes none: what a lost route or a stuck peer looks like. */
  silence(): void {
    for (const pair of this.#pairs) pair.silent = true
  }

  /** Resets every connection there is. */
  reset(): void {
    for (const { client, upstream } of this.#pairs) {
      client.resetAndDestroy()
      upstream.resetAndDestroy()
    }
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.reset()
    await closed
  }

  #accept(client: Socket): void {
    const upstream = createConnection(this.#target, '127.0.0.1')
    const pair: Pair = { client, upstream, silent: false }
    this.#pairs.add(pair)
    const end = () => {
      this.#pairs.delete(pair)
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true)
      socket.on('error', end)
      socket.on('close', end)
    }
    this.#pipe(pair, client, upstream)
    this.#pipe(pair, upstream, client)
  }

  /** Keeps the order of the bytes: each chunk goes out no earlier than the one before. */
  #pipe(pair: Pair, from: Socket, to: Socket): void {
    let freeAt = 0
    from.on('data', (chunk) => {
      if (pair.silent) return
      if (this.delayMs === 0 && this.bytesPerSecond === 0 && freeAt <= performance.now()) {
        if (!to.destroyed) to.write(chunk)
        return
      }
      const now = performance.now()
      const length = this.bytesPerSecond === 0 ? 0 : (chunk.length / this.bytesPerSecond) * 1000
      freeAt = Math.max(freeAt, now + this.delayMs) + length
      setTimeout(() => {
        if (!to.destroyed) to.write(chunk)
      }, freeAt - now)
    })
  }
}
