import { readFileSync } from 'node:fs'
import { parseAcls } from '@wardline/access'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { CHART, chartFiles, strimziUsers } from './generate.ts'

it('the chart carries the topics and users as they are now (make chart-files)', () => {
  for (const [path, text] of chartFiles())
    expect([path, readFileSync(`${CHART}${path}`, 'utf8')]).toEqual([path, text])
})

it('the chart is of the version that the checkout is', () => {
  const { appVersion } = parse(readFileSync(`${CHART}Chart.yaml`, 'utf8')) as { appVersion: string }
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  expect(appVersion).toBe(version)
})

it('the least values that docs/containers.md shows are those that the tests render', () => {
  const page = readFileSync(new URL('../../docs/containers.md', import.meta.url), 'utf8')
  const shown = /```yaml\n(.*?)```/s.exec(page)![1]!
  const tested = readFileSync(new URL('golden/least.values.yaml', import.meta.url), 'utf8')
  expect(parse(shown)).toEqual(parse(tested))
})

it('a user of Strimzi may do what the access rules say, under the name that the broker sees', () => {
  const rules = parseAcls('principals: {a: {read: [t], transactionalId: [a.*]}, CN=b: {all: [u]}}')
  expect(strimziUsers(rules)).toEqual([
    {
      name: 'a',
      authentication: 'scram-sha-512',
      acls: [
        { resource: { type: 'topic', name: 't', patternType: 'literal' }, operations: ['Read'] },
        { resource: { type: 'transactionalId', name: 'a.', patternType: 'prefix' }, operations: ['Write'] },
      ],
    },
    {
      name: 'b',
      authentication: 'tls',
      acls: [{ resource: { type: 'topic', name: 'u', patternType: 'literal' }, operations: ['All'] }],
    },
  ])
})
