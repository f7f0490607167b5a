/**
 * `make bench-console`: how long each page takes with 50,000 decisions of a real run in the store, and how many records a
 * second the store takes. `--decisions N` for another size.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { reportHead, writeReport } from '../../cli/report.ts'
import { fullStore } from '../../test/browser/full-store.ts'
import { pageServer, pagesOf } from '../../test/browser/page-server.ts'
import { RunningConsole } from '../../test/browser/running-console.ts'

const REPEATS = 20

const { values } = parseArgs({ options: { decisions: { type: 'string', default: '50000' } } })
const count = Number(values.decisions)
if (!Number.isSafeInteger(count) || count < 1) throw new Error('--decisions must be a whole number from 1')

const startedAt = new Date()
console.log('running the chain on 4,000 events …')
const running = await RunningConsole.start({ events: 4_000, rate: 300, seed: 3 })
const folder = mkdtempSync(join(tmpdir(), 'wardline-bench-console-'))
try {
  const decisions = await running.decisions()
  const { store, recordsPerSecond } = fullStore(
    decisions,
    await running.assessments(),
    count,
    join(folder, 'store.sqlite'),
  )
  const { get, close } = await pageServer(running, store)
  const rows: { page: string; firstMs: number; medianMs: number; mostMs: number; bytes: number }[] = []
  for (const [page, url] of Object.entries(pagesOf(decisions))) {
    const times: number[] = []
    let bytes = 0
    for (let i = 0; i <= REPEATS; i++) {
      const answer = await get(url)
      if (answer.status !== 200) throw new Error(`${url}: ${answer.status}`)
      times.push(answer.ms)
      bytes = answer.bytes
    }
    const [first = 0, ...rest] = times
    rest.sort((a, b) => a - b)
    const round = (ms: number) => Math.round(ms * 10) / 10
    rows.push({
      page,
      firstMs: round(first),
      medianMs: round(rest[REPEATS / 2]!),
      mostMs: round(rest.at(-1)!),
      bytes,
    })
  }
  await close()
  store.close()
  console.log(
    `\n${count} decisions; the store takes ${Math.round(recordsPerSecond)} records/s (decisions and what was found in them)\n`,
  )
  console.log(
    `${'page'.padEnd(30)}${'first ms'.padStart(10)}${'median ms'.padStart(11)}${'most ms'.padStart(9)}${'KiB'.padStart(7)}`,
  )
  for (const { page, firstMs, medianMs, mostMs, bytes } of rows)
    console.log(
      `${page.padEnd(30)}${String(firstMs).padStart(10)}${String(medianMs).padStart(11)}${String(mostMs).padStart(9)}${(bytes / 1_024).toFixed(0).padStart(7)}`,
    )
  const report = {
    ...reportHead(startedAt),
    decisions: count,
    recordsPerSecond: Math.round(recordsPerSecond),
    pages: rows,
  }
  console.log(`\nreport  ${writeReport('bench-console', report)}`)
} finally {
  await running.stop()
  rmSync(folder, { recursive: true, force: true })
}
