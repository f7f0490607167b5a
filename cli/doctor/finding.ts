/** One thing that was looked at. */
export interface Finding {
  /** What was looked at, such as `broker` or `topics`. */
  readonly check: 'broker' | 'topics' | 'access' | 'registry' | 'clock' | 'groups'
  readonly level: 'ok' | 'warn' | 'fail'
  /** What was found, in one line. */
  readonly found: string
  /** What to do about it, in one line; empty where nothing is to be done. */
  readonly remedy: string
}

type Make = (found: string, remedy?: string) => Finding

/** Makers of the findings of one check. */
export function findingsOf(check: Finding['check']): { ok: Make; warn: Make; fail: Make } {
  const maker =
    (level: Finding['level']): Make =>
    (found, remedy = '') => ({ check, level, found, remedy })
  return { ok: maker('ok'), warn: maker('warn'), fail: maker('fail') }
}
