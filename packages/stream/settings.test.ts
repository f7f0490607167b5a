import { describe, expect, it } from 'vitest'
import { InvalidSettings, readSettings } from './settings.ts'

const good = { WARDLINE_BROKERS: 'a:9092, b:9093', WARDLINE_REGISTRY_URL: 'http://r:8081/apis/ccompat/v7' }

describe('readSettings', () => {
  it('takes the brokers and fills in the rest', () => {
    const settings = readSettings(good)
    expect(settings.broker).toEqual({ brokers: ['a:9092', 'b:9093'] })
    expect(settings).toMatchObject({ sessionTimeoutMs: 6000, metrics: { host: '127.0.0.1', port: 9464 } })
  })

  it('names every wrong setting at once', () => {
    const wrong = () =>
      readSettings({
        WARDLINE_BROKERS: 'nonsense',
        WARDLINE_METRICS_PORT: '70000',
        WARDLINE_LOG_LEVEL: 'loud',
        WARDLINE_FETCH_MAX_WAIT_MS: 'soon',
      })
    expect(wrong).toThrow(InvalidSettings)
    for (const name of ['BROKERS', 'REGISTRY_URL', 'METRICS_PORT', 'LOG_LEVEL', 'FETCH_MAX_WAIT_MS']) {
      expect(wrong).toThrow(`WARDLINE_${name}: `)
    }
  })

  it('exports spans where it is told where to, and not else', () => {
    expect(readSettings(good).tracing).toBeUndefined()
    const endpoint = 'http://collector:4318/v1/traces'
    const of = (env: object) => readSettings({ ...good, WARDLINE_OTLP_ENDPOINT: endpoint, ...env }).tracing
    expect(of({})).toEqual({ endpoint, share: 0.01 })
    expect(of({ WARDLINE_TRACE_SHARE: '0.5' })).toEqual({ endpoint, share: 0.5 })
    expect(() => of({ WARDLINE_TRACE_SHARE: '2' })).toThrow('WARDLINE_TRACE_SHARE')
    expect(() => of({ WARDLINE_OTLP_ENDPOINT: 'collector:4318' })).toThrow('must be an http(s) address')
    expect(() => readSettings({ ...good, WARDLINE_TRACE_SHARE: '0.5' })).toThrow('WARDLINE_OTLP_ENDPOINT')
  })

  it('refuses half a login and a heartbeat that is too slow for its session', () => {
    expect(() => readSettings({ ...good, WARDLINE_SASL_MECHANISM: 'scram-sha-512' })).toThrow(
      /SASL_USERNAME: is needed[\s\S]*SASL_PASSWORD_FILE: is needed/,
    )
    expect(() => readSettings({ ...good, WARDLINE_HEARTBEAT_INTERVAL_MS: '5000' })).toThrow(/at most a third/)
  })

  it('refuses a secret whose file cannot be read', () => {
    expect(() =>
      readSettings({
        ...good,
        WARDLINE_TLS: 'true',
        WARDLINE_SASL_MECHANISM: 'scram-sha-512',
        WARDLINE_SASL_USERNAME: 'wardline-classify',
        WARDLINE_SASL_PASSWORD_FILE: '/no/such/file',
      }),
    ).toThrow('WARDLINE_SASL_PASSWORD_FILE: /no/such/file cannot be read')
  })

  it('refuses to send a login to another machine in the clear', () => {
    const login = {
      WARDLINE_REGISTRY_URL: good.WARDLINE_REGISTRY_URL,
      WARDLINE_SASL_MECHANISM: 'scram-sha-512',
      WARDLINE_SASL_USERNAME: 'wardline-classify',
      WARDLINE_SASL_PASSWORD_FILE: import.meta.filename,
    }
    expect(() => readSettings({ ...login, WARDLINE_BROKERS: 'kafka:9092' })).toThrow(
      'WARDLINE_TLS: must be true',
    )
    expect(readSettings({ ...login, WARDLINE_BROKERS: '127.0.0.1:9092' }).broker.sasl).toBeDefined()
    const registryLogin = {
      WARDLINE_BROKERS: good.WARDLINE_BROKERS,
      WARDLINE_REGISTRY_USERNAME: 'wardline',
      WARDLINE_REGISTRY_PASSWORD_FILE: import.meta.filename,
    }
    expect(() => readSettings({ ...registryLogin, WARDLINE_REGISTRY_URL: 'http://registry:8081' })).toThrow(
      'WARDLINE_REGISTRY_URL: must be https',
    )
    expect(
      readSettings({ ...registryLogin, WARDLINE_REGISTRY_URL: 'https://registry' }).registry.username,
    ).toBe('wardline')
  })

  it('refuses to show metrics to other machines unless told how', () => {
    const open = { ...good, WARDLINE_METRICS_HOST: '0.0.0.0' }
    expect(() => readSettings(open)).toThrow(/METRICS_TOKEN_FILE, or say WARDLINE_METRICS_OPEN=true/)
    expect(readSettings({ ...open, WARDLINE_METRICS_OPEN: 'true' }).metrics.tokenFile).toBeUndefined()
    expect(
      readSettings({ ...open, WARDLINE_METRICS_TOKEN_FILE: import.meta.filename }).metrics.tokenFile,
    ).toBe(import.meta.filename)
  })
})
