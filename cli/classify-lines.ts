import { classify, type OfflineResult, offlineResult } from '@wardline/classify'
import { type FeedEvent, recordType } from '@wardline/events'
import { InvalidModelFile, loadModel } from '@wardline/model'
import { normalize } from '@wardline/normalize'
import { type Classifier, createClassifier, loadPolicy, policyFolder } from '@wardline/policy'
import { InvalidSettings } from '@wardline/stream'
import { makeForms, wellFormed } from '@wardline/text'
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
  try {
    return createClassifier(loaded.policy, loadModel(policyFolder(env), env))
  } catch (error) {
    if (error instanceof InvalidModelFile) throw new InvalidSettings(error.message)
    throw error
  }
}

const parse = createLineParser('FeedEvent')
const fieldNames = new Set(
  (recordType('FeedEvent') as unknown as { fields: { name: string }[] }).fields.map((field) => field.name),
)

/**
 * Classifies `{"text": …, "kind": …, …}` with the code that normalize and classify run. Any field of FeedEvent may be
 * given; what is missing is made up, other fields are ignored.
 */
export function classifyLine(
  line: string,
  classifier: Classifier,
  now: number = Date.now(),
): OfflineResult | RefusedLine {
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
  if (result.kind === 'forward') return offlineResult(classify(result.outputs[0]!, classifier))
  return { error: result.kind === 'deadLetter' ? `${result.reason}: ${result.error}` : result.reason }
}
