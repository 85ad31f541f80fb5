-- The rules a second time, inside the database: they hold for psql and for every other program.
-- A row that is typed in by hand is completed by a trigger before it is inserted; the rest is done
-- once a statement, on its rows together, so that the writer's batches pay little for it.

-- Says no. The error has the state of a broken check.
CREATE FUNCTION ies_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'check_violation';
END $$;

-- Whether the statement is one of ies_append_batch, which keeps the rules itself. Its own word for that
-- is not enough: whoever writes has to be one who could take the guards away as well.
CREATE FUNCTION ies_is_appending(guarded OID) RETURNS boolean STABLE LANGUAGE sql AS $$
  SELECT current_setting('ies.appending', true) = 'on' AND has_table_privilege(guarded, 'TRIGGER')
$$;

-- The log.

-- Judges an event that comes by hand, and completes it. Locks the head first, so that what follows is
-- judged on what was last committed. On another server a new epoch begins: its positions may be
-- another history's. Then it moves the head, and leaves the range open for the event.
CREATE FUNCTION ies_complete_event(INOUT event item_event_store) LANGUAGE plpgsql AS $$
DECLARE
  head RECORD;
  item items%ROWTYPE;
  last_id BIGINT;
  last_event item_event_store%ROWTYPE;
  last_count item_event_store%ROWTYPE;
  original item_event_store%ROWTYPE;
  corrected BIGINT;
  no TEXT;
  now_at TIMESTAMPTZ;
  new_epoch TEXT;
