import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { InvalidAcls, parseAcls } from '@wardline/access'
import { createClassifyStage } from '@wardline/classify'
import { createLineParser } from '@wardline/cli/record-lines'
import { createCommentRiskStage } from '@wardline/comment-risk'
import { createEnforceStage } from '@wardline/enforce'
import {
  DecodeFailure,
  type FeedEvent,
  RECORD_NAMES,
  RecordDecoder,
  RecordEncoder,
  type RecordName,
  readSchema,
} from '@wardline/events'
import { loadModel } from '@wardline/model'
import { createNormalizeStage } from '@wardline/normalize'
import {
  createClassifier,
  findContactHandles,
  loadPolicy,
  policyFolder,
  readPolicyFiles,
} from '@wardline/policy'
import { loadEnforcement } from '@wardline/policy/enforcement'
import { loadRisk } from '@wardline/policy/risk'
import { createSampleFeed } from '@wardline/sample-feed'
import {
  InvalidSettings,
  type RecordContext,
  readSettings,
  type StageResult,
  type StateStore,
} from '@wardline/stream'
import { CODECS, decompress, Undecompressable } from '@wardline/stream/compression'
import { decodeRecordBatches } from '@wardline/stream/record-batches'
import { decodeMap, makeForms, originalSpan, wellFormed } from '@wardline/text'
import fc from 'fast-check'

/** One thing that reads what others wrote. `input` makes bad input; `run` throws where it is not answered as promised. */
export interface FuzzTarget<T = unknown> {
  readonly name: string
  /** Of all inputs, how many are its. Shares add up to 1. */
  readonly share: number
  readonly input: fc.Arbitrary<T>
  run(input: T): void
}

const target = <T>(target: FuzzTarget<T>): FuzzTarget => target as FuzzTarget

class BrokenPromise extends Error {
  override readonly name = 'BrokenPromise'
}
function promise(holds: boolean, what: string): void {
  if (!holds) throw new BrokenPromise(what)
}

/** What happens to bytes on their way: flips, cuts, insertions, lengths that lie. */
type Damage = readonly {
  readonly kind: 'set' | 'cut' | 'insert' | 'bomb'
  readonly at: number
  readonly byte: number
}[]
const damage: fc.Arbitrary<Damage> = fc.array(
  fc.record({
    kind: fc.constantFrom('set' as const, 'set' as const, 'cut' as const, 'insert' as const, 'bomb' as const),
    at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
    byte: fc.integer({ min: 0, max: 255 }),
  }),
  { minLength: 1, maxLength: 5 },
)
/** A length of some trillions, in Avro's and in Kafka's variable-length form. */
const BOMB = Buffer.from([0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f])

function damaged(bytes: Buffer, changes: Damage, from: number): Buffer {
  let result = Buffer.from(bytes)
  for (const { kind, at, byte } of changes) {
    const i = from + Math.floor(at * Math.max(0, result.length - from))
    if (kind === 'set' && i < result.length) result[i] = byte
    else if (kind === 'cut') result = result.subarray(0, i)
    else if (kind === 'insert')
      result = Buffer.concat([result.subarray(0, i), Buffer.alloc(byte % 9, byte), result.subarray(i)])
    else result = Buffer.concat([result.subarray(0, i), BOMB, result.subarray(i + (byte % 4))])
  }
  return Buffer.from(result)
}

const SYLLABLES = [
  '加',
  '微',
  '信',
  '薇',
  '❤',
  '①',
  '𝒂',
  'ａ',
  'q',
  'Q',
  '扣',
  '1',
  '3',
  '8',
  '.',
  ' ',
  '\u200b',
  '\u0301',
  '\u202e',
  '👨‍👩‍👧',
  '\ud83d',
  '\udc00',
  '囗',
  '口',
  'а',
  'ﷺ',
  '\u0000',
  '\uffff',
  '🇨🇳',
  '약',
  '吉',
  '士',
  'ㄅ',
]
/** Text as nobody means it: lone surrogates, marks without end, the same sign over and over, half of an emoji. */
const text: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.array(fc.constantFrom(...SYLLABLES), { maxLength: 60 }).map((parts) => parts.join('')),
  },
  { weight: 4, arbitrary: fc.string({ unit: 'binary', maxLength: 80 }) },
  {
    weight: 2,
    arbitrary: fc
      .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 60 })
      .map((codes) => String.fromCharCode(...codes)),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(...SYLLABLES), fc.integer({ min: 1, max: 20_000 }))
      .map(([part, times]) => part.repeat(times)),
  },
)

