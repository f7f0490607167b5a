import { CATEGORY_SYMBOLS, EVENT_KIND_SYMBOLS, VERDICT_SYMBOLS } from '@wardline/events'
import { ByteReader, ByteWriter, packedUint48, type ValueCodec } from '@wardline/stream'
import type { Answer } from './answers.ts'

/** An answer without its event's id, which is its key; a text of one character a byte. */
export type PackedAnswer = string

/** First byte of a packed answer. One that was kept as JSON, as before, begins with a brace. */
const VERSION = 1
const BRACE = 0x7b

const FINDINGS = ['none', 'upheld', 'overturned'] as const satisfies readonly Answer['finding'][]

const writer = new ByteWriter()

export function packAnswer(answer: Answer): PackedAnswer {
  const { ifUpheld } = answer
  writer.uint(VERSION)
  writer.uint48(answer.occurredAt)
  writer.uint(EVENT_KIND_SYMBOLS.indexOf(answer.kind))
  writer.uint(answer.feedPartition)
  writer.uint(answer.feedOffset)
  writer.uint(answer.feedAppendedAt)
  writer.text(answer.actorId)
  // Many an event is to nobody but the actor, and many a content is its event.
  writer.text(answer.protectedId === answer.actorId ? '' : answer.protectedId)
  writer.text(answer.contentId === answer.eventId ? '' : answer.contentId)
  writer.text(answer.section)
  writer.uint(CATEGORY_SYMBOLS.indexOf(answer.category))
  writer.double(answer.risk)
  writeTexts(answer.ruleIds)
  writeTexts(answer.items)
  writer.text(answer.policyVersion)
  writer.uint(answer.modelVersion === null ? 0 : 1)
  if (answer.modelVersion !== null) writer.text(answer.modelVersion)
  writeTexts(answer.ids)
  writer.uint(VERDICT_SYMBOLS.indexOf(answer.verdict))
  writer.uint(answer.verdictBefore === null ? 0 : 1 + VERDICT_SYMBOLS.indexOf(answer.verdictBefore))
  writer.uint(ifUpheld === null ? 0 : 1 + VERDICT_SYMBOLS.indexOf(ifUpheld.verdict))
  if (ifUpheld !== null) writer.double(ifUpheld.points)
  writer.uint(answer.minorActor ? 1 : 0)
  writer.uint(answer.reporters.length)
  for (const reporter of answer.reporters) writer.uint(reporter)
  writer.uint(FINDINGS.indexOf(answer.finding))
  writeTexts(answer.followed)
  return writer.packed()
}

export function unpackAnswer(eventId: string, packed: PackedAnswer): Answer {
  const reader = new ByteReader(Buffer.from(packed, 'latin1'))
  reader.uint()
  const occurredAt = reader.uint48()
  const kind = EVENT_KIND_SYMBOLS[reader.uint()] ?? 'UNKNOWN'
  const feedPartition = reader.uint()
  const feedOffset = reader.uint()
  const feedAppendedAt = reader.uint()
  const actorId = reader.text()
  const protectedId = reader.text() || actorId
  const contentId = reader.text() || eventId
  const section = reader.text()
  const category = CATEGORY_SYMBOLS[reader.uint()] ?? 'unclassified'
  const risk = reader.double()
  const ruleIds = readTexts(reader)
  const items = readTexts(reader)
  const policyVersion = reader.text()
  const modelVersion = reader.uint() === 0 ? null : reader.text()
  const ids = readTexts(reader)
  const verdict = VERDICT_SYMBOLS[reader.uint()]!
  const before = reader.uint()
  const upheld = reader.uint()
  return {
    eventId,
    kind,
    occurredAt,
    feedPartition,
    feedOffset,
    feedAppendedAt,
    actorId,
    protectedId,
    contentId,
    section,
    category,
    risk,
    ruleIds,
    items,
    policyVersion,
    modelVersion,
    ids,
    verdict,
    verdictBefore: before === 0 ? null : VERDICT_SYMBOLS[before - 1]!,
    ifUpheld:
      upheld === 0
        ? null
        : {
            verdict: VERDICT_SYMBOLS[upheld - 1] as NonNullable<Answer['ifUpheld']>['verdict'],
            points: reader.double(),
          },
    minorActor: reader.uint() === 1,
    reporters: readNumbers(reader),
    finding: FINDINGS[reader.uint()]!,
    followed: readTexts(reader),
  }
}

/** When the event happened; behind the version. */
export const occurredAtOf = (packed: PackedAnswer): number => packedUint48(packed, 1)

export const answerCodec: ValueCodec<PackedAnswer> = {
  encode: (packed) => Buffer.from(packed, 'latin1'),
  decode: (bytes) =>
    bytes[0] === BRACE ? packAnswer(JSON.parse(bytes.toString()) as Answer) : bytes.toString('latin1'),
}

function writeTexts(texts: readonly string[]): void {
  writer.uint(texts.length)
  for (const text of texts) writer.text(text)
}

function readTexts(reader: ByteReader): string[] {
  const texts: string[] = []
  for (let left = reader.uint(); left > 0; left--) texts.push(reader.text())
  return texts
}

function readNumbers(reader: ByteReader): number[] {
  const numbers: number[] = []
  for (let left = reader.uint(); left > 0; left--) numbers.push(reader.uint())
  return numbers
}