BEGIN
  SELECT l.*, ies_server() AS here INTO head
    FROM ledgers AS l WHERE l.ledger_id = event.ledger_id FOR UPDATE;
  IF head.writing_after IS NULL AND head.server <> head.here THEN
    new_epoch := ies_epoch();
    UPDATE ledgers AS l SET epoch = new_epoch, server = head.here
    WHERE l.ledger_id = event.ledger_id;
  END IF;
  now_at := greatest(clock_timestamp(), head.last_created_at);
  SELECT max(e.id) INTO last_id FROM item_event_store AS e WHERE e.ledger_id = event.ledger_id;
  SELECT * INTO item FROM items AS i WHERE i.ledger_id = event.ledger_id AND i.id = event.item_id;
  SELECT * INTO last_event FROM item_event_store AS e
    WHERE e.ledger_id = event.ledger_id AND e.item_id = event.item_id
    ORDER BY e.id DESC LIMIT 1;
  SELECT * INTO last_count FROM item_event_store AS e
    WHERE e.ledger_id = event.ledger_id AND e.item_id = event.item_id
      AND (e.kind = 'count' OR e.kind = 'override')
    ORDER BY e.id DESC LIMIT 1;
  IF event.corrects_event_id IS NOT NULL THEN
    SELECT * INTO original FROM item_event_store AS e
      WHERE e.ledger_id = event.ledger_id AND e.id = event.corrects_event_id
        AND e.item_id = event.item_id;
    SELECT coalesce(sum(c.quantity_change), 0) INTO corrected FROM item_event_store AS c
      WHERE c.ledger_id = event.ledger_id AND c.corrects_event_id = event.corrects_event_id;
  END IF;
  IF event.reason = 'adjustment' THEN
    event.kind := coalesce(event.kind, 'other');
  END IF;
  no := CASE
    WHEN event.quantity_after IS NOT NULL OR event.created_at IS NOT NULL
      OR event.request_id IS NOT NULL
      THEN 'given_by_ledger: leave out quantity_after, created_at and request_id'
    WHEN head.ledger_id IS NULL THEN 'ledger_not_found: there is no such ledger'
    WHEN head.archived_at IS NOT NULL THEN 'ledger_archived: the ledger is archived'
    WHEN head.writing_after IS NOT NULL AND NOT head.by_hand
      THEN 'given_by_ledger: the writer is writing'
    WHEN event.id <> head.position + 1 OR last_id > head.position
      THEN 'given_by_ledger: leave out id; the log grows at its end only'
    -- The event's own form.
    WHEN (event.kind IS NOT NULL AND event.reason <> 'adjustment')
      OR (event.corrects_event_id IS NOT NULL) <> (coalesce(event.kind, '') = 'correction')
      THEN 'kind_not_allowed: an adjustment has a kind, a correction an event to correct'
    WHEN event.quantity_change = 0 AND coalesce(event.kind, '') <> 'count'
      THEN 'zero_quantity: the quantity is zero'
    WHEN (event.quantity_change < 0
        AND (event.reason IN ('initial', 'batch') OR coalesce(event.kind, '') = 'return'))
      OR (event.quantity_change > 0
        AND (event.reason IN ('bakeoff', 'special_order')
          OR coalesce(event.kind, '') IN ('waste', 'damage', 'expired', 'sample')))
      THEN 'invalid_sign: what comes in is positive, what goes out is negative'
    WHEN event.occurred_at > now_at + interval '5 minutes'
      THEN 'occurred_in_future: occurred_at is later than now'
    WHEN concat(event.actor, event.reference, event.note) ~ '[\u0001-\u001f\u007f-\u009f]'
      THEN 'invalid_text: text has no control characters'
    -- The item.
    WHEN item.id IS NULL THEN 'item_not_found: there is no such item'
    WHEN item.archived_at IS NOT NULL THEN 'item_archived: the item is archived'
    WHEN event.reason = 'initial' AND last_event.id IS NOT NULL
      THEN 'initial_not_first: an item begins only once'
    -- The event that is corrected.
    WHEN event.corrects_event_id IS NOT NULL AND original.id IS NULL
      THEN 'event_not_found: this item has no such event'
    WHEN original.kind IN ('count', 'override', 'correction')
      THEN 'not_correctable: make a new count'
    WHEN original.id IS NOT NULL AND event.occurred_at IS NOT NULL
      THEN 'given_by_ledger: leave out occurred_at; a correction has its original''s'
    WHEN sign(original.quantity_change)
        * (original.quantity_change::bigint + event.quantity_change + corrected) < 0
      THEN 'invalid_sign: a correction does not turn the sign of its event'
    WHEN original.id < last_count.id
      OR (event.kind = 'count'
        AND event.occurred_at < coalesce(last_count.occurred_at, last_count.created_at))
      THEN 'before_last_count: the item was counted since; make a new count'
    -- The count that it makes. The log's word, should item_inventory say otherwise.
    WHEN event.quantity_change < 0 AND NOT item.allow_negative
      AND coalesce(last_event.quantity_after, 0)::bigint + event.quantity_change < 0
      THEN 'insufficient_stock: the item has less than that'
    WHEN coalesce(last_event.quantity_after, 0)::bigint + event.quantity_change
        NOT BETWEEN -2000000000 AND 2000000000
      THEN 'quantity_out_of_range: a count is within 2000000000 of zero'
  END;
  IF no IS NOT NULL THEN
    RAISE EXCEPTION '%', no USING ERRCODE = 'check_violation';
  END IF;
  event.id := head.position + 1;
  event.created_at := now_at;
  event.version := coalesce(last_event.version, 0) + 1;
  event.quantity_after := coalesce(last_event.quantity_after, 0) + event.quantity_change;
  event.occurred_at := coalesce(event.occurred_at, original.occurred_at, original.created_at);
  event.reference := coalesce(event.reference, original.reference);
  UPDATE ledgers AS l SET
    writing_after = coalesce(l.writing_after, l.position), by_hand = true,
    position = event.id, last_created_at = now_at
  WHERE l.ledger_id = event.ledger_id;
END $$;

