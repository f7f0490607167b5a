import { setTimeout as delay } from 'node:timers/promises'

/** A record as it goes to the broker; value null is a tombstone. */
export interface QueuedRecord {
  readonly topic: string
  readonly key: string
  readonly value: Buffer | null
}

/** The end of a record's way: the broker has it, or it was given up. */
export type Delivery = { readonly ok: true } | { readonly ok: false; readonly error: Error }

/** What carries batches to the broker. */
export interface Sender {
  /** All of them, in order. Throws where that is not certain. */
  send(records: readonly QueuedRecord[]): Promise<void>
  /** Whether trying again cannot help. */
  isPermanent(error: unknown): boolean
  close(): Promise<void>
}

export interface QueueBounds {
  readonly records: number
  readonly bytes: number
  readonly lingerMs: number
  readonly deliveryTimeoutMs: number
}

interface Entry extends QueuedRecord {
  readonly bytes: number
  readonly giveUpAt: number
  readonly settle: (delivery: Delivery) => void
}

const BATCH_RECORDS = 500
/** Below every topic's largest request; one record alone may be larger. */
const BATCH_BYTES = 900_000
const ROOM_AT = 0.75
const FIRST_WAIT_MS = 50
const LONGEST_WAIT_MS = 2_000

/** A bounded queue in front of a sender: one batch at a time, in order, tried again until its records' time is up. */
export class SendQueue {
  readonly #sender: Sender
  readonly #bounds: QueueBounds
  readonly #clock: () => number
  readonly #waiting: Entry[] = []
  #size = 0
  #bytes = 0
  #running = false
  #closed = false
  /** Aborted when what is left is given up. */
  readonly #end = new AbortController()
  #roomWaiters: (() => void)[] = []
  #flushWaiters: (() => void)[] = []

  constructor(sender: Sender, bounds: QueueBounds, clock: () => number = Date.now) {
    this.#sender = sender
    this.#bounds = bounds
    this.#clock = clock
  }

  /** Records that wait or are on their way. */
  get size(): number {
    return this.#size
  }

  /** Takes the record; null where there is no room. Throws after `close`. */
  offer(record: QueuedRecord): Promise<Delivery> | null {
    if (this.#closed) throw new Error('the producer is closed')
    const bytes = record.key.length + (record.value?.length ?? 0)
    const { records, bytes: most, deliveryTimeoutMs } = this.#bounds
    if (this.#size >= records || (this.#size > 0 && this.#bytes + bytes > most)) return null
    const { promise, resolve } = Promise.withResolvers<Delivery>()
    this.#waiting.push({ ...record, bytes, giveUpAt: this.#clock() + deliveryTimeoutMs, settle: resolve })
    this.#size++
    this.#bytes += bytes
    if (!this.#running) {
      this.#running = true
      void this.#run()
    }
    return promise
  }

  room(): Promise<void> {
    if (this.#hasRoom()) return Promise.resolve()
    return new Promise((resolve) => this.#roomWaiters.push(resolve))
  }

  flush(): Promise<void> {
    if (this.#size === 0) return Promise.resolve()
    return new Promise((resolve) => this.#flushWaiters.push(resolve))
  }

  async close(withinMs: number): Promise<void> {
    this.#closed = true
    const late = setTimeout(() => this.#end.abort(), withinMs)
    await this.flush()
    clearTimeout(late)
    await this.#sender.close()
  }

  #hasRoom(): boolean {
    return this.#size < this.#bounds.records * ROOM_AT && this.#bytes < this.#bounds.bytes * ROOM_AT
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      if (this.#waiting.length < BATCH_RECORDS && !this.#closed) await delay(this.#bounds.lingerMs)
      await this.#deliver(this.#take())
    }
    this.#running = false
  }

  #take(): Entry[] {
    let count = 0
    let bytes = 0
    while (count < this.#waiting.length && count < BATCH_RECORDS) {
      bytes += this.#waiting[count]!.bytes
      if (count > 0 && bytes > BATCH_BYTES) break
      count++
    }
    return this.#waiting.splice(0, count)
  }

  async #deliver(batch: readonly Entry[]): Promise<void> {
    const { signal } = this.#end
    let wait = FIRST_WAIT_MS
    let left = batch
    let failure = new Error('closed before it was sent')
    while (left.length > 0) {
      if (signal.aborted) return this.#settle(left, { ok: false, error: failure })
      try {
        await this.#unlessEnded(this.#sender.send(left))
        return this.#settle(left, { ok: true })
      } catch (error) {
        failure = error instanceof Error ? error : new Error(String(error))
      }
      if (this.#sender.isPermanent(failure)) return this.#settle(left, { ok: false, error: failure })
      const now = this.#clock()
      this.#settle(
        left.filter(({ giveUpAt }) => giveUpAt <= now),
        { ok: false, error: failure },
      )
      left = left.filter(({ giveUpAt }) => giveUpAt > now)
      if (left.length > 0) await delay(wait, undefined, { signal }).catch(() => {})
      wait = Math.min(wait * 2, LONGEST_WAIT_MS)
    }
  }

  /** The work's result, unless the queue ends first: what is on its way then counts as not delivered. */
  async #unlessEnded(work: Promise<void>): Promise<void> {
    const { signal } = this.#end
    const ended = Promise.withResolvers<never>()
    const end = () => ended.reject(new Error('closed before it was acknowledged'))
    signal.addEventListener('abort', end, { once: true })
    work.catch(() => {})
    try {
      await Promise.race([work, ended.promise])
    } finally {
      signal.removeEventListener('abort', end)
    }
  }

  #settle(entries: readonly Entry[], delivery: Delivery): void {
    for (const { bytes, settle } of entries) {
      this.#size--
      this.#bytes -= bytes
      settle(delivery)
    }
    if (this.#roomWaiters.length > 0 && this.#hasRoom()) {
      for (const resolve of this.#roomWaiters.splice(0)) resolve()
    }
    if (this.#size === 0) for (const resolve of this.#flushWaiters.splice(0)) resolve()
  }
}