const anyTime = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: Date.UTC(2026, 8, 1), max: Date.UTC(2026, 8, 30) }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      0,
      -1,
      1,
      Number.MAX_SAFE_INTEGER,
      Number.MIN_SAFE_INTEGER,
      8.64e15,
      8.64e15 + 1,
    ),
  },
)
const id = fc.oneof(fc.constantFrom('a', 'b', 'c', '', '__proto__', 'constructor', 'x|y', '%7C'), text)

/** Sample records of every kind, to damage. */
function samples(): Record<RecordName, Buffer[]> {
  const feed = createSampleFeed({ seed: 5, startAt: Date.UTC(2026, 8, 21), accounts: 200 })
  const events = [...feed.events(200)].map(({ event }) => event)
  const chain = new PureChain()
  const outputs = events.map((event) => chain.take(event))
  const encode = <Name extends RecordName>(record: Name, values: readonly unknown[]) => {
    const encoder = new RecordEncoder(record, 7)
    return values.map((value) => encoder.encode(value as never))
  }
  const stage = (name: keyof (typeof outputs)[number]) => outputs.flatMap((output) => output[name])
  return {
    FeedEvent: encode('FeedEvent', events),
    NormalizedEvent: encode('NormalizedEvent', stage('normalized')),
    ClassifiedEvent: encode('ClassifiedEvent', stage('classified')),
    AssessedEvent: encode('AssessedEvent', stage('assessed')),
    EnforcementDecision: encode('EnforcementDecision', stage('decisions')),
    AccountProfile: encode('AccountProfile', feed.profiles()),
    UserReport: encode('UserReport', [
      { reportId: 'r', reporterId: 'a', reportedId: 'b', category: 'fraud', reportedAt: 1, eventId: null },
    ]),
    ReviewVerdict: encode('ReviewVerdict', [
      {
        verdictId: 'v',
        decisionId: 'd',
        eventId: 'e',
        actorId: 'a',
        outcome: 'UPHELD',
        reviewerId: 'r',
        reason: null,
        reviewedAt: 1,
      },
    ]),
    PolicyControl: encode('PolicyControl', [
      {
        kind: 'RULE_SET',
        name: 'n',
        version: 'v',
        payload: Buffer.from('x'),
        sha256: null,
        effectiveFrom: 1,
        effectiveUntil: null,
        issuedBy: 'i',
        issuedAt: 1,
      },
    ]),
  }
}

/** The four stages as the services run them, one after the other, without a broker. */
class PureChain {
  readonly #stages
  readonly #states
  #offset = 0

  constructor() {
    const folder = policyFolder({})
    const policy = loadPolicy(folder)
    const enforcement = loadEnforcement(folder)
    const risk = loadRisk(readPolicyFiles(folder))
    if (!policy.ok || !enforcement.ok || !risk.ok) throw new Error('the policy is not valid')
    this.#stages = {
      normalized: createNormalizeStage({ folding: { makeForms, wellFormed } }),
      classified: createClassifyStage({ classifier: createClassifier(policy.policy, loadModel(folder, {})) }),
      assessed: createCommentRiskStage({ risk: risk.risk }),
      decisions: createEnforceStage({ enforcement: enforcement.enforcement }),
    }
    this.#states = Object.fromEntries(
      Object.entries(this.#stages).map(([name, stage]) => [name, stage.createState()]),
    )
  }

  /** What each stage made of the event; `left` is how it left the chain where it did before the end. */
  take(event: FeedEvent) {
    const made = {
      normalized: [] as unknown[],
      classified: [] as unknown[],
      assessed: [] as unknown[],
      decisions: [] as unknown[],
      left: '',
    }
    let values: unknown[] = [event]
    for (const [name, stage] of Object.entries(this.#stages)) {
      const state = this.#states[name] as Record<string, StateStore>
      const stores = Object.values(state)
      const next: unknown[] = []
      for (const value of values) {
        for (const store of stores) store.beginRecord()
        const input = stage.inputs.find(({ role }) => role === 'events')!
        const handle = input.handle as (
          value: unknown,
          context: RecordContext<unknown>,
        ) => StageResult<unknown>
        const result = handle(value, {
          key: 'k',
          state,
          partition: 0,
          offset: this.#offset++,
          appendedAt: Date.UTC(2026, 8, 21),
          bytes: 100,
          now: Date.UTC(2026, 8, 21),
        })
        if (result.kind !== 'forward') {
          for (const store of stores) store.undoRecord()
          made.left = result.kind
          continue
        }
        next.push(...result.outputs)
      }
      for (const store of stores) {
        store.changes(Date.UTC(2026, 8, 21))
        store.merge()
      }
      made[name as 'normalized'] = next
      values = next
    }
    return made
  }
}