-- Moves the count of an event's item.
CREATE FUNCTION ies_count_event(event item_event_store) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO item_inventory (
    ledger_id, item_id, quantity, version, last_event_id, created_at, updated_at)
  SELECT
    i.ledger_id, i.id, event.quantity_after, event.version, event.id, i.created_at,
    event.created_at
  FROM items AS i WHERE i.ledger_id = event.ledger_id AND i.id = event.item_id
  ON CONFLICT (ledger_id, item_id) DO UPDATE SET
    quantity = excluded.quantity, version = excluded.version,
    last_event_id = excluded.last_event_id, updated_at = excluded.updated_at;
END $$;

-- item_event_store_inserted closes the range when the statement ends.
CREATE FUNCTION item_event_store_complete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RETURN ies_complete_event(NEW);
END $$;

CREATE TRIGGER item_event_store_complete BEFORE INSERT ON item_event_store
FOR EACH ROW WHEN (NEW.version IS NULL) EXECUTE FUNCTION item_event_store_complete();

-- Every row is within the range that is being written, and of an item. What is inserted together
-- follows the log's last event without a gap: where the log ends is all that need be asked later. Items
-- have no gaps either: if the highest is one, all are. Rows typed in by hand move their counts here, and
-- the range is closed.
CREATE FUNCTION item_event_store_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  outside BOOLEAN;
  of_no_item BOOLEAN;
  by_hand BOOLEAN;
  last_event item_event_store%ROWTYPE;
BEGIN
  IF ies_is_appending(TG_RELID) THEN
    RETURN NULL;
  END IF;
  SELECT
    bool_or(l.ledger_id IS NULL OR (n.first > 1 AND e.id IS NULL)),
    bool_or(n.lowest_item < 1 OR i.id IS NULL),
    bool_or(l.by_hand)
  INTO outside, of_no_item, by_hand
  FROM (
    SELECT
      n.ledger_id, min(n.id) AS first, max(n.id) AS last, count(*) AS rows,
      max(n.created_at) AS last_created_at, min(n.item_id) AS lowest_item,
      max(n.item_id) AS highest_item
    FROM inserted AS n GROUP BY n.ledger_id) AS n
  LEFT JOIN ledgers AS l ON l.ledger_id = n.ledger_id
    AND n.first > l.writing_after AND n.last <= l.position AND n.rows = n.last - n.first + 1
    AND n.last_created_at <= l.last_created_at
    AND (NOT l.by_hand OR n.rows = l.position - l.writing_after)
  LEFT JOIN LATERAL (
    SELECT e.id FROM item_event_store AS e
    WHERE e.ledger_id = n.ledger_id AND e.id = n.first - 1 LIMIT 1) AS e ON true
  LEFT JOIN LATERAL (
    SELECT i.id FROM items AS i
    WHERE i.ledger_id = n.ledger_id AND i.id = n.highest_item LIMIT 1) AS i ON true;
  IF outside THEN
    RAISE EXCEPTION 'given_by_ledger: leave out version; complete events are the writer''s'
      USING ERRCODE = 'check_violation';
  ELSIF of_no_item THEN
    RAISE EXCEPTION 'item_not_found: there is no such item' USING ERRCODE = 'check_violation';
  ELSIF by_hand THEN
    FOR last_event IN
      SELECT DISTINCT ON (n.ledger_id, n.item_id) n.* FROM inserted AS n
      ORDER BY n.ledger_id, n.item_id, n.id DESC
    LOOP
      PERFORM ies_count_event(last_event);
    END LOOP;
    UPDATE ledgers AS l SET writing_after = NULL, by_hand = false
    WHERE l.by_hand AND l.ledger_id IN (SELECT n.ledger_id FROM inserted AS n);
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER item_event_store_inserted AFTER INSERT ON item_event_store
REFERENCING NEW TABLE AS inserted
FOR EACH STATEMENT EXECUTE FUNCTION item_event_store_inserted();

CREATE TRIGGER item_event_store_update BEFORE UPDATE ON item_event_store
FOR EACH STATEMENT EXECUTE FUNCTION ies_refuse(
  'append_only: events are never edited; record a correction');

