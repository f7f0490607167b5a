import { setTimeout as delay } from 'node:timers/promises'
import { createSampleFeed, recordKey, restamp } from '@wardline/sample-feed'
import { TOPICS } from '@wardline/stream'
import type { Connection } from './connection.ts'
import { FeedPublisher } from './feed-publisher.ts'

const TICK_MS = 10

/** Publishes the sample feed's profiles and events to a running chain at a steady rate; returns how many events. */
export async function publishSample(
  connection: Connection,
  options: { events: number; rate: number; seed: number; progress: (line: string) => void },
): Promise<number> {
  const feed = createSampleFeed({ seed: options.seed, startAt: Date.now() })
  const publisher = new FeedPublisher(connection)
  await publisher.connect()
  try {
    const profiles = []
    for (const profile of feed.profiles()) {
      profiles.push({ key: profile.accountId, value: await publisher.encode(TOPICS.profiles, 'AccountProfile', profile) })
    }
    await publisher.send(TOPICS.profiles, profiles)
    const items = feed.events(options.events)[Symbol.iterator]()
    const started = performance.now()
    let sent = 0
    while (sent < options.events) {
      const due = Math.min(options.events, Math.floor(((performance.now() - started) / 1000) * options.rate))
      const batch = []
      for (; sent < due; sent++) {
        const item = items.next()
        if (item.done) return sent
        const event = restamp(item.value.event, Date.now())
        batch.push({ key: recordKey(event), value: await publisher.encode(TOPICS.feedEvents, 'FeedEvent', event) })
      }
      await publisher.send(TOPICS.feedEvents, batch)
      options.progress(`${sent} published`)
      await delay(TICK_MS)
    }
    return sent
  } finally {
    await publisher.close()
  }
}