/** Every target, its resources made once. `release` removes what they wrote. */
export async function createTargets(): Promise<{ targets: FuzzTarget[]; release: () => void }> {
  const records = samples()
  const decodable = RECORD_NAMES.filter((name) => records[name].length > 0)
  const decoders = new Map<RecordName, RecordDecoder<RecordName>>()
  for (const name of decodable) {
    const decoder = new RecordDecoder<RecordName>(name, { schemaById: async () => readSchema(name) as never })
    await decoder.prepare([{ value: records[name][0]! }])
    decoders.set(name, decoder)
  }

  const chain = new PureChain()
  const loaded = loadPolicy(policyFolder({}))
  if (!loaded.ok) throw new Error('the policy is not valid')
  const classifier = createClassifier(loaded.policy, loadModel(policyFolder({}), {}))
  const policyCopy = mkdtempSync(join(tmpdir(), 'wardline-fuzz-'))
  cpSync(policyFolder({}), policyCopy, { recursive: true })
  const policyFiles = (readdirSync(policyCopy, { recursive: true }) as string[])
    .filter((file) => /\.(yaml|tsv)$/.test(file))
    .sort()
  const parseFeedLine = createLineParser('FeedEvent')
  const aclText = 'principals:\n  a:\n    read: [x, y*]\n    group: [g]\n'
  const kafkaBatch = batchOfOne()

  const targets: FuzzTarget[] = [
    target({
      name: 'record decoder',
      share: 0.35,
      input: fc.tuple(fc.constantFrom(...decodable), fc.nat(), damage),
      run([name, which, changes]) {
        const bytes = damaged(records[name][which % records[name].length]!, changes, 5)
        const decoded = decoders.get(name)!.decode(bytes)
        promise(typeof decoded === 'object' && decoded !== null, 'a value or a failure')
        if (decoded instanceof DecodeFailure) promise(decoded.reason === 'undecodable', decoded.reason)
      },
    }),
    target({
      name: 'record batches',
      share: 0.1,
      input: fc.tuple(fc.integer({ min: 0, max: 7 }), damage),
      run([codec, changes]) {
        const bytes = damaged(kafkaBatch, changes, 61)
        bytes.writeInt16BE(codec, 21)
        bytes.writeInt32BE(bytes.length - 12, 8)
        promise(decodeRecordBatches(bytes).length > 0, 'the offsets of the batch are accounted for')
      },
    }),
    target({
      name: 'decompression',
      share: 0.05,
      input: fc.tuple(fc.integer({ min: 0, max: 7 }), fc.uint8Array({ maxLength: 200 })),
      run([codec, bytes]) {
        try {
          promise(decompress(codec, Buffer.from(bytes)).length <= 64 * 1_048_576, 'within the limit')
        } catch (error) {
          if (!(error instanceof Undecompressable)) throw error
        }
        promise(CODECS.length === 5, "all of Kafka's codecs")
      },
    }),
    target({
      name: 'text forms',
      share: 0.2,
      input: text,
      run(raw) {
        const original = wellFormed(raw)
        promise(original.isWellFormed(), 'well formed')
        for (const form of makeForms(original)) {
          promise(form.text.isWellFormed(), `${form.form} is well formed`)
          findContactHandles(form.text)
          const offsets = decodeMap(form)
          promise(offsets.length === form.text.length, `${form.form} maps every place`)
          for (let i = 0; i < offsets.length; i += 1 + (offsets.length >> 4)) {
            const [start, end] = originalSpan(offsets, i, i + 1, original)
            promise(
              start >= 0 && start <= end && end <= original.length,
              `${form.form} maps into the original`,
            )
          }
        }
      },
    }),
    target({
      name: 'the chain of stages',
      share: 0.12,
      input: fc.record({
        eventId: id,
        kind: fc.constantFrom(
          'UNKNOWN',
          'POST',
          'COMMENT',
          'PRIVATE_MESSAGE',
          'GROUP_MESSAGE',
          'PROFILE_EDIT',
          'SEARCH_RESULT',
          'PROMOTION',
          'USAGE',
        ),
        occurredAt: anyTime,
        actorId: id,
        actorAgeBand: fc.constantFrom('UNKNOWN', 'AGE_8_TO_11', 'ADULT'),
        subjectId: fc.option(id),
        contentId: fc.option(id),
        parentId: fc.constant(null),
        conversationId: fc.option(id),
        section: fc.option(id),
        text,
        language: fc.option(fc.constantFrom('zh', '')),
        media: fc.array(
          fc.record({
            mediaId: id,
            type: fc.constantFrom('IMAGE', 'VIDEO'),
            labels: fc.array(fc.record({ label: id, score: fc.double() })),
            hasQrCode: fc.boolean(),
            recognizedText: fc.option(text),
          }),
          { maxLength: 11 },
        ),
        links: fc.array(text, { maxLength: 4 }),
        mentions: fc.array(id, { maxLength: 4 }),
        searchQuery: fc.option(text),
        device: fc.constantFrom('UNKNOWN', 'PHONE'),
        usage: fc.option(
          fc.record({
            sessionSeconds: fc.oneof(fc.integer(), fc.integer({ min: 0, max: 86_400 })),
            endedAt: anyTime,
          }),
        ),
        promotion: fc.option(
          fc.record({ advertiserId: id, landingUrl: fc.option(text), priceFen: fc.option(fc.integer()) }),
        ),
      }),
      run(event) {
        const made = chain.take(event as unknown as FeedEvent)
        promise(
          made.decisions.length === (made.left === '' ? 1 : 0),
          `one decision, dead letter or duplicate; got ${made.decisions.length} and "${made.left}"`,
        )
      },
    }),
    target({
      name: 'classifier',
      share: 0.05,
      input: text,
      run(raw) {
        const original = wellFormed(raw)
        const { scores } = classifier.classify({
          ...emptyInput,
          media: [],
          links: [],
          text: original,
          forms: makeForms(original),
        })
        for (const { score } of scores) promise(score >= 0 && score <= 1, 'scores are probabilities')
      },
    }),
    target({
      name: 'policy loader',
      share: 0.02,
      input: fc.tuple(fc.nat(), damage),
      run([which, changes]) {
        const file = join(policyCopy, policyFiles[which % policyFiles.length]!)
        const good = readFileSync(file)
        try {
          writeFileSync(file, damaged(good, changes, 0))
          for (const load of [loadPolicy(policyCopy), loadEnforcement(policyCopy)]) {
            if (!load.ok)
              promise(
                load.problems.length > 0 && load.problems.every((p) => p.file !== ''),
                'a problem names its file',
              )
          }
        } finally {
          writeFileSync(file, good)
        }
      },
    }),
    target({
      name: 'JSON lines of the command line',
      share: 0.06,
      input: fc.oneof(
        fc.json(),
        text,
        fc
          .tuple(
            fc.constantFrom('eventId', 'kind', 'occurredAt', 'text', 'media', '__proto__'),
            fc.jsonValue(),
          )
          .map(([name, value]) =>
            JSON.stringify({ eventId: 'e', kind: 'POST', occurredAt: 1, actorId: 'a', [name]: value }),
          ),
      ),
      run(line) {
        const parsed = parseFeedLine(line)
        promise(parsed.ok || parsed.reason !== '', 'a reason')
      },
    }),
    target({
      name: 'settings',
      share: 0.03,
      input: fc.dictionary(
        fc.constantFrom(
          'WARDLINE_BROKERS',
          'WARDLINE_REGISTRY_URL',
          'WARDLINE_TLS',
          'WARDLINE_METRICS_PORT',
          'WARDLINE_SESSION_TIMEOUT_MS',
          'WARDLINE_SASL_MECHANISM',
          'WARDLINE_METRICS_HOST',
        ),
        fc.oneof(
          fc.constantFrom('a:9092', 'http://r', 'true', '1', '-1', 'NaN', '1e9', '0.0.0.0'),
          fc.string(),
        ),
      ),
      run(env) {
        try {
          readSettings(env)
        } catch (error) {
          if (!(error instanceof InvalidSettings)) throw error
          promise(error.message.includes('WARDLINE_'), 'names the setting')
        }
      },
    }),
    target({
      name: 'access rules',
      share: 0.02,
      input: damage,
      run(changes) {
        try {
          parseAcls(damaged(Buffer.from(aclText), changes, 0).toString('utf8'))
        } catch (error) {
          if (!(error instanceof InvalidAcls)) throw error
        }
      },
    }),
  ]
  return { targets, release: () => rmSync(policyCopy, { recursive: true, force: true }) }
}

const emptyInput = {
  kind: 'COMMENT',
  occurredAt: Date.UTC(2026, 8, 21),
  media: [],
  links: [],
  searchQuery: null,
  device: 'PHONE',
  actorAgeBand: 'ADULT',
  usage: null,
} as const

/** A record batch of one record, key `k` and value `v`. */
function batchOfOne(): Buffer {
  const record = Buffer.from([0, 0, 0, 2, 0x6b, 2, 0x76, 0])
  const batch = Buffer.alloc(61 + 1 + record.length)
  batch.writeInt32BE(batch.length - 12, 8)
  batch[16] = 2
  batch.writeInt32BE(1, 57)
  batch[61] = record.length * 2
  record.copy(batch, 62)
  return batch
}
