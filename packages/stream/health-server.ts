import { createHash, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { Registry } from 'prom-client'
import { openMetrics, wantsOpenMetrics } from './open-metrics.ts'

/** What the probes answer: ready to work, alive, and why not. */
export interface Health {
  readonly ready: () => { ready: boolean; reason: string }
  readonly alive: () => boolean
}

/**
 * Serves `/metrics`, `/livez` and `/readyz`; resolves once it listens. Rejects where the port is taken. With a token
 * file, `/metrics` wants its content as the bearer token; the probes say nothing that needs one.
 */
export function startHealthServer(
  options: { readonly host: string; readonly port: number; readonly tokenFile?: string },
  registry: Registry,
  health: Health,
): Promise<{ readonly port: number; close(): Promise<void> }> {
  const token =
    options.tokenFile === undefined ? null : digest(readFileSync(options.tokenFile, 'utf8').trim())
  // Digests have one length, so the comparison tells nothing about the token's.
  const isAllowed = (authorization: string | undefined) =>
    token === null || timingSafeEqual(token, digest(/^Bearer (.*)$/.exec(authorization ?? '')?.[1] ?? ''))
  const server: Server = createServer((request, response) => {
    const answer = (status: number, body: string, type = 'text/plain; charset=utf-8') => {
      response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' })
      response.end(body)
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') return answer(405, 'only GET\n')
    switch (request.url?.split('?', 1)[0]) {
      case '/metrics':
        if (!isAllowed(request.headers.authorization)) return answer(401, 'a bearer token is needed\n')
        metricsAs(request.headers.accept, registry).then(
          ({ text, type }) => answer(200, text, type),
          (error: unknown) => answer(500, `${error instanceof Error ? error.message : 'metrics failed'}\n`),
        )
        return
      case '/livez':
        return health.alive() ? answer(200, 'alive\n') : answer(503, 'not alive\n')
      case '/readyz': {
        const { ready, reason } = health.ready()
        return answer(ready ? 200 : 503, `${reason}\n`)
      }
      default:
        return answer(404, 'try /metrics, /livez or /readyz\n')
    }
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.host, () => {
      const address = server.address()
      resolve({
        port: typeof address === 'object' && address ? address.port : options.port,
        close: () =>
          new Promise((done) => {
            server.close(() => done())
            server.closeAllConnections()
          }),
      })
    })
  })
}

const metricsAs = async (accept: string | undefined, registry: Registry) =>
  wantsOpenMetrics(accept)
    ? openMetrics(registry)
    : { text: await registry.metrics(), type: registry.contentType }

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
