import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Counter, Registry } from 'prom-client'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { startHealthServer } from './health-server.ts'
import { StageMetrics } from './metrics.ts'

let folder: string
let ready: boolean
let close: () => Promise<void>

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wardline-health-'))
  ready = true
})
afterEach(async () => {
  await close()
  rmSync(folder, { recursive: true })
})

async function start(token?: string): Promise<string> {
  const registry = new Registry()
  new Counter({ name: 'things_total', help: 'Things.', registers: [registry] }).inc(3)
  const tokenFile = join(folder, 'token')
  if (token !== undefined) writeFileSync(tokenFile, `${token}\n`)
  const server = await startHealthServer(
    { host: '127.0.0.1', port: 0, ...(token === undefined ? {} : { tokenFile }) },
    registry,
    { ready: () => ({ ready, reason: ready ? 'ready' : 'waiting for the broker' }), alive: () => true },
  )
  close = server.close
  return `http://127.0.0.1:${server.port}`
}

it('shows metrics and probes, and why it is not ready', async () => {
  const url = await start()
  expect(await (await fetch(`${url}/metrics`)).text()).toContain('things_total 3')
  expect((await fetch(`${url}/livez`)).status).toBe(200)
  expect((await fetch(`${url}/readyz`)).status).toBe(200)
  ready = false
  const answer = await fetch(`${url}/readyz`)
  expect([answer.status, await answer.text()]).toEqual([503, 'waiting for the broker\n'])
  expect((await fetch(`${url}/metrics`, { method: 'POST' })).status).toBe(405)
  expect((await fetch(url)).status).toBe(404)
})

it('with a token shows metrics only to who has it; the probes stay open', async () => {
  const url = await start('open sesame')
  const status = async (authorization?: string) =>
    (await fetch(`${url}/metrics`, authorization === undefined ? {} : { headers: { authorization } })).status
  expect(await status()).toBe(401)
  expect(await status('Bearer open')).toBe(401)
  expect(await status('Basic open sesame')).toBe(401)
  expect(await status('Bearer open sesame')).toBe(200)
  expect((await fetch(`${url}/readyz`)).status).toBe(200)
})

it('answers in the format that the scraper asks for, with exemplars in OpenMetrics alone', async () => {
  const metrics = new StageMetrics('enforce')
  metrics.deadLetters.invalid.inc(2)
  metrics.age.grooming.observe(0.41, 5_000, '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00')
  const server = await startHealthServer({ host: '127.0.0.1', port: 0 }, metrics.registry, {
    ready: () => ({ ready: true, reason: 'ready' }),
    alive: () => true,
  })
  close = server.close
  const scrape = (accept: string) => fetch(`http://127.0.0.1:${server.port}/metrics`, { headers: { accept } })
  const asked = 'application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1'
  const bucket = 'wardline_event_age_seconds_bucket{stage="enforce",category="grooming",le="0.45"} 1'
  // Twice and mixed: one format must not change the other.
  for (let i = 0; i < 2; i++) {
    const plain = await scrape('text/plain')
    expect(plain.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    const plainText = await plain.text()
    expect(plainText).toContain('# TYPE wardline_dead_letters_total counter\n')
    expect(plainText).toContain('wardline_dead_letters_total{stage="enforce",reason="invalid"} 2\n')
    expect(plainText.split('\n')).toContain(bucket)
    const open = await scrape(asked)
    expect(open.headers.get('content-type')).toBe(
      'application/openmetrics-text; version=1.0.0; charset=utf-8',
    )
    const openText = await open.text()
    expect(openText).toContain('# TYPE wardline_dead_letters counter\n')
    expect(openText).toContain('wardline_dead_letters_total{stage="enforce",reason="invalid"} 2\n')
    expect(openText.split('\n')).toContain(`${bucket} # {trace_id="4bf92f3577b34da6a3ce929d0e0e4736"} 0.41 5`)
    expect(openText.endsWith('\n# EOF\n')).toBe(true)
  }
})
