-- The tables of store.db: what belongs to the store and to no ledger. Times are microseconds since
-- 1970-01-01T00:00:00Z.

PRAGMA application_id = 0x49455354;

CREATE TABLE migrations (
  name TEXT PRIMARY KEY,
  sha256 TEXT NOT NULL,
  applied_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Only the SHA-256 of a token is kept. Without a ledger it is for all of them.
CREATE TABLE tokens (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  role TEXT NOT NULL CHECK (
    role = 'viewer' OR role = 'baker' OR role = 'manager' OR role = 'admin'),
  ledger_id TEXT,
  hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER
) STRICT;
