import { createHash } from 'node:crypto'
import { CATEGORY_SYMBOLS, EVENT_KIND_SYMBOLS, type FeedEvent, recordType } from '@wardline/events'
import { describe, expect, it } from 'vitest'
import { createSampleFeed, MAX_TEXT_LENGTH, type SampleFeedOptions, type SampleItem } from './feed.ts'
import { CAMPAIGN_ITEMS, malformedEvents, recordKey, restamp, toJsonLine } from './index.ts'

/** 2024-01-01, 10:00 in Shanghai. */
const START = Date.UTC(2024, 0, 1, 2)
/** The same day at 23:30 there. */
const NIGHT = Date.UTC(2024, 0, 1, 15, 30)
const BLOCK = 20_000

const itemsOf = (count: number, options: Partial<SampleFeedOptions> = {}): SampleItem[] => [
  ...createSampleFeed({ seed: 1, startAt: START, ...options }).events(count),
]
const hashOf = (items: Iterable<SampleItem>) => {
  const hash = createHash('sha256')
  for (const { event, intent } of items) hash.update(`${toJsonLine(event)}${intent}\n`)
  return hash.digest('hex')
}
const share = (items: readonly SampleItem[], test: (item: SampleItem) => boolean) =>
  items.filter(test).length / items.length

const block = itemsOf(BLOCK)

describe('determinism', () => {
  it('gives the same bytes for the same seed and others for another', () => {
    const hash = hashOf(itemsOf(3000))
    expect(hashOf(itemsOf(3000))).toBe(hash)
    expect(hashOf(itemsOf(3000, { seed: 2 }))).not.toBe(hash)
    expect(hashOf(itemsOf(3000, { startAt: START + 1000 }))).not.toBe(hash)
  })

  it('goes on where the last call stopped, whether or not reports are asked for', () => {
    const feed = createSampleFeed({ seed: 1, startAt: START })
    const parts = [...feed.events(1700)]
    feed.reports(50)
    parts.push(...feed.events(1300))
    expect(hashOf(parts)).toBe(hashOf(itemsOf(3000)))
  })

  it('gives the same profiles and reports for the same seed', () => {
    const make = (seed: number) => {
      const feed = createSampleFeed({ seed, startAt: START })
      Array.from(feed.events(500))
      return JSON.stringify([feed.profiles(), feed.reports(100)])
    }
    expect(make(3)).toBe(make(3))
    expect(make(3)).not.toBe(make(4))
  })
})

