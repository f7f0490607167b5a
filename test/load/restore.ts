/**
 * `make restore`: how long comment-risk takes from its start until it is ready, by how many pairs its compacted topic holds. The
 * real service process against the real broker, ended in order and started again; pairs as `make bench-risk` makes them.
 * Exit code 1 where a million pairs take longer than BOUND_SECONDS.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { connect } from '@wardline/cli/connection'
import { reportHead, writeReport } from '@wardline/cli/report'
import { packPair, pairCodec } from '@wardline/comment-risk/parts'
import { freePorts, type Service, startService, startStack } from '@wardline/local'
import { loadBundle, policyFolder, readPolicyFiles } from '@wardline/policy'
import { Random } from '@wardline/sample-feed'
import { keyOf, makePair } from '../../bench/stages/made-pairs.ts'

const SIZES = [0, 10_000, 100_000, 1_000_000]
const STARTS = 3
const BOUND_SECONDS = 30
const BATCH = 5_000
const ENTRIES_WITHIN_MS = 30_000

const startedAt = new Date()
const loaded = loadBundle(readPolicyFiles(policyFolder(process.env)))
if (!loaded.ok) throw new Error(`the policy is not valid: ${loaded.problems[0]?.message}`)
const { risk } = loaded.bundle

const folder = mkdtempSync(join(tmpdir(), 'wardline-restore-'))
const log = (line: string) => console.error(line)
// One partition, so that one restore reads everything.
const stack = await startStack({ folder, partitions: 1, ports: await freePorts(), log })

/** `name value` of a metric without labels, of the sum over its series otherwise. */
async function metric(service: Service, name: string): Promise<number> {
  const text = await (await fetch(service.metricsUrl)).text()
  let sum = 0
  for (const line of text.split('\n'))
    if (line.startsWith(`${name} `) || line.startsWith(`${name}{`))
      sum += Number(line.slice(line.lastIndexOf(' ')))
  return sum
}

async function measure(): Promise<void> {
  const { kafka } = connect({
    WARDLINE_BROKERS: stack.brokers.join(','),
    WARDLINE_REGISTRY_URL: stack.registryUrl,
  })
  const producer = kafka.producer()
  await producer.connect()
  let service = stack.services.find(({ stage }) => stage === 'comment-risk')!
  const random = new Random(1)
  const rows = []
  let written = 0
  console.log('pairs       start to ready, s   of it restore, s')
  for (const size of SIZES) {
    for (; written < size; written += BATCH)
      await producer.send({
        topic: 'comment-risk.state',
        messages: Array.from({ length: Math.min(BATCH, size - written) }, (_, i) => ({
          key: `pairs/${keyOf(written + i)}`,
          value: pairCodec.encode(packPair(makePair(random, risk))),
        })),
      })
    const ready: number[] = []
    const restored: number[] = []
    for (let start = 0; start < STARTS; start++) {
      // In order, so that the group does not wait for a dead member: what that takes is in the table of faults.
      await service.child.stop()
      const from = performance.now()
      service = startService('comment-risk', {
        brokers: stack.brokers,
        registryUrl: stack.registryUrl,
        logFolder: stack.logFolder,
        metricsPort: Number(new URL(service.metricsUrl).port),
        detached: false,
      })
      await service.ready()
      ready.push((performance.now() - from) / 1000)
      restored.push(await metric(service, 'wardline_restore_seconds_sum'))
      // The gauge is set every few seconds.
      const deadline = performance.now() + ENTRIES_WITHIN_MS
      while ((await metric(service, 'wardline_state_entries')) < size) {
        if (performance.now() > deadline) throw new Error(`fewer entries than the ${size} pairs written`)
        await delay(200)
      }
    }
    const middle = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!
    const row = { pairs: size, readySeconds: middle(ready), restoreSeconds: middle(restored) }
    rows.push(row)
    console.log(
      `${String(size).padEnd(12)}${row.readySeconds.toFixed(2).padStart(17)}${row.restoreSeconds.toFixed(2).padStart(19)}`,
    )
  }
  await service.child.stop()
  await producer.disconnect()
  const holds = rows.at(-1)!.readySeconds <= BOUND_SECONDS
  console.log(`median of ${STARTS} starts; bound for ${SIZES.at(-1)} pairs: ${BOUND_SECONDS} s`)
  console.log(
    writeReport('restore', {
      ...reportHead(startedAt),
      starts: STARTS,
      boundSeconds: BOUND_SECONDS,
      rows,
      holds,
    }),
  )
  if (!holds) process.exitCode = 1
}

try {
  await stack.orInterrupted(measure())
} finally {
  await stack.stop()
  rmSync(folder, { recursive: true, force: true })
}
