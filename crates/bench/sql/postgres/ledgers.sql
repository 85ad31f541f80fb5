-- A log of many ledgers whose positions come from the ledger's row, and counts that are kept by a
-- trigger on each statement.
CREATE TABLE ledgers (
  ledger_id text PRIMARY KEY,
  position bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 10);

CREATE TABLE items (
  ledger_id text NOT NULL REFERENCES ledgers (ledger_id),
  id integer NOT NULL,
  name text NOT NULL,
  PRIMARY KEY (ledger_id, id)
);

CREATE TABLE item_event_store (
  ledger_id text NOT NULL,
  id bigint NOT NULL,
  item_id integer NOT NULL,
  quantity_change integer NOT NULL,
  reason text NOT NULL
    CHECK (reason IN ('batch', 'bakeoff', 'special_order', 'adjustment', 'initial')),
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (ledger_id, id),
  FOREIGN KEY (ledger_id, item_id) REFERENCES items (ledger_id, id)
);

CREATE INDEX item_event_store_item ON item_event_store (ledger_id, item_id, id);

CREATE TABLE item_inventory (
  ledger_id text NOT NULL,
  item_id integer NOT NULL,
  quantity integer NOT NULL CHECK (quantity >= 0),
  PRIMARY KEY (ledger_id, item_id),
  FOREIGN KEY (ledger_id, item_id) REFERENCES items (ledger_id, id)
) WITH (fillfactor = 50);

CREATE FUNCTION keep_inventory() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE item_inventory AS kept SET quantity = kept.quantity + moved.quantity_change
  FROM (
    SELECT ledger_id, item_id, sum(quantity_change) AS quantity_change
    FROM added GROUP BY ledger_id, item_id
  ) AS moved
  WHERE kept.ledger_id = moved.ledger_id AND kept.item_id = moved.item_id;
  RETURN NULL;
END
$$;

CREATE TRIGGER keep_inventory AFTER INSERT ON item_event_store
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION keep_inventory();
