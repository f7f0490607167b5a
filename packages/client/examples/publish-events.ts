/**
 * A feed producer: a profile, then events, with what to do where Wardline refuses one or cannot keep up.
 *
 *   WARDLINE_BROKERS=… WARDLINE_REGISTRY_URL=… node publish-events.ts
 */
import { clientSettings, type FeedEventInput, FeedProducer } from '@wardline/client'

const producer = await FeedProducer.connect(clientSettings('example-feed'))

producer.putProfile({ accountId: 'child-1', ageBand: 'AGE_8_TO_11', youthMode: true, updatedAt: Date.now() })
// The profile is in another topic than the events: give it a moment before the account's first ones.
await producer.flush()

const comment = (actor: Pick<FeedEventInput, 'actorId' | 'actorAgeBand'>, text: string): FeedEventInput => ({
  eventId: crypto.randomUUID(),
  kind: 'COMMENT',
  occurredAt: Date.now(),
  subjectId: 'child-1',
  subjectAgeBand: 'AGE_8_TO_11',
  text,
  ...actor,
})
const events = [
  comment({ actorId: 'friend-1', actorAgeBand: 'AGE_8_TO_11' }, '这道题怎么做？'),
  comment({ actorId: 'stranger-1', actorAgeBand: 'ADULT' }, '时时彩计划群，稳赚不赔'),
]

for (const event of events) {
  const publication = producer.publish(event)
  switch (publication.outcome) {
    case 'queued':
      // Nobody has to wait for this; a feed would count what is given up.
      publication.delivered.then((delivery) => {
        if (!delivery.ok) console.error(`${event.eventId} was given up: ${delivery.error.message}`)
      })
      break
    case 'refused':
      console.error(`${event.eventId} breaks the contract: ${publication.reason}`)
      break
    case 'full':
      // The broker is slower than we are. Wait, or count it and go on: the feed itself must not stand still.
      await producer.room()
      producer.publish(event)
      break
  }
}

await producer.close()
console.log(`${events.length} events published: ${events.map(({ eventId }) => eventId).join(' ')}`)
