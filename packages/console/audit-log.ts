import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Logger } from '@wardline/stream'

/** What people do that is on record. Closed set. */
export const AUDITED = [
  'login',
  'read_text',
  'open_dead_letter',
  'verdict',
  'publish_policy',
  'withdraw_policy',
  'suspend_section',
  'lift_section',
  'replay_dead_letters',
] as const
export type Audited = (typeof AUDITED)[number]

export interface AuditEntry {
  readonly id: number
  /** ms since 1970 UTC. */
  readonly at: number
  readonly who: string
  readonly what: Audited
  /** A decision id, a place of a dead letter, a version, a section: never a text. */
  readonly subject: string
}

/**
 * Who looked at what and did what. Not part of the store, because no topic can bring it back: a file of its own, to which the
 * database itself lets nobody but add.
 */
export class AuditLog {
  readonly #db: DatabaseSync
  readonly #logger: Logger
  readonly #clock: () => number

  constructor(file: string, logger: Logger, clock: () => number = Date.now) {
    if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true })
    this.#db = new DatabaseSync(file)
    this.#logger = logger
    this.#clock = clock
    // FULL: an entry is on the disk before what it is about is shown.
    this.#db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
      CREATE TABLE IF NOT EXISTS audit (
        id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL,
        subject TEXT NOT NULL
      );
      CREATE TRIGGER IF NOT EXISTS audit_no_update BEFORE UPDATE ON audit
        BEGIN SELECT raise(ABORT, 'the audit log is only added to'); END;
      CREATE TRIGGER IF NOT EXISTS audit_no_delete BEFORE DELETE ON audit
        BEGIN SELECT raise(ABORT, 'the audit log is only added to'); END;`)
  }

  /** Throws where it cannot be recorded: then nothing is to be shown or done. */
  record(who: string, what: Audited, subject: string): void {
    const at = this.#clock()
    this.#db
      .prepare('INSERT INTO audit (at, who, what, subject) VALUES (?, ?, ?, ?)')
      .run(at, who, what, subject)
    this.#logger.info({ audit: what, who, subject }, 'on record')
  }

  /** Newest first, `most` of those before `before`. */
  entries(most: number, before = Number.MAX_SAFE_INTEGER): AuditEntry[] {
    return this.#db
      .prepare('SELECT * FROM audit WHERE id < ? ORDER BY id DESC LIMIT ?')
      .all(before, most) as unknown as AuditEntry[]
  }

  close(): void {
    this.#db.close()
  }
}