CREATE TRIGGER item_event_store_delete BEFORE DELETE OR TRUNCATE ON item_event_store
FOR EACH STATEMENT EXECUTE FUNCTION ies_refuse(
  'append_only: events are never deleted; record a correction');

-- The counts: a row is what its item's last event says, or zero before the first.

CREATE FUNCTION item_inventory_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF ies_is_appending(TG_RELID) THEN
    RETURN NULL;
  END IF;
  IF EXISTS (
    SELECT FROM changed AS n
    LEFT JOIN LATERAL (
      SELECT e.id, e.version, e.quantity_after, e.created_at FROM item_event_store AS e
      -- From the one that is said to be the last: a scan reads all of a page that it may need.
      WHERE e.ledger_id = n.ledger_id AND e.item_id = n.item_id
        AND e.id >= coalesce(n.last_event_id, 0)
      ORDER BY e.id DESC LIMIT 1) AS e ON true
    WHERE (n.last_event_id, n.version, n.quantity)
        IS DISTINCT FROM (e.id, coalesce(e.version, 0), coalesce(e.quantity_after, 0))
      OR n.updated_at <> e.created_at) THEN
    RAISE EXCEPTION 'unexplained: the count is what the log says; record an event'
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;

-- Besides, an item keeps its count: only a row that is no item's may go.
CREATE FUNCTION item_inventory_left() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT FROM gone AS o
    JOIN items AS i ON i.ledger_id = o.ledger_id AND i.id = o.item_id) THEN
    RAISE EXCEPTION 'unexplained: an item keeps its count' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER item_inventory_insert AFTER INSERT ON item_inventory
REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION item_inventory_changed();

CREATE TRIGGER item_inventory_update AFTER UPDATE ON item_inventory
REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION item_inventory_changed();

CREATE TRIGGER item_inventory_moved BEFORE UPDATE OF ledger_id, item_id ON item_inventory
FOR EACH STATEMENT EXECUTE FUNCTION ies_refuse('unexplained: an item keeps its count');

CREATE TRIGGER item_inventory_delete AFTER DELETE ON item_inventory
REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION item_inventory_left();

CREATE TRIGGER item_inventory_truncate BEFORE TRUNCATE ON item_inventory
FOR EACH STATEMENT EXECUTE FUNCTION ies_refuse('unexplained: an item keeps its count');

-- The items. A row without a revision is one typed in by hand: it is completed.

-- Judges an item that comes by hand, and completes it. Moves the head, as ies_complete_event does.
CREATE FUNCTION ies_complete_item(INOUT item items) LANGUAGE plpgsql AS $$
DECLARE
  head ledgers%ROWTYPE;
  next_id BIGINT;
  sku_is_taken BOOLEAN;
  no TEXT;
BEGIN
  SELECT * INTO head FROM ledgers AS l WHERE l.ledger_id = item.ledger_id FOR UPDATE;
  SELECT coalesce(max(i.id), 0) + 1 INTO next_id FROM items AS i WHERE i.ledger_id = item.ledger_id;
  PERFORM FROM items AS i WHERE i.ledger_id = item.ledger_id AND i.sku = item.sku;
  sku_is_taken := FOUND;
  no := CASE
    WHEN item.created_at IS NOT NULL OR item.updated_at IS NOT NULL OR item.archived_at IS NOT NULL
      THEN 'given_by_ledger: leave out created_at, updated_at and archived_at'
    WHEN head.ledger_id IS NULL THEN 'ledger_not_found: there is no such ledger'
    WHEN head.archived_at IS NOT NULL THEN 'ledger_archived: the ledger is archived'
    WHEN item.id <> next_id THEN 'given_by_ledger: leave out id; items are numbered 1, 2, 3'
    WHEN head.writing_after IS NOT NULL AND NOT head.by_hand
      THEN 'given_by_ledger: the writer is writing'
    WHEN sku_is_taken THEN 'sku_taken: another item has this sku'
    WHEN concat(item.name, item.sku, item.unit) ~ '[\u0001-\u001f\u007f-\u009f]'
      THEN 'invalid_text: text has no control characters'
    WHEN trim(item.name) <> item.name OR trim(item.sku) <> item.sku OR trim(item.unit) <> item.unit
      THEN 'invalid_text: text does not begin or end with white space'
  END;
  IF no IS NOT NULL THEN
    RAISE EXCEPTION '%', no USING ERRCODE = 'check_violation';
  END IF;
  item.id := next_id;
  item.created_at := greatest(clock_timestamp(), head.last_created_at);
  item.updated_at := item.created_at;
  item.revision := head.items_revision + 1;
  UPDATE ledgers AS l SET
    writing_after = coalesce(l.writing_after, l.position), by_hand = true,
    items_revision = item.revision
  WHERE l.ledger_id = item.ledger_id;
