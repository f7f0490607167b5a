import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Counter, Registry } from 'prom-client'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { startHealthServer } from './health-server.ts'

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
