/**
 * The tables. Everything in them follows from the topics: a store of another version, or of another broker, is thrown away
 * and read again, so there are no migrations.
 */
export const STORE_VERSION = '1'

export const TABLES = `
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
-- Where reading goes on. Written in the transaction that writes what was read: each record is taken exactly once.
CREATE TABLE positions (
  topic TEXT NOT NULL, partition INTEGER NOT NULL, next INTEGER NOT NULL, skipped INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (topic, partition)
) WITHOUT ROWID;

-- plain: allowed, and nothing found, drawn or done. Of these only the newest are kept.
CREATE TABLE decisions (
  seq INTEGER PRIMARY KEY, decision_id TEXT NOT NULL UNIQUE, event_id TEXT NOT NULL, type TEXT NOT NULL,
  actor_id TEXT NOT NULL, protected_id TEXT NOT NULL, section TEXT NOT NULL, verdict TEXT NOT NULL, category TEXT NOT NULL,
  decided_at INTEGER NOT NULL, feed_appended_at INTEGER NOT NULL, plain INTEGER NOT NULL,
  -- For the report, which reads thousands: brief has accountAction, items and ruleIds; null where it is in no row of it.
  adverse INTEGER NOT NULL, brief TEXT, record TEXT NOT NULL
);
CREATE INDEX decisions_report ON decisions (feed_appended_at) WHERE brief IS NOT NULL;
CREATE INDEX decisions_event ON decisions (event_id, seq);
CREATE INDEX decisions_actor ON decisions (actor_id, seq);
CREATE INDEX decisions_verdict ON decisions (verdict, seq);
CREATE INDEX decisions_category ON decisions (category, verdict, seq);
CREATE INDEX decisions_plain ON decisions (plain, seq);
CREATE INDEX decisions_later ON decisions (type, seq) WHERE type <> 'DECISION';
CREATE INDEX decisions_suspended ON decisions (section) WHERE verdict = 'HOLD_SECTION_SUSPENDED';
CREATE INDEX decisions_protected ON decisions (protected_id, seq) WHERE protected_id <> actor_id;

CREATE TABLE rule_hits (
  rule_id TEXT NOT NULL, seq INTEGER NOT NULL, shadow INTEGER NOT NULL, adverse INTEGER NOT NULL,
  PRIMARY KEY (rule_id, seq)
) WITHOUT ROWID;
CREATE INDEX rule_hits_seq ON rule_hits (seq);

-- What classify and comment-risk said of events in which something was found: scores, places of hits, findings. No text.
CREATE TABLE assessments (event_id TEXT PRIMARY KEY, at INTEGER NOT NULL, record TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX assessments_at ON assessments (at);

-- Who, not known to be a minor, wrote to or about which minor.
CREATE TABLE contacts (
  actor_id TEXT NOT NULL, minor_id TEXT NOT NULL, age_band TEXT NOT NULL, events INTEGER NOT NULL,
  flagged INTEGER NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL, PRIMARY KEY (actor_id, minor_id)
) WITHOUT ROWID;
CREATE INDEX contacts_minor ON contacts (minor_id);
CREATE INDEX contacts_last ON contacts (last_at);

CREATE TABLE verdicts (
  seq INTEGER PRIMARY KEY, verdict_id TEXT NOT NULL, decision_id TEXT NOT NULL, event_id TEXT NOT NULL,
  actor_id TEXT NOT NULL, outcome TEXT NOT NULL, reviewer_id TEXT NOT NULL, reason TEXT, reviewed_at INTEGER NOT NULL
);
CREATE INDEX verdicts_event ON verdicts (event_id, seq);
CREATE INDEX verdicts_at ON verdicts (reviewed_at);
CREATE TABLE claims (event_id TEXT PRIMARY KEY, by_reviewer TEXT NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE appeals (event_id TEXT PRIMARY KEY, by_account TEXT NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;
-- The review queue, by the rules of packages/review.
CREATE TABLE waiting (
  event_id TEXT PRIMARY KEY, decision_id TEXT NOT NULL, category TEXT NOT NULL, risk REAL NOT NULL,
  reason TEXT NOT NULL, since INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE reports (
  report_id TEXT PRIMARY KEY, reporter_id TEXT NOT NULL, reported_id TEXT NOT NULL, event_id TEXT,
  category TEXT NOT NULL, reported_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX reports_reported ON reports (reported_id, reported_at);
CREATE INDEX reports_reporter ON reports (reporter_id, reported_at);
CREATE INDEX reports_event ON reports (event_id);
CREATE INDEX reports_at ON reports (reported_at);

-- policy.control as it was read; record is null for a tombstone, payload apart because it is large.
CREATE TABLE control (
  partition INTEGER NOT NULL, offset INTEGER NOT NULL, key TEXT NOT NULL, published_at INTEGER NOT NULL,
  record TEXT, payload BLOB, refusal TEXT, PRIMARY KEY (partition, offset)
) WITHOUT ROWID;

CREATE TABLE dead_letters (
  stage TEXT NOT NULL, partition INTEGER NOT NULL, offset INTEGER NOT NULL, reason TEXT NOT NULL, error TEXT NOT NULL,
  -- The error without its figures: what letters are grouped by.
  shape TEXT NOT NULL, from_topic TEXT NOT NULL, from_partition INTEGER NOT NULL, from_offset INTEGER NOT NULL, bytes INTEGER NOT NULL,
  at INTEGER NOT NULL, replayed INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (stage, partition, offset)
) WITHOUT ROWID;
CREATE INDEX dead_letters_at ON dead_letters (at);
CREATE INDEX dead_letters_shape ON dead_letters (stage, reason, shape, from_topic, replayed, at);

-- Accounts that were erased, and when: what was decided before stays out when the store is read again.
CREATE TABLE erased (account_id TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
`
