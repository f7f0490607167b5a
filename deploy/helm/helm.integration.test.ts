import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { groupId, readSettings, STAGE_NAMES, type StageName, TOPICS } from '@wardline/stream'
import { afterAll, describe, expect, it } from 'vitest'
import { parse, parseAllDocuments, stringify } from 'yaml'
import { goProblem, hasTool, toolPath } from '../../test/containers/tools/tools.ts'
import { CHART } from './generate.ts'
import { KUBERNETES, schemaFolder } from './schemas.ts'

const GOLDEN = fileURLToPath(new URL('golden/', import.meta.url))
const CASES = ['least', 'all', 'plain'] as const
const folder = mkdtempSync(join(tmpdir(), 'wardline-helm-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Env {
  readonly name: string
  readonly value: string
}
interface Resource {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly labels: Record<string, string> }
  // biome-ignore lint/suspicious/noExplicitAny: of many kinds; what is looked at is named in each test
  readonly spec: any
}

const run = (tool: 'helm' | 'kubeconform', args: string[], input?: string) =>
  spawnSync(toolPath(tool), args, {
    encoding: 'utf8',
    maxBuffer: 16 << 20,
    // Nothing of the user's own.
    env: { PATH: process.env.PATH, HOME: folder },
    ...(input === undefined ? {} : { input }),
  })

function render(valuesFile: string, chart = CHART, ...more: string[]): { text: string; problem: string } {
  const args = ['template', 'wardline', chart, '--namespace', 'feed', '--kube-version', KUBERNETES]
  const { stdout, stderr, status } = run('helm', [...args, '--values', valuesFile, ...more])
  return { text: stdout, problem: status === 0 ? '' : stderr }
}
const valuesOf = (name: string) => `${GOLDEN}${name}.values.yaml`
const resourcesOf = (text: string) =>
  parseAllDocuments(text)
    .map((document) => document.toJS() as Resource | null)
    .filter((resource) => resource !== null)
const ofKind = (text: string, kind: string) => resourcesOf(text).filter((resource) => resource.kind === kind)

const problem =
  hasTool('helm') && hasTool('kubeconform')
    ? null
    : (goProblem() ?? 'helm and kubeconform are not built: make test-containers')
if (problem) console.log(`the chart: skipped, ${problem}`)

