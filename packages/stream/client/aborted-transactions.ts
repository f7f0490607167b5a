/**
 * Which fetched messages belong to aborted transactions. Replaces kafkajs 2.2.4's own filter, which lets
 * aborted messages through: it expects the broker's list in order of first offset (the broker gives
 * it in order of the abort markers) and takes one entry of it a message, so a fetch that starts
 * inside two aborted transactions forgets the second. Read-committed readers then see what never was.
 */
interface TransactionalMessage {
  readonly offset: string
  readonly key: Buffer | null
  readonly isControlRecord: boolean
  readonly batchContext: { readonly producerId: string; readonly inTransaction: boolean }
}
interface AbortedTransaction {
  readonly producerId: string
  readonly firstOffset: string
}

/** Control record keys: two bytes of version, two of type; type 0 aborts, 1 commits. */
const isAbortMarker = (message: TransactionalMessage) =>
  message.isControlRecord &&
  message.key !== null &&
  message.key.length >= 4 &&
  message.key.readInt16BE(2) === 0

/** The messages that a read-committed reader may see, control records included. `messages` are in offset order. */
export function withoutAborted<M extends TransactionalMessage>({
  messages,
  abortedTransactions,
}: {
  messages: M[]
  abortedTransactions?: readonly AbortedTransaction[] | null
}): M[] {
  if (!abortedTransactions || abortedTransactions.length === 0) return messages
  const pending = abortedTransactions
    .map(({ producerId, firstOffset }) => ({
      producerId: String(producerId),
      firstOffset: BigInt(firstOffset),
    }))
    .sort((a, b) => (a.firstOffset < b.firstOffset ? -1 : a.firstOffset > b.firstOffset ? 1 : 0))
  const open = new Set<string>()
  const visible: M[] = []
  let next = 0
  for (const message of messages) {
    const offset = BigInt(message.offset)
    while (next < pending.length && pending[next]!.firstOffset <= offset)
      open.add(pending[next++]!.producerId)
    const producerId = String(message.batchContext.producerId)
    if (isAbortMarker(message)) open.delete(producerId)
    else if (message.batchContext.inTransaction && open.has(producerId) && !message.isControlRecord) continue
    visible.push(message)
  }
  return visible
}
