import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { InvalidSettings } from '@wardline/stream'
import { afterAll, describe, expect, it } from 'vitest'
import { readConsoleSettings } from './settings.ts'

const folder = mkdtempSync(join(tmpdir(), 'wardline-settings-'))
afterAll(() => rmSync(folder, { recursive: true }))
const file = (name: string, content: string) => {
  writeFileSync(join(folder, name), content)
  return join(folder, name)
}
const tokens = file('tokens', 'a-token-that-is-long-enough li reviewer\n')
const secret = file('secret', 'the secret between the two of them\n')
const least = {
  WARDLINE_BROKERS: '127.0.0.1:9092',
  WARDLINE_REGISTRY_URL: 'http://127.0.0.1:8081',
  WARDLINE_CONSOLE_FOLDER: folder,
  WARDLINE_CONSOLE_TOKENS_FILE: tokens,
}
const problemsOf = (env: Record<string, string | undefined>): string => {
  try {
    readConsoleSettings({ ...least, ...env })
    return ''
  } catch (error) {
    if (error instanceof InvalidSettings) return error.message
    throw error
  }
}

describe('settings of the console', () => {
  it('listen on the loopback interface and know who may come in', () => {
    const settings = readConsoleSettings(least)
    expect(settings).toMatchObject({
      host: '127.0.0.1',
      port: 9480,
      https: false,
      proxy: null,
      replayLogin: null,
    })
    expect(settings.tokens[0]!.user.name).toBe('li')
  })

  it('take a proxy in the place of tokens, with its roles', () => {
    const { proxy, tokens } = readConsoleSettings({
      ...least,
      WARDLINE_CONSOLE_TOKENS_FILE: '',
      WARDLINE_CONSOLE_PROXY_SECRET_FILE: secret,
      WARDLINE_CONSOLE_PROXY_ROLES: 'urn:group:a:reviewer, platform:sre',
    })
    expect(tokens).toEqual([])
    expect(proxy!.roles).toEqual(
      new Map([
        ['urn:group:a', 'reviewer'],
        ['platform', 'sre'],
      ]),
    )
  })

  it.each([
    [{ WARDLINE_CONSOLE_TOKENS_FILE: '' }, 'who may come in'],
    [{ WARDLINE_CONSOLE_TOKENS_FILE: '/nowhere' }, 'cannot be read'],
    [{ WARDLINE_CONSOLE_HOST: '0.0.0.0' }, 'WARDLINE_CONSOLE_HTTPS=true'],
    [{ WARDLINE_CONSOLE_PROXY_SECRET_FILE: secret }, 'which group has which role'],
    [{ WARDLINE_CONSOLE_PROXY_ROLES: 'staff:boss' }, 'group:role'],
    [{ WARDLINE_CONSOLE_METRICS_URLS: 'enforce=nonsense' }, 'stage=http'],
    [{ WARDLINE_CONSOLE_TIME_ZONE: 'Mars/Base' }, 'Asia/Shanghai'],
    [{ WARDLINE_CONSOLE_REPLAY_USERNAME: 'operator' }, 'WARDLINE_CONSOLE_REPLAY_PASSWORD_FILE'],
    [{ WARDLINE_CONSOLE_FOLDER: '' }, 'WARDLINE_CONSOLE_FOLDER'],
  ])('refuse %j and say what to do', (env, message) => {
    expect(problemsOf(env)).toContain(message)
  })

  it('name everything that is wrong at once', () => {
    const problems = problemsOf({ WARDLINE_CONSOLE_HOST: '0.0.0.0', WARDLINE_CONSOLE_TIME_ZONE: 'Mars/Base' })
    expect(problems).toContain('WARDLINE_CONSOLE_HOST')
    expect(problems).toContain('WARDLINE_CONSOLE_TIME_ZONE')
  })
})
