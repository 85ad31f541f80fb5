-- The columns of the log that the bulk scenario fills, and nothing that looks after them.
CREATE TABLE item_event_store (
  id INTEGER PRIMARY KEY,
  item_id INTEGER NOT NULL,
  quantity_change INTEGER NOT NULL,
  reason TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  version INTEGER NOT NULL,
  quantity_after INTEGER NOT NULL,
  kind TEXT,
  occurred_at INTEGER,
  actor TEXT,
  reference TEXT,
  note TEXT,
  corrects_event_id INTEGER,
  request_id INTEGER
) STRICT;
