import { setTimeout as delay } from 'node:timers/promises'
import type { AccountProfile, FeedEvent } from '@wardline/events'
import { type Connection, type FedMessage, FeedPublisher } from '@wardline/records'
import { createSampleFeed, recordKey, restamp, type SampleFeed } from '@wardline/sample-feed'
import { TOPICS } from '@wardline/stream'

const TICK_MS = 10

export async function publishProfiles(
  publisher: FeedPublisher,
  profiles: readonly AccountProfile[],
): Promise<void> {
  const messages: FedMessage[] = []
  for (const profile of profiles) {
    messages.push({
      key: profile.accountId,
      value: await publisher.encode(TOPICS.profiles, 'AccountProfile', profile),
    })
  }
  await publisher.send(TOPICS.profiles, messages)
}

/**
 * Publishes `count` events of the feed at a steady rate, their times set to now. The pace is kept by the clock: what
 * falls behind is caught up. `sending` sees each event before it goes, `extra` may add messages to a request.
 */
export async function publishPaced(
  publisher: FeedPublisher,
  feed: SampleFeed,
  options: {
    count: number
    rate: number
    sending?: (event: FeedEvent, index: number) => void
    extra?: (sent: number) => Promise<FedMessage[]>
    progress?: (sent: number) => void
  },
): Promise<void> {
  const items = feed.events(options.count)[Symbol.iterator]()
  const started = performance.now()
  let sent = 0
  while (sent < options.count) {
    const due = Math.min(options.count, Math.floor(((performance.now() - started) / 1000) * options.rate))
    const batch: FedMessage[] = []
    for (; sent < due; sent++) {
      const item = items.next()
      if (item.done) return
      const event = restamp(item.value.event, Date.now())
      options.sending?.(event, sent)
      batch.push({
        key: recordKey(event),
        value: await publisher.encode(TOPICS.feedEvents, 'FeedEvent', event),
      })
    }
    if (options.extra) batch.push(...(await options.extra(sent)))
    await publisher.send(TOPICS.feedEvents, batch)
    options.progress?.(sent)
    await delay(TICK_MS)
  }
}

/** Publishes the sample feed's profiles and events to a running chain. */
export async function publishSample(
  connection: Connection,
  options: { events: number; rate: number; seed: number; progress: (line: string) => void },
): Promise<void> {
  const feed = createSampleFeed({ seed: options.seed, startAt: Date.now() })
  const publisher = new FeedPublisher(connection)
  await publisher.connect()
  try {
    await publishProfiles(publisher, feed.profiles())
    const progress = (sent: number) => options.progress(`${sent} published`)
    await publishPaced(publisher, feed, { count: options.events, rate: options.rate, progress })
  } finally {
    await publisher.close()
  }
}
