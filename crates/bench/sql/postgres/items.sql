-- The items, and the log as the note has it, with an index for an item's events.
-- Variables: items.
CREATE TABLE items (id integer PRIMARY KEY, name text NOT NULL);

INSERT INTO items SELECT n, 'Item ' || n FROM generate_series(1, :items) AS n;

CREATE TABLE item_event_store (
  id bigserial PRIMARY KEY,
  item_id integer NOT NULL REFERENCES items (id),
  quantity_change integer NOT NULL,
  reason text NOT NULL
    CHECK (reason IN ('batch', 'bakeoff', 'special_order', 'adjustment', 'initial')),
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX item_event_store_item ON item_event_store (item_id, id);
