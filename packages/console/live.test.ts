import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createLogger, StageMetrics } from '@wardline/stream'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { decisionOf } from '../decision-store/testing.ts'
import { Live } from './live.ts'

const logger = createLogger({ service: 'test', level: 'silent' })

const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00'

describe('live figures', () => {
  it('count first decisions by when they were made', () => {
    const now = 1_000_000_000_000
    const live = new Live({ metricsUrls: new Map(), metricsToken: null, logger, clock: () => now })
    const at = (secondsAgo: number, change = {}) =>
      decisionOf({ decidedAt: now - secondsAgo * 1_000, ...change })
    live.count([at(1), at(1), at(2, { verdict: 'HIDE' }), at(3, { type: 'REVERSAL' }), at(400), at(150)])
    const { throughput, verdicts, eventsPerSecond, hasMetrics, stages } = live.figures()
    expect(throughput.slice(-3)).toEqual([0, 1, 2])
    expect(eventsPerSecond).toBe(0.3)
    expect(verdicts).toEqual([
      { verdict: 'REMOVE', decisions: 3 },
      { verdict: 'HIDE', decisions: 1 },
    ])
    expect(hasMetrics).toBe(false)
    expect(stages.map(({ state }) => state)).toEqual(Array(4).fill('unknown'))
  })

  describe('of the services', () => {
    const metrics = new StageMetrics('enforce')
    let server: Server
    let url: string
    beforeAll(async () => {
      server = createServer(
        (_, response) => void metrics.registry.metrics().then((text) => response.end(text)),
      )
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`
    })
    afterAll(() => void server.close())

    it('are read from their metrics: what came since, not what was there', async () => {
      metrics.setReady(true)
      metrics.setLag(0, 3)
      metrics.setLag(1, 4)
      for (let i = 0; i < 100; i++) metrics.age.fraud.observe(30, Date.now(), TRACE)
      const urls = new Map([
        ['enforce', [url]],
        ['classify', ['http://127.0.0.1:1/metrics']],
      ] as const)
      const live = new Live({ metricsUrls: urls, metricsToken: null, logger, clock: Date.now })
      live.start()
      try {
        await vi.waitFor(() => expect(live.figures().lag).toBe(7))
        for (let i = 0; i < 100; i++) metrics.age.fraud.observe(0.11, Date.now(), TRACE)
        await vi.waitFor(() => expect(live.figures().categories[0]!.events).toBe(100), { timeout: 5_000 })
        const { categories, stages } = live.figures()
        expect(categories.map(({ category }) => category)).toEqual(['all', 'fraud'])
        for (const { p50, p99 } of categories) {
          expect(p50).toBeGreaterThan(100)
          expect(p99).toBeLessThanOrEqual(120)
        }
        expect(stages.find(({ stage }) => stage === 'enforce')).toMatchObject({ state: 'ready', lag: 7 })
        expect(stages.find(({ stage }) => stage === 'classify')!.state).toBe('silent')
      } finally {
        live.stop()
      }
    })
  })
})