describe('events', () => {
  it('all fit the Avro schema and come back from it unchanged', () => {
    const type = recordType('FeedEvent')
    for (const { event } of block) {
      if (!type.isValid(event)) expect.fail(`does not fit: ${toJsonLine(event)}`)
    }
    for (const { event } of block.slice(0, 2000)) {
      expect({ ...(type.fromBuffer(type.toBuffer(event)) as FeedEvent) }).toEqual(event)
    }
  })

  it('keep within the limits of the contract', () => {
    const uuidV7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
    const keeps = ({ kind, usage, ...event }: FeedEvent) =>
      kind !== 'UNKNOWN' &&
      uuidV7.test(event.eventId) &&
      event.actorId.length > 0 &&
      event.subjectId !== event.actorId &&
      event.text.length <= MAX_TEXT_LENGTH &&
      event.text.isWellFormed() &&
      event.media.length <= 9 &&
      event.links.length <= 32 &&
      event.mentions.length <= 64 &&
      (usage !== null) === (kind === 'USAGE') &&
      (event.promotion !== null) === (kind === 'PROMOTION') &&
      (event.searchQuery !== null) === (kind === 'SEARCH_RESULT') &&
      (!usage ||
        (usage.sessionSeconds > 0 && usage.sessionSeconds <= 86_400 && usage.endedAt <= event.occurredAt))
    expect(block.filter(({ event }) => !keeps(event)).map(({ event }) => toJsonLine(event))).toEqual([])
  })

  it('differ in length from one character to hundreds, in media from none to nine', () => {
    const lengths = block.map(({ event }) => event.text.length)
    expect(Math.max(...lengths)).toBeGreaterThan(400)
    expect(lengths.filter((length) => length > 0 && length <= 4).length).toBeGreaterThan(500)
    expect(new Set(block.map(({ event }) => event.media.length))).toEqual(
      new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
    )
    expect(share(block, ({ event }) => event.media.some(({ hasQrCode }) => hasQrCode))).toBeGreaterThan(0.003)
  })

  it('advance at the mean rate', () => {
    const times = block
      .filter(({ duplicateOf }) => duplicateOf === undefined)
      .map(({ event }) => event.occurredAt)
    for (let i = 1; i < times.length; i++) expect(times[i]!).toBeGreaterThanOrEqual(times[i - 1]!)
    expect((times.at(-1)! - START) / times.length).toBeCloseTo(20, -0.5)
    const fast = itemsOf(5000, { meanEventsPerSecond: 1000 })
    expect((fast.at(-1)!.event.occurredAt - START) / fast.length).toBeGreaterThan(0.9)
    expect((fast.at(-1)!.event.occurredAt - START) / fast.length).toBeLessThan(1.1)
  })

  it('name only contacts that nobody has', () => {
    const problems: string[] = []
    let numbers = 0
    for (const { event } of block) {
      const plain = event.text.normalize('NFKC')
      numbers += plain.match(/(?<!\d)1(?:60|79)0000\d{4}(?!\d)/g)?.length ?? 0
      if (/(?<!\d)1(?!60|79)[3-9]\d{9}(?!\d)/.test(plain)) problems.push(plain)
      for (const [address] of plain.matchAll(/https?:\/\/[^\s，。]+/g)) {
        // Separators may stand between the letters; what is left must still be the reserved domain.
        if (!/^https[a-z]+example/.test(address.replace(/[^a-z]/g, ''))) problems.push(address)
      }
      for (const link of event.links) if (!/^https:\/\/[a-z]+\.example\//.test(link)) problems.push(link)
    }
    expect(problems).toEqual([])
    expect(numbers).toBeGreaterThan(5)
  })
})

describe('retries of the producer', () => {
  it('are about one in a hundred and repeat an earlier event under the same key', () => {
    const seen = new Map<string, FeedEvent>()
    let repeats = 0
    for (const { event, duplicateOf } of block) {
      const earlier = seen.get(event.eventId)
      if (duplicateOf === undefined) {
        expect(earlier).toBeUndefined()
        seen.set(event.eventId, event)
      } else {
        repeats++
        expect(duplicateOf).toBe(event.eventId)
        expect(toJsonLine(event)).toBe(toJsonLine(earlier!))
        expect(recordKey(event)).toBe(recordKey(earlier!))
      }
    }
    expect(repeats / block.length).toBeGreaterThan(0.007)
    expect(repeats / block.length).toBeLessThan(0.013)
  })
})

describe('what 20,000 events hold', () => {
  const blocks: [string, SampleItem[]][] = [
    ['seed 1', block],
    ['seed 2, at night, few accounts', itemsOf(BLOCK, { seed: 2, startAt: NIGHT, accounts: 300 })],
    ['seed 3, the second block', itemsOf(2 * BLOCK, { seed: 3 }).slice(BLOCK)],
  ]
  it.each(blocks)('%s: every kind, category and campaign item', (_, items) => {
    const kinds = new Set(items.map(({ event }) => event.kind))
    expect(kinds).toEqual(new Set(EVENT_KIND_SYMBOLS.slice(1)))
    const intents = new Set<string>(items.map(({ intent }) => intent))
    expect(intents).toEqual(new Set(CATEGORY_SYMBOLS.filter((symbol) => symbol !== 'unclassified')))
    expect([...new Set(items.map(({ item }) => item).filter((item) => item !== null))].sort()).toEqual(
      [...CAMPAIGN_ITEMS].sort(),
    )
  })

  it.each(blocks)('%s: 88 to 92 percent harmless', (_, items) => {
    const benign = share(items, ({ intent }) => intent === 'benign')
    expect(benign).toBeGreaterThan(0.88)
    expect(benign).toBeLessThan(0.92)
  })

  it('has disguised texts, harmful and harmless, and real posts', () => {
    const harmful = block.filter(({ intent }) => intent !== 'benign' && intent !== 'addiction')
    const benign = block.filter(({ intent, event }) => intent === 'benign' && event.kind !== 'USAGE')
    expect(share(harmful, ({ disguised }) => disguised)).toBeGreaterThan(0.2)
    expect(share(harmful, ({ disguised }) => disguised)).toBeLessThan(0.35)
    expect(share(benign, ({ disguised }) => disguised)).toBeGreaterThan(0.01)
    for (const source of ['coldataset', 'swsr'] as const) {
      expect(share(block, (item) => item.source === source)).toBeGreaterThan(0.01)
      expect(block.some((item) => item.source === source && item.intent === 'hate')).toBe(true)
    }
  })

  it('follows a few accounts much more often than most', () => {
    const counts = new Map<string, number>()
    for (const { event } of block) counts.set(event.actorId, (counts.get(event.actorId) ?? 0) + 1)
    const sorted = [...counts.values()].sort((a, b) => b - a)
    const top = sorted.slice(0, Math.ceil(sorted.length / 10)).reduce((sum, count) => sum + count, 0)
    expect(top / block.length).toBeGreaterThan(0.35)
    expect(counts.size).toBeGreaterThan(1500)
  })

  it('has comments that answer earlier events of the account that they address', () => {
    const authors = new Map<string, string>()
    let answered = 0
    let comments = 0
    for (const { event, duplicateOf } of block) {
      if (duplicateOf !== undefined) continue
      if (event.kind === 'COMMENT') {
        comments++
        const author = authors.get(event.parentId!)
        if (author !== undefined) {
          answered++
          expect(event.subjectId).toBe(author)
        }
      }
      authors.set(event.contentId ?? event.eventId, event.actorId)
    }
    expect(answered / comments).toBeGreaterThan(0.95)
  })

  it('has approaches by adults to minors that go on over several messages, and honest talk of such pairs', () => {
    const profiles = new Map(
      createSampleFeed({ seed: 1, startAt: START })
        .profiles()
        .map((p) => [p.accountId, p]),
    )
    const pairs = new Map<string, { harmful: number; total: number }>()
    for (const { event, intent, duplicateOf } of block) {
      if (event.kind !== 'PRIVATE_MESSAGE' || duplicateOf !== undefined) continue
      const bands = [profiles.get(event.actorId)!.ageBand, profiles.get(event.subjectId!)!.ageBand]
      if (!bands.includes('ADULT') || !bands.some((band) => band.startsWith('AGE_'))) continue
      const pair = pairs.get(event.conversationId!) ?? { harmful: 0, total: 0 }
      pair.total++
      if (intent === 'grooming') pair.harmful++
      pairs.set(event.conversationId!, pair)
    }
    const long = [...pairs.values()].filter(({ total }) => total >= 5)
    expect(long.filter(({ harmful }) => harmful >= 4).length).toBeGreaterThan(10)
    expect(long.filter(({ harmful }) => harmful === 0).length).toBeGreaterThan(40)
  })

  it('has pile-ons: one account attacked by many within one thread', () => {
    const attackers = new Map<string, Set<string>>()
    for (const { event, intent } of block) {
      if (event.kind !== 'COMMENT' || intent !== 'abuse_bullying') continue
      const key = `${event.subjectId} ${event.conversationId}`
      attackers.set(key, (attackers.get(key) ?? new Set()).add(event.actorId))
    }
    expect([...attackers.values()].filter(({ size }) => size >= 6).length).toBeGreaterThan(3)
  })
})

describe('watch time', () => {
  it('is meant as addiction exactly where a youth-mode account is over its limit or in its rest hours', () => {
    const profiles = new Map(
      createSampleFeed({ seed: 1, startAt: START })
        .profiles()
        .map((p) => [p.accountId, p]),
    )
    const used = new Map<string, number>()
    let over = 0
    let resting = 0
    for (const { event, intent, duplicateOf } of block) {
      if (!event.usage || duplicateOf !== undefined) continue
      const profile = profiles.get(event.actorId)!
      const local = new Date(event.usage.endedAt + profile.utcOffsetMinutes * 60_000)
      const key = `${event.actorId} ${local.toISOString().slice(0, 10)}`
      const seconds = (used.get(key) ?? 0) + event.usage.sessionSeconds
      used.set(key, seconds)
      const minute = local.getUTCHours() * 60 + local.getUTCMinutes()
      const rests = minute >= profile.restStartMinute || minute < profile.restEndMinute
      const limit = profile.dailyLimitMinutes ?? (profile.ageBand === 'AGE_16_TO_17' ? 120 : 60)
      const isOver = seconds > limit * 60
      if (profile.youthMode && isOver && !rests) over++
      if (profile.youthMode && rests) resting++
      expect(intent === 'addiction').toBe(profile.youthMode && (isOver || rests))
    }
    expect(over).toBeGreaterThan(20)
    expect(resting).toBeGreaterThan(5)
  })
})

describe('profiles', () => {
  const profiles = createSampleFeed({ seed: 1, startAt: START }).profiles()

  it('fit the schema and hold every age band, youth mode, guardians, limits and other time zones', () => {
    const type = recordType('AccountProfile')
    for (const profile of profiles) if (!type.isValid(profile)) expect.fail(JSON.stringify(profile))
    expect(new Set(profiles.map(({ accountId }) => accountId)).size).toBe(5000)
    expect(new Set(profiles.map(({ ageBand }) => ageBand)).size).toBe(7)
    expect(profiles.filter(({ youthMode }) => youthMode).length).toBeGreaterThan(400)
    expect(
      profiles.some(({ youthMode, ageBand }) => youthMode && (ageBand === 'ADULT' || ageBand === 'UNKNOWN')),
    ).toBe(false)
    expect(profiles.filter(({ dailyLimitMinutes }) => dailyLimitMinutes !== null).length).toBeGreaterThan(40)
    expect(new Set(profiles.filter((p) => p.youthMode).map((p) => p.utcOffsetMinutes)).size).toBeGreaterThan(
      5,
    )
    const bands = new Map(profiles.map(({ accountId, ageBand }) => [accountId, ageBand]))
    for (const { guardianIds } of profiles) {
      expect(guardianIds.length).toBeLessThanOrEqual(8)
      for (const guardian of guardianIds) expect(bands.get(guardian)).toBe('ADULT')
    }
    for (const { updatedAt } of profiles) expect(updatedAt).toBeLessThan(START)
  })

  it('are those of every actor and subject', () => {
    const known = new Set(profiles.map(({ accountId }) => accountId))
    for (const { event } of block) {
      expect(known.has(event.actorId)).toBe(true)
      if (event.subjectId !== null) expect(known.has(event.subjectId)).toBe(true)
    }
  })

  it('refuses too few accounts', () => {
    expect(() => createSampleFeed({ seed: 1, startAt: START, accounts: 10 })).toThrow(RangeError)
  })
})

describe('reports', () => {
  it('fit the schema and refer to events made before', () => {
    const feed = createSampleFeed({ seed: 5, startAt: START })
    expect(feed.reports(3)).toEqual([])
    const events = new Map(
      [...feed.events(5000)].map(({ event, intent }) => [event.eventId, { event, intent }]),
    )
    const reports = feed.reports(400)
    expect(reports).toHaveLength(400)
    expect(new Set(reports.map(({ reportId }) => reportId)).size).toBe(400)
    const type = recordType('UserReport')
    let right = 0
    for (const report of reports) {
      expect(type.isValid(report)).toBe(true)
      expect(report.reporterId).not.toBe(report.reportedId)
      if (report.eventId === null) continue
      const { event, intent } = events.get(report.eventId)!
      expect(report.reportedId).toBe(event.actorId)
      expect(report.reportedAt).toBeGreaterThan(event.occurredAt)
      if (report.category === intent) right++
    }
    expect(right).toBeGreaterThan(200)
  })
})

describe('restamp', () => {
  it('moves the event and its watch time, and leaves the original alone', () => {
    const { event } = block.find((item) => item.event.kind === 'USAGE')!
    const before = toJsonLine(event)
    const moved = restamp(event, event.occurredAt + 5000)
    expect(moved.occurredAt).toBe(event.occurredAt + 5000)
    expect(moved.usage!.endedAt).toBe(event.usage!.endedAt + 5000)
    expect(moved.eventId).toBe(event.eventId)
    expect(toJsonLine(event)).toBe(before)
  })
})

describe('malformed events', () => {
  it('fit the schema, each with its name and a fault', () => {
    const type = recordType('FeedEvent')
    const malformed = malformedEvents(1, START)
    for (const { event, name } of malformed) expect([name, type.isValid(event)]).toEqual([name, true])
    const byName = new Map(malformed.map(({ name, event }) => [name, event]))
    expect(byName.size).toBe(malformed.length)
    expect(byName.get('ten_media')!.media).toHaveLength(10)
    expect(new Date(byName.get('occurred_in_1970')!.occurredAt).getUTCFullYear()).toBe(1970)
    expect(new Date(byName.get('occurred_in_2999')!.occurredAt).getUTCFullYear()).toBe(2999)
    expect(byName.get('empty_actor')!.actorId).toBe('')
    expect(byName.get('unknown_kind')!.kind).toBe('UNKNOWN')
    expect(byName.get('negative_session')!.usage!.sessionSeconds).toBeLessThan(0)
    expect(JSON.stringify(malformedEvents(1, START))).toBe(JSON.stringify(malformed))
  })
})

describe('JSON lines', () => {
  it('hold the event in one line that reads back', () => {
    for (const { event } of block.slice(0, 1000)) {
      const line = toJsonLine(event)
      expect(line).not.toContain('\n')
      expect(JSON.parse(line)).toEqual(event)
    }
  })
})

describe('speed', () => {
  it('makes tens of thousands of events in a second of a core', () => {
    const feed = createSampleFeed({ seed: 9, startAt: START })
    Array.from(feed.events(10_000))
    // Of the thread's processor time, the best of three: other work on the machine must not fail the test.
    let best = 0
    for (let round = 0; round < 3; round++) {
      const started = process.threadCpuUsage()
      for (const { event } of feed.events(20_000)) if (event.eventId === '') throw new Error('no id')
      const { user, system } = process.threadCpuUsage(started)
      best = Math.max(best, 20_000 / ((user + system) / 1e6))
    }
    expect(best).toBeGreaterThan(50_000)
  })
})
