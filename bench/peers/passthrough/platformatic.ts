/** What @platformatic/kafka costs: reads feed.events and writes the same bytes to events.normalized, without transactions. */
import { Consumer, Producer } from '@platformatic/kafka'

const INPUT = 'feed.events'
const OUTPUT = 'events.normalized'
const GROUP = 'peer.passthrough'
/** Records gathered before they are sent. */
const MOST = 1_000

const bootstrapBrokers = process.env.WARDLINE_BROKERS!.split(',')
const producer = new Producer({ clientId: GROUP, bootstrapBrokers })
const consumer = new Consumer({ clientId: GROUP, groupId: GROUP, bootstrapBrokers, maxWaitTime: 100 })
const stream = await consumer.consume({
  topics: [INPUT],
  mode: 'earliest',
  isolationLevel: 1,
  autocommit: 100,
  highWaterMark: 4 * MOST,
})
console.log('RUNNING')
process.on('SIGTERM', async () => {
  await stream.close()
  await consumer.close(true)
  await producer.close()
  process.exit(0)
})

let gathered: { topic: string; key: Buffer; value: Buffer; partition: number }[] = []
let sending = Promise.resolve()
const flush = () => {
  if (gathered.length === 0) return
  const messages = gathered
  gathered = []
  sending = sending.then(async () => {
    await producer.send({ messages, acks: -1 })
  })
}
setInterval(flush, 5)
for await (const { key, value, partition } of stream) {
  gathered.push({ topic: OUTPUT, key, value, partition })
  if (gathered.length >= MOST) {
    flush()
    await sending
  }
}
