/**
 * What an event costs as partitions, instances, event size and state grow. Processor time a event, since two cores are soon
 * full: that it stays flat is what lets more machines do more work.
 */
import { parseArgs } from 'node:util'
import { reportHead, table, writeReport } from '@wardline/cli/report'
import { createCommentRiskStage } from '@wardline/comment-risk'
import { afterMessage, NEW_PAIR, packPair } from '@wardline/comment-risk/parts'
import type { ClassifiedEvent } from '@wardline/events'
import { loadBundle, policyFolder, readPolicyFiles } from '@wardline/policy'
import { recordKey } from '@wardline/sample-feed'
import { TOPICS } from '@wardline/stream'
import { BenchStack, type EncodedEvents } from '../chain/bench-stack.ts'
import { WardlineServices } from '../chain/contestant.ts'
import { measure, type Run, warmUp } from '../throughput/measure.ts'

const { values: args } = parseArgs({
  options: {
    parts: { type: 'string', default: 'pairs,partitions,instances,sizes' },
    partitions: { type: 'string', default: '1,2,4,8' },
    /** Processes of each stage, on eight partitions. */
    instances: { type: 'string', default: '1,2,4,8' },
    /** Bytes of text added to each event. */
    sizes: { type: 'string', default: '0,100,1000,10000' },
    pairs: { type: 'string', default: '10000,100000,1000000,10000000' },
    events: { type: 'string', default: '20000' },
  },
})
const numbers = (list: string) => list.split(',').map(Number)
const parts = new Set(args.parts.split(','))
const EVENTS = Number(args.events)
const WARM_UP = 10_000
const T0 = Date.UTC(2026, 8, 21)

const DISK_TOPICS = [
  TOPICS.feedEvents,
  TOPICS.normalized,
  TOPICS.classified,
  TOPICS.assessed,
  TOPICS.decisions,
]
const TEMPLATE: ClassifiedEvent = {
  eventId: '',
  kind: 'PRIVATE_MESSAGE',
  occurredAt: T0,
  feedPartition: 0,
  feedOffset: 0,
  feedAppendedAt: T0,
  actorId: '',
  actorAgeBand: 'ADULT',
  protectedId: '',
  subjectId: null,
  contentId: 'c',
  conversationId: null,
  section: 'messages',
  device: 'PHONE',
  category: 'benign',
  score: 0,
  scores: [],
  ruleHits: [],
  signals: [],
  textLength: 10,
  mediaTypes: [],
  policyVersion: '',
  modelVersion: null,
  usage: null,
  fingerprint: null,
  contactHashes: [],
  tones: { approach: -1, recruiting: -1, hostile: -1 },
}

const startedAt = new Date()
const report: Record<string, unknown> = {}

if (parts.has('pairs')) {
  const loaded = loadBundle(readPolicyFiles(policyFolder(process.env)))
  if (!loaded.ok) throw new Error('the policy is not valid')
  const rows = numbers(args.pairs).map((pairs) => ({
    pairs,
    microseconds: costAt(pairs, loaded.bundle.risk),
  }))
  report.pairs = rows
  console.log(
    table(
      ['known pairs', 'comment-risk µs/event'],
      rows.map(({ pairs, microseconds }) => [String(pairs), microseconds.toFixed(2)]),
    ),
  )
}

/** Processor time of the stage's logic and state an event, µs, the least of five rounds, with so many pairs known. */
function costAt(pairs: number, risk: Parameters<typeof createCommentRiskStage>[0]['risk']): number {
  const stage = createCommentRiskStage({ risk, capacities: { pairs: pairs * 2 } })
  const state = stage.createState()
  const message = {
    at: T0,
    eventHash: 1,
    markBits: 0,
    harm: 0,
    tones: { approach: -1, recruiting: -1, hostile: -1 },
    night: false,
  }
  const packed = Buffer.from(packPair(afterMessage(NEW_PAIR, message, risk)), 'latin1')
  // Each minor is talked to by five.
  const actorOf = (i: number) => `u${20_000_000 + i}`
  const minorOf = (i: number) => `u${10_000_000 + Math.floor(i / 5)}`
  for (let i = 0; i < pairs; i++) state.pairs.restore(`${minorOf(i)}|${actorOf(i)}`, packed)
  const [events, profiles] = stage.inputs
  const context = { key: '', state, partition: 0, offset: 0, appendedAt: T0, bytes: 0, now: T0 }
  const minors = Math.min(20_000, Math.ceil(pairs / 5))
  const stride = Math.max(1, Math.floor(pairs / 5 / minors))
  for (let i = 0; i < minors; i++) {
    const accountId = minorOf(i * stride * 5)
    const profile = {
      accountId,
      ageBand: 'AGE_12_TO_15',
      youthMode: false,
      utcOffsetMinutes: 480,
      dailyLimitMinutes: null,
      restStartMinute: 1320,
      restEndMinute: 360,
      guardianIds: [],
      updatedAt: T0,
    }
    profiles!.handle(profile as never, { ...context, key: accountId })
  }
  const made: ClassifiedEvent[] = Array.from({ length: 20_000 }, (_, n) => {
    const i = ((n * 7919) % minors) * stride * 5
    return {
      ...TEMPLATE,
      eventId: `e-${n}`,
      occurredAt: T0 + n,
      actorId: actorOf(i),
      protectedId: minorOf(i),
      subjectId: minorOf(i),
    }
  })
  const costs: number[] = []
  for (let round = 0; round < 7; round++) {
    const before = process.cpuUsage().user
    for (let from = 0; from < made.length; from += 200) {
      for (let n = from; n < from + 200; n++) {
        for (const store of Object.values(state)) store.beginRecord()
        events!.handle(
          { ...made[n]!, eventId: `${round}-${n}`, occurredAt: T0 + round * 60_000 + n } as never,
          context,
        )
      }
      for (const store of Object.values(state)) {
        store.changes(T0)
        store.merge()
      }
    }
    if (round >= 2) costs.push((process.cpuUsage().user - before) / made.length)
  }
  if (state.pairs.entries < pairs) throw new Error('the pairs are not known')
  const updated = state.pairs.get(`${made[0]!.protectedId}|${made[0]!.actorId}`)
  if (updated === packed.toString('latin1')) throw new Error('the events did not touch their pairs')
  return Math.min(...costs)
}

