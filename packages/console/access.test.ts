import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createLogger } from '@wardline/stream'
import { describe, expect, it } from 'vitest'
import { may, parseTokens, Sessions, userOfProxy, userOfToken } from './access.ts'
import { AuditLog } from './audit-log.ts'

const TOKEN = 'a-token-that-is-long-enough'

describe('tokens', () => {
  it('name people and their roles', () => {
    const tokens = parseTokens(
      `# who\n${TOKEN} li reviewer,sre # night shift\n\nanother-long-enough-token-1 王芳 viewer`,
    )
    if (typeof tokens === 'string') throw new Error(tokens)
    const li = userOfToken(tokens, TOKEN)!
    expect(li.name).toBe('li')
    expect([may(li, 'review'), may(li, 'replay'), may(li, 'changePolicy')]).toEqual([true, true, false])
    const fang = userOfToken(tokens, 'another-long-enough-token-1')!
    expect([may(fang, 'look'), may(fang, 'readText')]).toEqual([true, false])
    expect(userOfToken(tokens, `${TOKEN}x`)).toBeUndefined()
  })

  it.each([
    ['', 'names nobody'],
    ['short li viewer', 'line 1: a token'],
    [`${TOKEN} li boss`, 'line 1: after the name'],
    [`${TOKEN} li`, 'line 1: after the name'],
    [`${TOKEN} <b> viewer`, 'line 1: after the token'],
  ])('%j is refused without repeating it', (text, message) => {
    const result = parseTokens(text)
    expect(result).toContain(message)
    expect(result).not.toContain(TOKEN)
  })
})

describe('a proxy that logs people in', () => {
  const proxy = {
    userHeader: 'x-forwarded-email',
    groupsHeader: 'x-forwarded-groups',
    secret: 'the secret between the two of them',
    roles: new Map([['inspectors', 'reviewer']] as const),
  }
  const headers = {
    'x-wardline-proxy-secret': proxy.secret,
    'x-forwarded-email': 'li@example.org',
    'x-forwarded-groups': 'staff, inspectors',
  }
  it('is believed only with its secret, and gives only roles of known groups', () => {
    expect(userOfProxy(proxy, headers)).toEqual({ name: 'li@example.org', roles: new Set(['reviewer']) })
    expect(userOfProxy(proxy, { ...headers, 'x-wardline-proxy-secret': 'guess' })).toBeUndefined()
    expect(userOfProxy(proxy, { ...headers, 'x-wardline-proxy-secret': undefined })).toBeUndefined()
    expect(userOfProxy(proxy, { ...headers, 'x-forwarded-groups': 'staff' })).toBeUndefined()
    expect(userOfProxy(proxy, { ...headers, 'x-forwarded-email': undefined })).toBeUndefined()
  })
})

it('a session ends by itself and when it is ended', () => {
  let now = 0
  const sessions = new Sessions(() => now)
  const user = { name: 'li', roles: new Set(['viewer'] as const) }
  const [one, two] = [sessions.begin(user), sessions.begin(user)]
  sessions.end(one)
  expect([sessions.userOf(one), sessions.userOf(two), sessions.userOf('guess')]).toEqual([
    undefined,
    user,
    undefined,
  ])
  now += 12 * 3_600_000
  expect(sessions.userOf(two)).toBeUndefined()
})

it('the audit log is only added to', () => {
  const folder = mkdtempSync(join(tmpdir(), 'wardline-audit-'))
  const file = join(folder, 'audit.sqlite')
  const log = new AuditLog(file, createLogger({ service: 'test', level: 'silent' }), () => 5)
  log.record('li', 'read_text', 'decision-1')
  log.record('li', 'verdict', 'decision-1 OVERTURNED')
  expect(log.entries(10)).toEqual([
    { id: 2, at: 5, who: 'li', what: 'verdict', subject: 'decision-1 OVERTURNED' },
    { id: 1, at: 5, who: 'li', what: 'read_text', subject: 'decision-1' },
  ])
  const other = new DatabaseSync(file)
  expect(() => other.exec('DELETE FROM audit')).toThrow(/only added to/)
  expect(() => other.exec("UPDATE audit SET who = 'wang'")).toThrow(/only added to/)
  other.close()
  log.close()
  rmSync(folder, { recursive: true })
})
