import { expect, it } from 'vitest'
import { type ClusterFacts, judgeCluster } from './broker.ts'
import { judgeClocks } from './clock.ts'
import { judgeGroups } from './groups.ts'

type Range = { least: number; most: number }

const RECORD = 1_000_000
const right = {
  'transaction.state.log.replication.factor': '3',
  'transaction.state.log.min.isr': '2',
  'offsets.topic.replication.factor': '3',
  'auto.create.topics.enable': 'false',
  'socket.request.max.bytes': '104857600',
  'group.min.session.timeout.ms': '6000',
  'transaction.max.timeout.ms': '900000',
  'offsets.retention.minutes': '10080',
  'message.max.bytes': '1048588',
}
const EVERY = new Map(Array.from({ length: 60 }, (_, key): [number, Range] => [key, { least: 0, most: 20 }]))
const cluster = (change: Partial<ClusterFacts> = {}): ClusterFacts => ({
  brokers: 3,
  features: { requests: EVERY, features: new Map([['metadata.version', 29]]) },
  settings: new Map([1, 2, 3].map((id) => [id, right])),
  ...change,
})
const worse = (facts: ClusterFacts) => judgeCluster(facts, RECORD).filter(({ level }) => level !== 'ok')
const settings = (change: Record<string, string>, broker?: number) =>
  new Map(
    [1, 2, 3].map((id) => [id, broker === undefined || broker === id ? { ...right, ...change } : right]),
  )

it('a cluster of three as it should be has nothing to mend', () => {
  expect(worse(cluster())).toEqual([])
})

it.each([
  ['transaction.state.log.replication.factor', '1', 'fail'],
  ['transaction.state.log.min.isr', '1', 'fail'],
  ['offsets.topic.replication.factor', '2', 'fail'],
  ['auto.create.topics.enable', 'true', 'warn'],
  ['socket.request.max.bytes', '1048576', 'fail'],
  ['group.min.session.timeout.ms', '10000', 'fail'],
  ['transaction.max.timeout.ms', '10000', 'fail'],
  ['offsets.retention.minutes', '60', 'warn'],
  ['message.max.bytes', '1000', 'warn'],
])('names %s at %s', (name, value, level) => {
  expect(worse(cluster({ settings: settings({ [name]: value }) }))).toMatchObject([
    { level, found: `${name} is ${value}`, remedy: expect.stringMatching(/^set /) },
  ])
})

it('names the one broker of three that has it wrong', () => {
  expect(worse(cluster({ settings: settings({ 'transaction.state.log.min.isr': '1' }, 2) }))).toMatchObject([
    { found: 'transaction.state.log.min.isr is 1 on broker 2' },
  ])
})

it('asks a single broker for no more replicas than it can have', () => {
  const one = {
    ...right,
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
  }
  const facts = cluster({
    brokers: 1,
    settings: new Map([[1, { ...one, 'offsets.topic.replication.factor': '1' }]]),
  })
  expect(worse(facts).map(({ found }) => found)).toEqual(['1 broker: a lost disk is lost data'])
})

it('knows what is too old, and what has left our versions behind', () => {
  const without = (key: number, range?: Range) => {
    const requests = new Map(EVERY)
    requests.delete(key)
    if (range) requests.set(key, range)
    return worse(cluster({ features: { requests, features: new Map([['metadata.version', 29]]) } }))
  }
  expect(without(28)).toMatchObject([
    { level: 'fail', found: expect.stringMatching(/not speak TxnOffsetCommit/) },
  ])
  expect(without(1, { least: 0, most: 3 })).toMatchObject([
    { found: expect.stringMatching(/not speak Fetch/) },
  ])
  expect(without(0, { least: 8, most: 12 })).toMatchObject([
    { found: expect.stringMatching(/not speak Produce/) },
  ])
  const level = (features: Map<string, number>) => worse(cluster({ features: { requests: EVERY, features } }))
  expect(level(new Map())).toMatchObject([
    { level: 'warn', found: expect.stringMatching(/no metadata\.version/) },
  ])
  expect(level(new Map([['metadata.version', 11]]))).toMatchObject([
    { found: expect.stringMatching(/before release 3\.6/) },
  ])
})

it('says so where settings may not be seen', () => {
  expect(worse(cluster({ settings: null }))).toMatchObject([
    { level: 'warn', remedy: expect.stringMatching(/admin/) },
  ])
})

const append = (appendedAt: number, partition = 0) => ({ partition, before: 1_000, appendedAt, after: 1_010 })

it('measures clocks only as far as the two looks allow', () => {
  const level = (appendedAt: number) => judgeClocks([append(1_005), append(appendedAt, 1)])[0]!
  expect(level(1_010)).toMatchObject({ level: 'ok' })
  expect(level(1_260)).toMatchObject({ level: 'ok' })
  expect(level(1_261)).toMatchObject({
    level: 'warn',
    found: 'the broker that leads policy.control/1 is at least 251 ms ahead of this machine',
  })
  expect(level(700)).toMatchObject({ level: 'warn', found: expect.stringMatching(/300 ms behind/) })
  expect(level(1_000 + 3_600_000)).toMatchObject({ level: 'fail' })
  expect(judgeClocks([append(-1)])).toMatchObject([
    { level: 'warn', remedy: expect.stringMatching(/LogAppendTime/) },
  ])
  expect(judgeClocks(null)).toMatchObject([{ level: 'warn' }])
})

it('tells a group that runs from one that moves', () => {
  const group = (state: string, members: number) =>
    judgeGroups([
      {
        stage: 'classify',
        state,
        members,
        partitions: [{ topic: 'events.normalized', partition: 0, committed: 5, low: 0, high: 12 }],
      },
    ])[0]
  expect(group('Stable', 2)).toMatchObject({
    level: 'ok',
    found: expect.stringMatching(/2 members; 7 offsets behind/),
  })
  expect(group('PreparingRebalance', 2)).toMatchObject({ level: 'warn' })
  expect(group('Empty', 0)).toMatchObject({ level: 'warn', remedy: expect.stringMatching(/^start classify/) })
})