END $$;

-- Gives an item that came by hand its change and its count, which is zero.
CREATE FUNCTION ies_explain_item(item items) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO item_changes (
    ledger_id, revision, item_id, action, actor, position,
    name, sku, unit, allow_negative, archived_at, created_at, updated_at)
  SELECT
    l.ledger_id, item.revision, item.id, 'created', NULL, l.position,
    item.name, item.sku, item.unit, item.allow_negative, item.archived_at, item.created_at,
    item.updated_at
  FROM ledgers AS l WHERE l.ledger_id = item.ledger_id;
  INSERT INTO item_inventory (
    ledger_id, item_id, quantity, version, last_event_id, created_at, updated_at)
  VALUES (item.ledger_id, item.id, 0, 0, NULL, item.created_at, item.created_at);
END $$;

CREATE FUNCTION items_complete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RETURN ies_complete_item(NEW);
END $$;

CREATE TRIGGER items_complete BEFORE INSERT ON items
FOR EACH ROW WHEN (NEW.revision IS NULL) EXECUTE FUNCTION items_complete();

CREATE FUNCTION items_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  item items%ROWTYPE;
BEGIN
  IF EXISTS (
    SELECT FROM (
      SELECT n.ledger_id, min(n.id) AS first, max(n.id) AS last, count(*) AS rows
      FROM changed AS n GROUP BY n.ledger_id) AS n
    LEFT JOIN items AS i ON i.ledger_id = n.ledger_id AND i.id = n.first - 1
    WHERE n.rows <> n.last - n.first + 1 OR (n.first > 1 AND i.id IS NULL)) THEN
    RAISE EXCEPTION 'given_by_ledger: items are numbered 1, 2, 3'
      USING ERRCODE = 'check_violation';
  END IF;
  IF EXISTS (
    SELECT FROM ledgers AS l
    WHERE l.by_hand AND l.ledger_id IN (SELECT n.ledger_id FROM changed AS n)) THEN
    FOR item IN SELECT n.* FROM changed AS n ORDER BY n.ledger_id, n.revision LOOP
      PERFORM ies_explain_item(item);
    END LOOP;
    UPDATE ledgers AS l SET writing_after = NULL, by_hand = false
    WHERE l.by_hand AND l.ledger_id IN (SELECT n.ledger_id FROM changed AS n);
  END IF;
  RETURN NULL;
END $$;

-- An item is what its change says.
CREATE FUNCTION items_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT FROM changed AS n
    LEFT JOIN item_changes AS c ON c.ledger_id = n.ledger_id AND c.revision = n.revision
    WHERE (c.item_id, c.name, c.sku, c.unit, c.allow_negative, c.archived_at, c.created_at,
        c.updated_at)
      IS DISTINCT FROM (n.id, n.name, n.sku, n.unit, n.allow_negative, n.archived_at,
        n.created_at, n.updated_at)) THEN
    RAISE EXCEPTION
      'unexplained: no change of items explains this; edit items by the service'
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION items_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT FROM gone AS o
    LEFT JOIN items AS i ON i.ledger_id = o.ledger_id AND i.id = o.id AND i.revision > o.revision
    WHERE i.id IS NULL) THEN
    RAISE EXCEPTION
      'unexplained: no change of items explains this; edit items by the service'
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;