describe.skipIf(problem !== null)('the chart', () => {
  it('passes helm lint', () => {
    const { status, stdout } = run('helm', [
      'lint',
      CHART,
      '--strict',
      '--values',
      valuesOf('all'),
      '--kube-version',
      KUBERNETES,
    ])
    expect(stdout).toContain('0 chart(s) failed')
    expect(status).toBe(0)
  })

  it.each(CASES)('renders %s as it did (make chart-golden keeps a change)', (name) => {
    const { text, problem } = render(valuesOf(name))
    expect(problem).toBe('')
    const file = `${GOLDEN}${name}.yaml`
    // The rules have their own files and tests, and one of this chart's below.
    const rendered = text.replace(/^(kind: PrometheusRule$.*?^ {2}groups:\n).*?(?=^---$)/ms, '$1    # …\n')
    if (process.env.UPDATE_GOLDEN) writeFileSync(file, rendered)
    expect(rendered).toBe(existsSync(file) ? readFileSync(file, 'utf8') : '')
  })

  it('renders the same from its package', () => {
    expect(run('helm', ['package', CHART, '--destination', folder]).status).toBe(0)
    const [archive] = readdirSync(folder).filter((name) => name.endsWith('.tgz'))
    expect(render(valuesOf('all'), join(folder, archive!)).text).toBe(render(valuesOf('all')).text)
  })

  describe('against the definitions of Kubernetes, KEDA, the Prometheus operator and Strimzi', () => {
    const conform = (text: string) => {
      const location = `${schemaFolder()}/{{.ResourceKind}}{{.KindSuffix}}.json`
      const args = ['-strict', '-summary', '-output', 'json', '-schema-location', location, '-']
      const { stdout } = run('kubeconform', args, text)
      return JSON.parse(stdout) as {
        resources: { kind: string; msg: string }[]
        summary: { valid: number; invalid: number; errors: number; skipped: number }
      }
    }

    it.each(CASES)(
      '%s is valid, every resource of it',
      (name) => {
        const { text } = render(valuesOf(name))
        const { resources, summary } = conform(text)
        expect(resources ?? []).toEqual([])
        expect(summary).toEqual({ valid: resourcesOf(text).length, invalid: 0, errors: 0, skipped: 0 })
      },
      120_000,
    )

    it.each([
      ['Deployment', (spec: Resource['spec']) => (spec.template.spec.containers[0].livenesProbe = {})],
      ['NetworkPolicy', (spec: Resource['spec']) => (spec.policyTypes = 'Ingress')],
      ['ScaledObject', (spec: Resource['spec']) => (spec.maxReplicas = 3)],
      ['ServiceMonitor', (spec: Resource['spec']) => (spec.endpoints[0].intervall = '5s')],
      ['PrometheusRule', (spec: Resource['spec']) => delete spec.groups[0].name],
      ['KafkaTopic', (spec: Resource['spec']) => (spec.partition = 3)],
      ['KafkaUser', (spec: Resource['spec']) => (spec.authorization.acls[0].operations = ['Reed'])],
    ])('a %s with a mistake in it is refused', (kind, spoil) => {
      const resource = ofKind(render(valuesOf('all')).text, kind)[0]!
      spoil(resource.spec)
      expect(conform(stringify(resource)).summary).toMatchObject({ valid: 0, invalid: 1 })
    })
  })

  const least = render(valuesOf('least')).text

  it('gives Prometheus the rules of deploy/prometheus, all of them', () => {
    const [rule] = ofKind(least, 'PrometheusRule')
    const rules = new URL('../prometheus/rules/', import.meta.url)
    const groups = readdirSync(rules).flatMap(
      (name) => (parse(readFileSync(new URL(name, rules), 'utf8')) as { groups: unknown[] }).groups,
    )
    expect(groups.length).toBeGreaterThan(3)
    expect(rule?.spec.groups).toEqual(groups)
  })

  it('scales each stage by the lag of its own group on its own input, to no more than the partitions', () => {
    const input: Record<StageName, string> = {
      normalize: TOPICS.feedEvents,
      classify: TOPICS.normalized,
      'comment-risk': TOPICS.classified,
      enforce: TOPICS.assessed,
    }
    const scaled = ofKind(least, 'ScaledObject')
    expect(scaled.map(({ metadata }) => metadata.labels['app.kubernetes.io/component']).sort()).toEqual(
      [...STAGE_NAMES].sort(),
    )
    for (const { metadata, spec } of scaled) {
      const stage = metadata.labels['app.kubernetes.io/component'] as StageName
      expect(spec.triggers[0].metadata).toMatchObject({ topic: input[stage], consumerGroup: groupId(stage) })
      expect(spec.maxReplicaCount).toBe(12)
    }
  })

  it.each(CASES)('gives the services of %s settings that they start with', (name) => {
    const file = join(folder, 'secret')
    writeFileSync(file, 'secret')
    const deployments = ofKind(render(valuesOf(name)).text, 'Deployment')
    expect(deployments.length).toBe(STAGE_NAMES.length)
    for (const { spec } of deployments) {
      const { containers, volumes = [] } = spec.template.spec
      const [container] = containers
      const env = Object.fromEntries((container.env as Env[]).map(({ name, value }) => [name, value]))
      const mounted = new Set(
        volumes.flatMap((volume: { name: string; secret: { items: { path: string }[] } }) =>
          volume.secret.items.map(({ path }) => `/run/secrets/${volume.name}/${path}`),
        ),
      )
      for (const [variable, value] of Object.entries(env)) {
        if (!variable.endsWith('_FILE')) continue
        expect(mounted).toContain(value)
        env[variable] = file
      }
      expect(() => readSettings(env)).not.toThrow()
    }
  })

  it('runs everything without root rights, on files that it cannot change, and with no secret in its environment', () => {
    const pods = resourcesOf(render(valuesOf('all')).text).filter(
      ({ kind }) => kind === 'Deployment' || kind === 'Job',
    )
    expect(pods.length).toBe(STAGE_NAMES.length + 1)
    for (const { spec } of pods) {
      const pod = spec.template.spec
      expect(pod.securityContext).toMatchObject({
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      })
      expect(pod.automountServiceAccountToken).toBe(false)
      for (const container of pod.containers) {
        expect(container.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        })
        const suspicious = (container.env as Env[]).filter(({ name }) => /PASSWORD|TOKEN|SECRET/.test(name))
        expect(suspicious.length).toBeGreaterThan(0)
        for (const { name, value } of suspicious)
          expect([name, value]).toEqual([
            expect.stringMatching(/_FILE$/),
            expect.stringMatching(/^\/run\/secrets\//),
          ])
      }
    }
  })

  it('gives a pod more time to stop than the service takes for it', () => {
    for (const { spec } of ofKind(least, 'Deployment')) {
      const env = spec.template.spec.containers[0].env as Env[]
      const stop = Number(env.find(({ name }) => name === 'WARDLINE_SHUTDOWN_TIMEOUT_MS')?.value)
      expect(spec.template.spec.terminationGracePeriodSeconds * 1000).toBeGreaterThan(stop)
    }
  })

  it.each([
    ['stages.enforce.replicas.max=13', /replicas beyond the partitions would be idle/],
    [
      'stages.enforce.replicas.min=13',
      /stages\.enforce\.replicas\.min is 13, above the most that can work, 12/,
    ],
    ['kafka.brokers=null', /kafka\.brokers is missing/],
    ['registry.url=', /registry\.url is missing/],
    ['registry.username=x', /registry\.password\.secret is missing/],
    ['metrics.token.secret=', /give metrics\.token\.secret, or say metrics\.open=true/],
    ['strimzi.topics=true', /strimzi\.cluster is missing/],
    ['stages.enforce.replica.min=2', /replica/],
    ['settings.LOG_LEVEL=debug', /LOG_LEVEL/],
  ])('refuses %s and says why', (value, reason) => {
    expect(render(valuesOf('least'), CHART, '--set', value).problem).toMatch(reason)
  })
})
