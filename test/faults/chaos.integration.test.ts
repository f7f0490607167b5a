import { balances } from '@wardline/cli/audit'
import { expect, it } from 'vitest'
import { type FaultKind, runChaos, schedule } from './chaos.ts'

/** One of each sort, in a minute; `make chaos` has them all, over and over. */
const KINDS: readonly FaultKind[] = [
  'kill:normalize',
  'freeze:classify',
  'second:comment-risk',
  'restart:enforce',
  'broker:kill',
  'network:reset',
  'network:slow',
  'feed:poison',
  'policy:publish',
]

it('loses nothing, doubles nothing, keeps order and state through faults under load', async () => {
  const seed = Math.trunc(Date.now() / 1000)
  const lines: string[] = []
  const report = await runChaos({
    seed,
    faults: KINDS.length,
    kinds: KINDS,
    rate: 150,
    partitions: 2,
    log: (line) => lines.push(line),
  })
  const story = `seed ${seed}\n${lines.join('\n')}\n${JSON.stringify(report, null, 1).slice(0, 4_000)}`
  expect(balances(report.audit), story).toBe(true)
  expect(report.doubledDecisions, story).toBe(0)
  for (const replay of report.replays) {
    expect(replay.differences, story).toEqual([])
    expect(replay.stateDifferences, story).toEqual([])
  }
  expect(report.holds, story).toBe(true)
  expect(report.faults.map((fault) => fault.kind).sort()).toEqual([...KINDS].sort())
})

it('the same seed injects the same faults in the same order', () => {
  expect(schedule(7, 20, KINDS)).toEqual(schedule(7, 20, KINDS))
  expect(schedule(7, 20, KINDS)).not.toEqual(schedule(8, 20, KINDS))
  expect(new Set(schedule(7, KINDS.length, KINDS)).size).toBe(KINDS.length)
})
