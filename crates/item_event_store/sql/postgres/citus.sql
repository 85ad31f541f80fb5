-- Citus: a ledger, with all that is its own, on one node. For a database with the extension, after
-- the migrations; rows that are there move with their tables. Citus takes no triggers on tables that
-- are distributed, so none are left: the guards are checks, keys and grants, and whoever writes by
-- hand calls ies_add_item and ies_append instead of inserting.

SET LOCAL citus.multi_shard_modify_mode = 'sequential';

DO $$
DECLARE
  guard RECORD;
  own_table TEXT;
BEGIN
  FOR guard IN
    SELECT t.tgname, t.tgrelid::regclass AS on_table
    FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
    WHERE NOT t.tgisinternal AND c.relname IN (
      'ledgers', 'items', 'item_changes', 'requests', 'item_event_store', 'item_inventory',
      'item_daily_summary', 'summaries') AND c.relnamespace = current_schema()::regnamespace
  LOOP
    EXECUTE format('DROP TRIGGER %I ON %s', guard.tgname, guard.on_table);
  END LOOP;
  -- What others refer to comes first.
  PERFORM create_distributed_table('ledgers', 'ledger_id', colocate_with => 'none');
  FOREACH own_table IN ARRAY ARRAY['items', 'item_changes', 'requests', 'item_event_store',
    'item_inventory', 'item_daily_summary', 'summaries']
  LOOP
    PERFORM create_distributed_table(own_table, 'ledger_id', colocate_with => 'ledgers');
  END LOOP;
  PERFORM create_reference_table('tokens');
END $$;

-- What guards do elsewhere.
ALTER TABLE item_event_store ADD CONSTRAINT item_event_store_item_id
  FOREIGN KEY (ledger_id, item_id) REFERENCES items (ledger_id, id);
ALTER TABLE ledgers
  ADD CHECK (ledger_id ~ '^[a-z][a-z0-9_-]{0,62}$'),
  ADD CHECK (position BETWEEN 0 AND 9007199254740991),
  ADD CHECK (epoch ~ '^[0-9a-f]{16}$'),
  ADD CHECK (time_zone <> ''),
  ADD CHECK (day_start_hour BETWEEN 0 AND 23);

-- On all nodes together.
CREATE OR REPLACE FUNCTION ies_size(relation REGCLASS) RETURNS BIGINT LANGUAGE sql
AS $$ SELECT citus_total_relation_size(relation) $$;

-- Records an event by hand, in place of the insert that a trigger completes. Gives the event.
CREATE FUNCTION ies_append(
  ledger_id TEXT,
  item_id INTEGER,
  quantity_change INTEGER,
  reason TEXT,
  kind TEXT DEFAULT NULL,
  corrects_event_id BIGINT DEFAULT NULL,
  occurred_at TIMESTAMPTZ DEFAULT NULL,
  actor TEXT DEFAULT NULL,
  reference TEXT DEFAULT NULL,
  note TEXT DEFAULT NULL
) RETURNS item_event_store LANGUAGE plpgsql AS $$
DECLARE
  event item_event_store%ROWTYPE;
BEGIN
  event.ledger_id := ledger_id;
  event.item_id := item_id;
  event.quantity_change := quantity_change;
  event.reason := reason;
  event.kind := kind;
  event.corrects_event_id := corrects_event_id;
  event.occurred_at := occurred_at;
  event.actor := actor;
  event.reference := reference;
  event.note := note;
  event := ies_complete_event(event);
  INSERT INTO item_event_store VALUES (event.*);
  PERFORM ies_count_event(event);
  UPDATE ledgers AS l SET writing_after = NULL, by_hand = false
  WHERE l.ledger_id = event.ledger_id;
  RETURN event;
END $$;

-- Makes an item by hand, likewise. Gives the item.
CREATE FUNCTION ies_add_item(
  ledger_id TEXT,
  name TEXT,
  sku TEXT DEFAULT NULL,
  unit TEXT DEFAULT 'piece',
  allow_negative BOOLEAN DEFAULT false
) RETURNS items LANGUAGE plpgsql AS $$
DECLARE
  item items%ROWTYPE;
BEGIN
  item.ledger_id := ledger_id;
  item.name := name;
  item.sku := sku;
  item.unit := unit;
  item.allow_negative := allow_negative;
  item := ies_complete_item(item);
  INSERT INTO items VALUES (item.*);
  PERFORM ies_explain_item(item);
  UPDATE ledgers AS l SET writing_after = NULL, by_hand = false
  WHERE l.ledger_id = item.ledger_id;
  RETURN item;
END $$;

-- The two run where the ledger is, with all that they call.
DO $$
DECLARE
  called TEXT;
BEGIN
  FOREACH called IN ARRAY ARRAY['ies_complete_event(item_event_store)',
    'ies_count_event(item_event_store)', 'ies_complete_item(items)', 'ies_explain_item(items)']
  LOOP
    PERFORM create_distributed_function(called::regprocedure);
  END LOOP;
  FOREACH called IN ARRAY ARRAY['ies_add_item(text,text,text,text,boolean)',
    'ies_append(text,integer,integer,text,text,bigint,timestamptz,text,text,text)']
  LOOP
    PERFORM create_distributed_function(
      called::regprocedure, 'ledger_id', colocate_with => 'ledgers');
  END LOOP;
END $$;