-- By the names of the triggers: what was typed in gets its change first, then it is compared.
CREATE TRIGGER items_insert AFTER INSERT ON items
REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION items_inserted();

CREATE TRIGGER items_insert_explained AFTER INSERT ON items
REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION items_changed();

CREATE TRIGGER items_update AFTER UPDATE ON items
REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION items_changed();

CREATE TRIGGER items_update_moved AFTER UPDATE ON items
REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION items_moved();

CREATE TRIGGER items_delete BEFORE DELETE OR TRUNCATE ON items
FOR EACH STATEMENT EXECUTE FUNCTION ies_refuse(
  'append_only: items are never deleted; archive them');

-- The changes of items: the writer's, or those of a row that items_complete completes.

CREATE FUNCTION item_changes_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT FROM inserted AS n
    LEFT JOIN ledgers AS l ON l.ledger_id = n.ledger_id
      AND l.writing_after IS NOT NULL AND n.revision <= l.items_revision
    LEFT JOIN item_changes AS p ON p.ledger_id = n.ledger_id AND p.revision = n.revision - 1
    WHERE l.ledger_id IS NULL OR (p.revision IS NULL AND n.revision <> 1)) THEN
    RAISE EXCEPTION 'unexplained: changes of items are written by the ledger'
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER item_changes_insert AFTER INSERT ON item_changes
REFERENCING NEW TABLE AS inserted
FOR EACH STATEMENT EXECUTE FUNCTION item_changes_inserted();

CREATE TRIGGER item_changes_update BEFORE UPDATE OR DELETE OR TRUNCATE ON item_changes
FOR EACH STATEMENT EXECUTE FUNCTION ies_refuse(
  'append_only: changes of items are never edited or deleted');

-- The requests: the writer's.

CREATE FUNCTION requests_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF ies_is_appending(TG_RELID) THEN
    RETURN NULL;
  END IF;
  IF EXISTS (
    SELECT FROM inserted AS n
    LEFT JOIN ledgers AS l ON l.ledger_id = n.ledger_id
      AND l.writing_after IS NOT NULL AND NOT l.by_hand AND n.id <= l.last_request_id
    WHERE l.ledger_id IS NULL) THEN
    RAISE EXCEPTION 'unexplained: requests are written by the ledger'
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER requests_insert AFTER INSERT ON requests
REFERENCING NEW TABLE AS inserted
FOR EACH STATEMENT EXECUTE FUNCTION requests_inserted();

CREATE TRIGGER requests_update BEFORE UPDATE OR DELETE OR TRUNCATE ON requests
FOR EACH STATEMENT EXECUTE FUNCTION ies_refuse(
  'append_only: requests are never edited or deleted');

-- The head.

CREATE FUNCTION ledgers_made() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.position <> 0 OR NEW.writing_after IS NOT NULL OR NEW.by_hand OR NEW.items_revision <> 0
    OR NEW.counts_revision <> 0 OR NEW.last_request_id <> 0
    OR NEW.last_created_at <> '0001-01-03 00:00:00+00 BC' THEN
    RAISE EXCEPTION 'unexplained: a ledger begins empty' USING ERRCODE = 'check_violation';
  ELSIF NEW.ledger_id !~ '^[a-z][a-z0-9_-]{0,62}$' OR NEW.epoch !~ '^[0-9a-f]{16}$'
    OR NEW.time_zone = '' OR NEW.day_start_hour NOT BETWEEN 0 AND 23 THEN
    RAISE EXCEPTION 'unexplained: no ledger has such a name, epoch or business day'
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER ledgers_insert BEFORE INSERT ON ledgers
FOR EACH ROW EXECUTE FUNCTION ledgers_made();

