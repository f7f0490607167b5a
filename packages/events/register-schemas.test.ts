import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { IncompatibleSchema, RegistrationRefused, registerSchemas } from './register-schemas.ts'
import { RegistryUnavailable } from './registry.ts'

/** Answers as a registry does; what it was asked is kept. */
let server: Server
let url: string
let asked: string[]
let levels: Map<string, string>
let passwords: (string | undefined)[]
/** What a registration is answered with. */
let answer: { status: number; body: object }

beforeEach(async () => {
  asked = []
  passwords = []
  levels = new Map()
  answer = { status: 200, body: { id: 7 } }
  server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => (body += chunk))
    request.on('end', () => {
      asked.push(`${request.method} ${request.url}`)
      passwords.push(request.headers.authorization)
      const reply = (status: number, content: object) => {
        response.writeHead(status, { 'content-type': 'application/json' })
        response.end(JSON.stringify(content))
      }
      const subject = /^\/config\/(.+)$/.exec(request.url ?? '')?.[1]
      if (subject === undefined) return reply(answer.status, answer.body)
      if (request.method === 'PUT') levels.set(subject, JSON.parse(body).compatibility)
      const level = levels.get(subject)
      reply(level === undefined ? 404 : 200, { compatibilityLevel: level })
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(async () => {
  server.closeAllConnections()
  await new Promise((done) => server.close(done))
})

const register = (options: object = {}) =>
  registerSchemas({ url, ...options }, [{ subject: 's-value', record: 'FeedEvent' }])

it('sets the level of a subject before it registers anything under it', async () => {
  expect(await register()).toEqual(new Map([['s-value', 7]]))
  expect(asked.indexOf('PUT /config/s-value')).toBeLessThan(asked.indexOf('POST /subjects/s-value/versions'))
  expect(levels.get('s-value')).toBe('BACKWARD_TRANSITIVE')
})

it.each(['NONE', 'BACKWARD'])('raises a subject that is %s', async (level) => {
  levels.set('s-value', level)
  await register()
  expect(levels.get('s-value')).toBe('BACKWARD_TRANSITIVE')
})

it.each(['BACKWARD_TRANSITIVE', 'FULL_TRANSITIVE'])('leaves a subject that is %s', async (level) => {
  levels.set('s-value', level)
  await register()
  expect(asked).not.toContain('PUT /config/s-value')
})

it('refuses a level that promises other things, and registers nothing', async () => {
  levels.set('s-value', 'FORWARD')
  await expect(register()).rejects.toThrow(RegistrationRefused)
  await expect(register()).rejects.toThrow(/s-value is FORWARD .* set it to BACKWARD_TRANSITIVE/)
  expect(asked.filter((line) => line.startsWith('POST'))).toEqual([])
})

it('names the subject and what the registry said of an incompatible schema', async () => {
  answer = { status: 409, body: { message: 'READER_FIELD_MISSING_DEFAULT_VALUE', error_code: 409 } }
  await expect(register()).rejects.toThrow(IncompatibleSchema)
  await expect(register()).rejects.toThrow(/FeedEvent\.avsc .* s-value: .*READER_FIELD_MISSING/)
})

it('tells a refusal from an outage', async () => {
  answer = { status: 403, body: { message: 'read only', error_code: 403 } }
  await expect(register()).rejects.toThrow(RegistrationRefused)
  answer = { status: 503, body: { message: 'not yet', error_code: 503 } }
  await expect(register()).rejects.toThrow(RegistryUnavailable)
  await new Promise((done) => server.close(done))
  await expect(register()).rejects.toThrow(RegistryUnavailable)
  await expect(register()).rejects.toThrow(/ECONNREFUSED/)
})

it('sends the password of the file with every request', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'wardline-'))
  writeFileSync(join(folder, 'password'), 'open sesame\n')
  await register({ username: 'wardline', passwordFile: join(folder, 'password') })
  rmSync(folder, { recursive: true })
  const expected = `Basic ${Buffer.from('wardline:open sesame').toString('base64')}`
  expect(new Set(passwords)).toEqual(new Set([expected]))
})
