-- The tables of one ledger. Times are microseconds since 1970-01-01T00:00:00Z.
-- Lists are tested with OR: a CHECK with IN halves the rate at which events are inserted.

PRAGMA application_id = 0x49455331;

CREATE TABLE migrations (
  name TEXT PRIMARY KEY,
  sha256 TEXT NOT NULL,
  applied_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One row: where the log ends. writing_after is set while the writer appends: complete events are
-- taken only at the positions writing_after + 1 to position.
CREATE TABLE ledgers (
  id INTEGER PRIMARY KEY DEFAULT 1 CHECK (id = 1),
  name TEXT NOT NULL,
  position INTEGER NOT NULL DEFAULT 0 CHECK (position BETWEEN 0 AND 9007199254740991),
  writing_after INTEGER,
  epoch TEXT NOT NULL CHECK (length(epoch) = 16),
  items_revision INTEGER NOT NULL DEFAULT 0,
  counts_revision INTEGER NOT NULL DEFAULT 0,
  last_request_id INTEGER NOT NULL DEFAULT 0,
  last_created_at INTEGER NOT NULL DEFAULT -62167046400000000,
  time_zone TEXT NOT NULL DEFAULT 'UTC' CHECK (time_zone <> ''),
  day_start_hour INTEGER NOT NULL DEFAULT 0 CHECK (day_start_hour BETWEEN 0 AND 23),
  archived_at INTEGER,
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE items (
  id INTEGER PRIMARY KEY CHECK (id > 0),
  name TEXT NOT NULL CHECK (name <> '' AND length(name) <= 200),
  sku TEXT CHECK (sku <> '' AND length(sku) <= 64),
  unit TEXT NOT NULL DEFAULT 'piece' CHECK (unit <> '' AND length(unit) <= 32),
  allow_negative INTEGER NOT NULL DEFAULT 0 CHECK (allow_negative = 0 OR allow_negative = 1),
  archived_at INTEGER,
  created_at INTEGER NOT NULL DEFAULT 0,
  updated_at INTEGER NOT NULL DEFAULT 0,
  revision INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE UNIQUE INDEX items_sku ON items (sku) WHERE sku IS NOT NULL;

CREATE INDEX items_name ON items (name);

-- Every change of an item, with the item as it was afterwards. Its updated_at is when.
CREATE TABLE item_changes (
  revision INTEGER PRIMARY KEY,
  item_id INTEGER NOT NULL REFERENCES items (id) DEFERRABLE INITIALLY DEFERRED,
  action TEXT NOT NULL CHECK (
    action = 'created' OR action = 'edited' OR action = 'archived' OR action = 'unarchived'),
  actor TEXT,
  position INTEGER NOT NULL,
  name TEXT NOT NULL,
  sku TEXT,
  unit TEXT NOT NULL,
  allow_negative INTEGER NOT NULL,
  archived_at INTEGER,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;

CREATE INDEX item_changes_item ON item_changes (item_id);

CREATE TABLE requests (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  hash BLOB NOT NULL CHECK (length(hash) = 32),
  actor TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  position INTEGER NOT NULL,
  outcome TEXT NOT NULL
) STRICT;

-- The log. A row of version 0 is one that was typed in by hand and is being completed.
-- previous_event_id, middle_event_id and jump_event_id lead to the item's event before this one, and
-- to two further back: no index by item, which would cost more with every item and every event. 0 is
-- none.
CREATE TABLE item_event_store (
  id INTEGER PRIMARY KEY,
  item_id INTEGER NOT NULL REFERENCES items (id),
  quantity_change INTEGER NOT NULL
    CHECK (quantity_change BETWEEN -2000000000 AND 2000000000),
  reason TEXT NOT NULL CHECK (
    reason = 'bakeoff' OR reason = 'batch' OR reason = 'special_order'
    OR reason = 'adjustment' OR reason = 'initial'),
  created_at INTEGER NOT NULL DEFAULT 0,
  version INTEGER NOT NULL DEFAULT 0,
  quantity_after INTEGER NOT NULL DEFAULT 0
    CHECK (quantity_after BETWEEN -2000000000 AND 2000000000),
  kind TEXT CHECK (
    kind IS NULL OR kind = 'override' OR kind = 'count' OR kind = 'correction' OR kind = 'waste'
    OR kind = 'damage' OR kind = 'expired' OR kind = 'sample' OR kind = 'return'
    OR kind = 'transfer' OR kind = 'other'),
  occurred_at INTEGER CHECK (
    occurred_at BETWEEN -62167046400000000 AND 253402207199999999),
  actor TEXT CHECK (actor <> '' AND length(actor) <= 100),
  reference TEXT CHECK (reference <> '' AND length(reference) <= 200),
  note TEXT CHECK (note <> '' AND length(note) <= 1000),
  corrects_event_id INTEGER,
  request_id INTEGER,
  previous_event_id INTEGER NOT NULL DEFAULT 0,
  middle_event_id INTEGER NOT NULL DEFAULT 0,
  jump_event_id INTEGER NOT NULL DEFAULT 0,
  CHECK (version = 0 OR (kind IS NOT NULL) = (reason = 'adjustment'))
) STRICT;

CREATE INDEX item_event_store_corrects ON item_event_store (corrects_event_id)
  WHERE corrects_event_id IS NOT NULL;

CREATE INDEX item_event_store_last_count ON item_event_store (item_id)
  WHERE kind = 'count' OR kind = 'override';

CREATE TABLE item_inventory (
  item_id INTEGER PRIMARY KEY REFERENCES items (id),
  quantity INTEGER NOT NULL,
  version INTEGER NOT NULL,
  last_event_id INTEGER,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;

-- What changed, by business day, item, reason and kind: the sum over the events of that day by when
-- they happened. The kind is '' where the event has none. summaries says up to which position.
CREATE TABLE item_daily_summary (
  day TEXT NOT NULL,
  item_id INTEGER NOT NULL,
  reason TEXT NOT NULL,
  kind TEXT NOT NULL,
  events INTEGER NOT NULL CHECK (events > 0),
  quantity_change INTEGER NOT NULL,
  PRIMARY KEY (day, item_id, reason, kind)
) STRICT, WITHOUT ROWID;

CREATE INDEX item_daily_summary_item ON item_daily_summary (item_id, day);

-- One row: the events up to position are in item_daily_summary, each once, for business days of this
-- time zone and hour. clearing is set while rows that were made for other days are taken away.
CREATE TABLE summaries (
  id INTEGER PRIMARY KEY DEFAULT 1 CHECK (id = 1),
  position INTEGER NOT NULL DEFAULT 0,
  clearing INTEGER NOT NULL DEFAULT 0 CHECK (clearing = 0 OR (clearing = 1 AND position = 0)),
  time_zone TEXT NOT NULL DEFAULT 'UTC' CHECK (time_zone <> ''),
  day_start_hour INTEGER NOT NULL DEFAULT 0 CHECK (day_start_hour BETWEEN 0 AND 23)
) STRICT;

INSERT INTO summaries DEFAULT VALUES;

-- The log as a person reads it in a shell.
CREATE VIEW item_event_history AS
SELECT
  e.id, e.item_id, i.name AS item, e.version, e.quantity_change, e.quantity_after, e.reason, e.kind,
  strftime('%Y-%m-%dT%H:%M:%S', (e.created_at - (e.created_at % 1000000 + 1000000) % 1000000) / 1000000,
    'unixepoch') || printf('.%06dZ', (e.created_at % 1000000 + 1000000) % 1000000) AS created_at,
  strftime('%Y-%m-%dT%H:%M:%S', (e.occurred_at - (e.occurred_at % 1000000 + 1000000) % 1000000) / 1000000,
    'unixepoch') || printf('.%06dZ', (e.occurred_at % 1000000 + 1000000) % 1000000) AS occurred_at,
  e.actor, e.reference, e.note, e.corrects_event_id, e.request_id
FROM item_event_store AS e LEFT JOIN items AS i ON i.id = e.item_id;

-- What is recorded now is recorded at this time: the clock's, but never before the last event.
CREATE VIEW ledger_clock AS
SELECT max(
  last_created_at,
  CAST(strftime('%s', 'now') AS INTEGER) * 1000000
    + CAST(substr(strftime('%f', 'now'), 4) AS INTEGER) * 1000) AS now
FROM ledgers;