CREATE TRIGGER ledgers_delete BEFORE DELETE OR TRUNCATE ON ledgers
FOR EACH STATEMENT EXECUTE FUNCTION ies_refuse('append_only: a ledger is never deleted');

-- PostgreSQL would plan this anew for each batch, which takes longer than to carry it out.
CREATE FUNCTION ledgers_moved() RETURNS trigger LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  no TEXT;
  last_event RECORD;
BEGIN
  IF ies_is_appending(TG_RELID) THEN
    RETURN NEW;
  END IF;
  IF NEW.position > 9007199254740991 OR NEW.time_zone = ''
    OR NEW.day_start_hour NOT BETWEEN 0 AND 23
    OR (NEW.epoch <> OLD.epoch AND NEW.epoch !~ '^[0-9a-f]{16}$') THEN
    no := 'unexplained: no ledger has such a position, epoch or business day';
  ELSIF NEW.by_hand THEN
    -- Within the triggers that complete a row, and only there.
    no := CASE WHEN pg_trigger_depth() < 2
      OR NEW.position NOT BETWEEN OLD.position AND OLD.position + 1
      OR NEW.items_revision NOT BETWEEN OLD.items_revision AND OLD.items_revision + 1
      OR (OLD.writing_after IS NOT NULL AND NOT OLD.by_hand)
      THEN 'unexplained: the head moves with the log' END;
  ELSIF NEW.writing_after IS NOT NULL THEN
    no := CASE WHEN OLD.writing_after IS NOT NULL OR NEW.writing_after <> OLD.position
      OR NEW.position < OLD.position OR NEW.items_revision < OLD.items_revision
      OR NEW.last_request_id < OLD.last_request_id OR NEW.last_created_at < OLD.last_created_at
      OR NEW.ledger_id <> OLD.ledger_id OR NEW.epoch <> OLD.epoch OR NEW.server <> OLD.server
      OR NEW.counts_revision <> OLD.counts_revision OR NEW.created_at <> OLD.created_at
      THEN 'unexplained: the writer begins where the log ends' END;
  ELSE
    -- Else the head is what the tables say: the log has no gaps, and ends here. A new epoch comes
    -- alone. Bounded on both sides: with one bound alone a plan without values reads the table.
    SELECT max(e.id) AS position, max(e.created_at) AS last_created_at INTO last_event
    FROM item_event_store AS e
    WHERE e.ledger_id = NEW.ledger_id
      AND e.id >= NEW.position AND e.id <= NEW.position + 9007199254740991;
    no := CASE
      WHEN NEW.position <> coalesce(last_event.position, 0)
        OR NEW.last_created_at <> coalesce(last_event.last_created_at, OLD.last_created_at)
        OR NEW.items_revision <> coalesce((
          SELECT max(c.revision) FROM item_changes AS c
          WHERE c.ledger_id = NEW.ledger_id AND c.revision >= NEW.items_revision), 0)
        OR NEW.last_request_id <> coalesce((
          SELECT max(r.id) FROM requests AS r
          WHERE r.ledger_id = NEW.ledger_id AND r.id >= NEW.last_request_id), 0)
        THEN 'unexplained: the head is where the log ends'
      WHEN NEW.ledger_id <> OLD.ledger_id OR NEW.created_at <> OLD.created_at
        OR NEW.counts_revision NOT BETWEEN OLD.counts_revision AND OLD.counts_revision + 1
        OR (OLD.writing_after IS NOT NULL AND (
          NEW.position <> OLD.position OR NEW.items_revision <> OLD.items_revision
          OR NEW.last_request_id <> OLD.last_request_id OR NEW.epoch <> OLD.epoch))
        OR (NEW.server <> OLD.server AND NEW.epoch = OLD.epoch)
        THEN 'unexplained: the head moves with the log'
    END;
  END IF;
  IF no IS NOT NULL THEN
    RAISE EXCEPTION '%', no USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER ledgers_update BEFORE UPDATE ON ledgers
