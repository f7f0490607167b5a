import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Child, freePorts } from '@wardline/local'
import { startChild, untilReady } from '../../deploy/local/child.ts'

export const PROMETHEUS_FOLDER = fileURLToPath(new URL('../../deploy/prometheus/', import.meta.url))

/** Whether the machine has Debian's package prometheus, or the binaries of another. */
export const hasPrometheus = ['prometheus', 'promtool'].every(
  (command) => spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0,
)
if (!hasPrometheus)
  console.log(
    'prometheus and promtool were not found (Debian: apt-get install prometheus): their tests are skipped',
  )

export const promtool = (...args: string[]): string =>
  execFileSync('promtool', args, { encoding: 'utf8', stdio: 'pipe' })

/** One series of an answer; `values` are finite ones, NaN left out. */
export interface Series {
  readonly labels: Readonly<Record<string, string>>
  readonly values: readonly number[]
}
export interface Target {
  readonly url: string
  readonly service: string
}
interface Answer<Data> {
  readonly status: string
  readonly error?: string
  readonly data: Data
}

/** A Prometheus of the test's own: the shipped configuration and rules, only the targets are the test's. */
export class TestPrometheus {
  readonly #child: Child
  readonly #url: string
  readonly #folder: string

  private constructor(child: Child, url: string, folder: string) {
    this.#child = child
    this.#url = url
    this.#folder = folder
  }

  static async start(targets: readonly Target[]): Promise<TestPrometheus> {
    const folder = mkdtempSync(join(tmpdir(), 'wardline-prometheus-'))
    cpSync(PROMETHEUS_FOLDER, folder, { recursive: true })
    const found = targets.map(({ url, service }) => ({ targets: [new URL(url).host], labels: { service } }))
    writeFileSync(join(folder, 'targets/local.json'), JSON.stringify(found))
    const { kafka: port } = await freePorts()
    const url = `http://127.0.0.1:${port}`
    const child = startChild({
      name: 'prometheus',
      command: 'prometheus',
      args: [
        `--config.file=${folder}/prometheus.yml`,
        `--storage.tsdb.path=${folder}/data`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--enable-feature=exemplar-storage',
      ],
      logFile: `${folder}/prometheus.log`,
      detached: false,
    })
    await untilReady(child, async () => (await fetch(`${url}/-/ready`)).ok, 60_000)
    return new TestPrometheus(child, url, folder)
  }

  /** Data of an answer of its API; throws with what it says where it refuses. */
  async get<Data>(path: string, parameters: Readonly<Record<string, string | number>> = {}): Promise<Data> {
    const query = new URLSearchParams()
    for (const [name, value] of Object.entries(parameters)) query.set(name, String(value))
    const answer = (await (await fetch(`${this.#url}/api/v1/${path}?${query}`)).json()) as Answer<Data>
    if (answer.status !== 'success') throw new Error(`${JSON.stringify(parameters)}: ${answer.error}`)
    return answer.data
  }

  /** `at`: seconds since 1970 UTC. */
  async query(query: string, at = Date.now() / 1000): Promise<Series[]> {
    const data = await this.get<{
      resultType: string
      result: { metric: Record<string, string>; value: [number, string] }[]
    }>('query', { query, time: at })
    if (data.resultType !== 'vector') throw new Error(`${query} is a ${data.resultType}`)
    return data.result.map(({ metric, value }) => ({ labels: metric, values: finite([value]) }))
  }

  async queryRange(query: string, from: number, to: number, step: number): Promise<Series[]> {
    const data = await this.get<{ result: { metric: Record<string, string>; values: [number, string][] }[] }>(
      'query_range',
      { query, start: from, end: to, step },
    )
    return data.result.map(({ metric, values }) => ({ labels: metric, values: finite(values) }))
  }

  async stop(): Promise<void> {
    await this.#child.stop()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

const finite = (values: readonly (readonly [number, string])[]): number[] =>
  values.map(([, value]) => Number(value)).filter((value) => !Number.isNaN(value))