if (['partitions', 'instances', 'sizes'].some((part) => parts.has(part))) {
  const stack = await BenchStack.start({ partitions: 4 })
  try {
    const run = async (
      events: EncodedEvents,
      warm: EncodedEvents,
      partitions: number,
      instances = 1,
    ): Promise<Run> => {
      await stack.reset(partitions)
      const chain = new WardlineServices(stack, { instances })
      await chain.start()
      try {
        return await measure(stack, chain, events, await warmUp(stack, chain, warm))
      } finally {
        await chain.stop()
      }
    }
    const rowOf = (
      label: string,
      { eventsPerSecond, cpuSecondsPerMillion, residentMiB }: Run,
      bytes: number,
    ) => [
      label,
      String(eventsPerSecond),
      Object.entries(cpuSecondsPerMillion)
        .reduce((sum, [name, s]) => sum + (name === 'broker' ? 0 : s), 0)
        .toFixed(0),
      cpuSecondsPerMillion.broker!.toFixed(0),
      String(
        Object.entries(residentMiB).reduce((sum, [name, mib]) => sum + (name === 'broker' ? 0 : mib), 0),
      ),
      bytes.toFixed(0),
    ]
    const diskBytes = () =>
      DISK_TOPICS.reduce((sum, topic) => sum + stack.bytesOnDisk(topic), 0) / (EVENTS + WARM_UP)
    const head = (first: string) => [
      first,
      'events/s',
      'own CPU s/M',
      'broker CPU s/M',
      'own RSS MiB',
      'disk B/event',
    ]
    /** One row a value: a run with a feed of its own, made anew from the same seed. */
    const measurePart = async (
      part: string,
      first: string,
      seed: number,
      values: string,
      runWith: (value: number, warm: EncodedEvents) => Promise<Run>,
    ): Promise<void> => {
      if (!parts.has(part)) return
      const rows: string[][] = []
      for (const value of numbers(values)) {
        stack.startFeed(seed, BenchStack.feedStart())
        rows.push(rowOf(String(value), await runWith(value, await stack.encode(WARM_UP)), diskBytes()))
      }
      report[part] = rows
      console.log(`\n${table(head(first), rows)}`)
    }
    await measurePart('partitions', 'partitions', 51, args.partitions, async (partitions, warm) =>
      run(await stack.encode(EVENTS), warm, partitions),
    )
    await measurePart('instances', 'instances', 71, args.instances, async (instances, warm) =>
      run(await stack.encode(EVENTS), warm, 8, instances),
    )
    await measurePart('sizes', 'bytes of text', 61, args.sizes, async (size, warm) =>
      run(await padded(stack, size), warm, 4),
    )
  } finally {
    await stack.stop()
  }
}
console.log(writeReport('bench-scale', { ...reportHead(startedAt), options: args, ...report }))

/** Events whose text is followed by so many bytes of harmless text. */
async function padded(stack: BenchStack, size: number): Promise<EncodedEvents> {
  const filler = '今天和同学一起去公园放风筝，天气很好，大家都很开心。'
  const pad = filler.repeat(Math.ceil(size / 3 / filler.length)).slice(0, Math.floor(size / 3))
  const ids = new Set<string>()
  const messages = []
  // A feed of its own seed: no event is one of the warm-up's.
  for (const { event } of stack.startFeed(62, BenchStack.feedStart()).events(EVENTS)) {
    ids.add(event.eventId)
    const value = await stack.publisher.encode(TOPICS.feedEvents, 'FeedEvent', {
      ...event,
      text: event.text + pad,
    })
    messages.push({ key: recordKey(event), value })
  }
  return { messages, distinct: ids.size }
}
