import { classify, type OfflineResult, offlineResult } from '@wardline/classify'
import { type FeedEvent, type NormalizedEvent, recordType } from '@wardline/events'
import { normalize } from '@wardline/normalize'
import { type Classifier, createClassifier, loadPolicy, policyFolder } from '@wardline/policy'
import { InvalidSettings } from '@wardline/stream'
import { makeForms, wellFormed } from '@wardline/text'
import { modelInUse } from './model.ts'
import { createLineParser } from './record-lines.ts'

/** A line that cannot be classified, and why; its place in the output is kept. */
export interface RefusedLine {
  readonly error: string
}

/** The rules and the model as the services load them. Throws InvalidSettings that names every problem. */
export function createOfflineClassifier(env: NodeJS.ProcessEnv = process.env): Classifier {
  const loaded = loadPolicy(policyFolder(env))
  if (!loaded.ok) {
    const lines = loaded.problems.map(({ file, line, message }) => `  ${file}:${line}: ${message}`)
    throw new InvalidSettings(`the policy is not valid:\n${lines.join('\n')}`)
  }
  return createClassifier(loaded.policy, modelInUse(env))
}

const parse = createLineParser('FeedEvent')
const fieldNames = new Set(
  (recordType('FeedEvent') as unknown as { fields: { name: string }[] }).fields.map((field) => field.name),
)

/**
 * The event of a line `{"text": …, "kind": …, …}` as normalize would send it on. Any field of FeedEvent may be given; what is
 * missing is made up, other fields are ignored.
 */
export function normalizeLine(line: string, now: number = Date.now()): NormalizedEvent | RefusedLine {
  let given: unknown
  try {
    given = JSON.parse(line)
  } catch {
    return { error: 'not JSON' }
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    return { error: 'not a JSON object' }
  const known = Object.fromEntries(Object.entries(given).filter(([name]) => fieldNames.has(name)))
  const parsed = parse(
    JSON.stringify({ eventId: 'offline', actorId: 'offline', kind: 'COMMENT', occurredAt: now, ...known }),
  )
  if (!parsed.ok) return { error: parsed.reason }
  const event: FeedEvent = parsed.value
  const origin = { partition: 0, offset: 0, appendedAt: event.occurredAt, bytes: 0 }
  const result = normalize(event, origin, { makeForms, wellFormed })
  if (result.kind === 'forward') return result.outputs[0]!
  return { error: result.kind === 'deadLetter' ? `${result.reason}: ${result.error}` : result.reason }
}

/** Classifies a line with the code that normalize and classify run. */
export function classifyLine(
  line: string,
  classifier: Classifier,
  now: number = Date.now(),
): OfflineResult | RefusedLine {
  const event = normalizeLine(line, now)
  return 'error' in event ? event : offlineResult(classify(event, classifier))
}
