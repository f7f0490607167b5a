import { createRecordInput, type RecordInput, type RecordName } from '@wardline/events'

/** A parser of JSON lines for one record, as createRecordInput takes them. */
export function createLineParser<Name extends RecordName>(record: Name): (line: string) => RecordInput<Name> {
  const input = createRecordInput(record)
  return (line) => {
    let plain: unknown
    try {
      plain = JSON.parse(line)
    } catch {
      return { ok: false, reason: 'not JSON' }
    }
    return input(plain)
  }
}
