/**
 * `make bench-console`: how long each page takes with 50,000 decisions of a real run in the store, and how many records a
 * second the store takes. `--decisions N` for another size. Writes its table into docs/console.md.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { reportHead, writeReport } from '../../cli/report.ts'
import { fullStore } from '../../test/browser/full-store.ts'
import { pageServer, pagesOf } from '../../test/browser/page-server.ts'
import { RunningConsole } from '../../test/browser/running-console.ts'

const REPEATS = 20
const PAGE_WITHIN_MS = 200
const DOCS = new URL('../../docs/console.md', import.meta.url)
const TABLE = /(<!-- bench-console:begin -->\n)[\s\S]*(<!-- bench-console:end -->)/

interface PageFigures {
  readonly page: string
  readonly firstMs: number
  /** Processor time of the first answer: what others do on the machine is not in it. */
  readonly firstCpuMs: number
  readonly medianMs: number
  readonly bytes: number
}

const round = (ms: number) => Math.round(ms * 10) / 10

const { values } = parseArgs({ options: { decisions: { type: 'string', default: '50000' } } })
const count = Number(values.decisions)
if (!Number.isSafeInteger(count) || count < 1) throw new Error('--decisions must be a whole number from 1')

const startedAt = new Date()
console.log('running the chain on 4,000 events …')
const running = await RunningConsole.start({ events: 4_000, rate: 300, seed: 3 })
const folder = mkdtempSync(join(tmpdir(), 'wardline-bench-console-'))
try {
  const decisions = await running.decisions()
  const assessments = await running.assessments()
  const { store, recordsPerSecond } = fullStore(decisions, assessments, count, join(folder, 'store.sqlite'))
  const { get, close } = await pageServer(running, store)
  const pages: PageFigures[] = []
  for (const [page, url] of Object.entries(pagesOf(decisions))) {
    const first = await get(url)
    const times: number[] = []
    for (let i = 0; i < REPEATS; i++) {
      const { status, ms } = await get(url)
      if (status !== 200) throw new Error(`${url}: ${status}`)
      times.push(ms)
    }
    times.sort((a, b) => a - b)
    pages.push({
      page,
      firstMs: round(first.ms),
      firstCpuMs: round(first.cpuMs),
      medianMs: round(times[REPEATS / 2]!),
      bytes: first.bytes,
    })
  }
  await close()
  store.close()
  const table = [
    '| page | first answer, ms | of that processor, ms | median, ms | KiB |',
    '|---|---:|---:|---:|---:|',
    ...pages.map(
      ({ page, firstMs, firstCpuMs, medianMs, bytes }) =>
        `| ${page} | ${firstMs} | ${firstCpuMs} | ${medianMs} | ${Math.round(bytes / 1_024)} |`,
    ),
    '',
    `${count.toLocaleString('en')} decisions; the store takes ${Math.round(recordsPerSecond).toLocaleString('en')} records a second.`,
  ].join('\n')
  console.log(table)
  const docs = readFileSync(DOCS, 'utf8')
  if (!TABLE.test(docs)) throw new Error('docs/console.md has no place for the table')
  writeFileSync(
    DOCS,
    docs.replace(TABLE, (_, begin: string, end: string) => `${begin}${table}\n${end}`),
  )
  const head = reportHead(startedAt)
  const rate = Math.round(recordsPerSecond)
  console.log(
    `report  ${writeReport('bench-console', { ...head, decisions: count, recordsPerSecond: rate, pages })}`,
  )
  if (pages.some(({ firstMs, firstCpuMs }) => Math.min(firstMs, firstCpuMs) >= PAGE_WITHIN_MS))
    process.exitCode = 1
} finally {
  await running.stop()
  rmSync(folder, { recursive: true, force: true })
}