FOR EACH ROW EXECUTE FUNCTION ledgers_moved();

-- The daily summary: rows are written while a range of positions is open, and taken away while it is
-- cleared.

CREATE FUNCTION item_daily_summary_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT FROM (SELECT DISTINCT n.ledger_id FROM changed AS n) AS n
    LEFT JOIN summaries AS s ON s.ledger_id = n.ledger_id AND s.writing_after IS NOT NULL
    WHERE s.ledger_id IS NULL) THEN
    RAISE EXCEPTION 'unexplained: the summary is what the log says; refresh it'
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION item_daily_summary_left() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT FROM (SELECT DISTINCT o.ledger_id FROM gone AS o) AS o
    LEFT JOIN summaries AS s ON s.ledger_id = o.ledger_id AND s.clearing
    WHERE s.ledger_id IS NULL) THEN
    RAISE EXCEPTION 'unexplained: the summary is what the log says; rebuild it'
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER item_daily_summary_insert AFTER INSERT ON item_daily_summary
REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION item_daily_summary_changed();

CREATE TRIGGER item_daily_summary_update AFTER UPDATE ON item_daily_summary
REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION item_daily_summary_changed();

CREATE TRIGGER item_daily_summary_delete AFTER DELETE ON item_daily_summary
REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION item_daily_summary_left();

CREATE TRIGGER item_daily_summary_truncate BEFORE TRUNCATE ON item_daily_summary
FOR EACH STATEMENT EXECUTE FUNCTION ies_refuse(
  'unexplained: the summary is what the log says; rebuild it');

CREATE FUNCTION summaries_made() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.position <> 0 OR NEW.writing_after IS NOT NULL THEN
    RAISE EXCEPTION 'unexplained: a daily summary begins empty' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER summaries_insert BEFORE INSERT ON summaries
FOR EACH ROW EXECUTE FUNCTION summaries_made();

CREATE TRIGGER summaries_delete BEFORE DELETE OR TRUNCATE ON summaries
FOR EACH STATEMENT EXECUTE FUNCTION ies_refuse(
  'unexplained: a ledger keeps its daily summary');

-- A range is opened at the summary's position and closed as it was opened; whoever wants it made
-- anew sets clearing.
CREATE FUNCTION summaries_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.ledger_id <> OLD.ledger_id OR (CASE
    WHEN NEW.writing_after IS NOT NULL THEN
      OLD.writing_after IS NOT NULL OR OLD.clearing OR NEW.clearing
      OR NEW.writing_after <> OLD.position OR NEW.position <= OLD.position
      OR NEW.position > (SELECT l.position FROM ledgers AS l WHERE l.ledger_id = NEW.ledger_id)
      OR NEW.time_zone <> OLD.time_zone OR NEW.day_start_hour <> OLD.day_start_hour
    WHEN NEW.clearing THEN OLD.writing_after IS NOT NULL
    ELSE
      NEW.position <> OLD.position OR NEW.time_zone <> OLD.time_zone
      OR NEW.day_start_hour <> OLD.day_start_hour
      OR (OLD.clearing AND EXISTS (
        SELECT FROM item_daily_summary AS s WHERE s.ledger_id = NEW.ledger_id))
    END) THEN
    RAISE EXCEPTION 'unexplained: the summary moves with the log; refresh it'
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER summaries_update BEFORE UPDATE ON summaries
FOR EACH ROW EXECUTE FUNCTION summaries_moved();

-- The guards look into the store's tables, whatever else has their names in the session that writes.
DO $$
DECLARE
  guard REGPROCEDURE;
BEGIN
  FOR guard IN
    SELECT DISTINCT t.tgfoid::regprocedure
    FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
    WHERE NOT t.tgisinternal AND c.relnamespace = current_schema()::regnamespace
  LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', guard, current_schema());
  END LOOP;
END $$;
