-- The items, and the log as the note has it, with an index for an item's events.
CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;

CREATE TABLE item_event_store (
  id INTEGER PRIMARY KEY,
  item_id INTEGER NOT NULL REFERENCES items (id),
  quantity_change INTEGER NOT NULL,
  reason TEXT NOT NULL
    CHECK (reason IN ('batch', 'bakeoff', 'special_order', 'adjustment', 'initial')),
  created_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
) STRICT;

CREATE INDEX item_event_store_item ON item_event_store (item_id);
