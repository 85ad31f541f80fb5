-- The rules a second time, inside the database: they hold in every SQLite shell (3.37 or later).
-- Everything is refused by RAISE(ABORT), never left to a constraint of a trigger's own statement,
-- which INSERT OR IGNORE would switch off; and nothing relies on foreign keys, which shells leave
-- off. Checks come after the row is there, so that INSERT OR REPLACE cannot pass them by.

-- The log.

-- Small, for it runs for each of the writer's rows too, and a trigger costs by its length even when
-- its condition is false. What is not the writer's goes on to the view's trigger.
CREATE TRIGGER item_event_store_insert AFTER INSERT ON item_event_store
WHEN NEW.version = 0 OR NOT EXISTS (
  SELECT 1 FROM ledgers WHERE id = 1 AND NEW.id > writing_after AND NEW.id <= position)
BEGIN
  INSERT INTO typed_events VALUES (
    NEW.id, NEW.item_id, NEW.quantity_change, NEW.reason, NEW.created_at, NEW.version,
    NEW.quantity_after, NEW.kind, NEW.occurred_at, NEW.actor, NEW.reference, NEW.note,
    NEW.corrects_event_id, NEW.request_id, NEW.previous_event_id, NEW.middle_event_id,
    NEW.jump_event_id);
END;

-- Always empty: events that were typed in by hand pass through here to be judged and completed.
CREATE VIEW typed_events AS SELECT * FROM item_event_store WHERE version = 0;

CREATE TRIGGER typed_events_complete INSTEAD OF INSERT ON typed_events
BEGIN
  -- What the ledger gives, and where the log ends.
  SELECT CASE
    WHEN NEW.version <> 0 THEN
      RAISE(ABORT, 'given_by_ledger: leave out version; complete events are the writer''s')
    WHEN NEW.quantity_after <> 0 OR NEW.created_at <> 0 OR NEW.request_id IS NOT NULL
      OR NEW.previous_event_id <> 0 OR NEW.middle_event_id <> 0 OR NEW.jump_event_id <> 0 THEN
      RAISE(ABORT, 'given_by_ledger: leave out what the ledger gives')
    WHEN NOT EXISTS (SELECT 1 FROM ledgers WHERE writing_after IS NULL AND position = NEW.id - 1)
    THEN RAISE(ABORT, 'given_by_ledger: leave out id; the log grows at its end only')
    WHEN EXISTS (SELECT 1 FROM ledgers WHERE archived_at IS NOT NULL) THEN
      RAISE(ABORT, 'ledger_archived: the ledger is archived')
  END;
  -- The event's own form.
  SELECT CASE
    WHEN (NEW.kind IS NOT NULL AND NEW.reason <> 'adjustment')
      OR (NEW.corrects_event_id IS NOT NULL) <> (coalesce(NEW.kind, '') = 'correction') THEN
      RAISE(ABORT, 'kind_not_allowed: an adjustment has a kind, a correction an event to correct')
    WHEN NEW.quantity_change = 0 AND coalesce(NEW.kind, '') <> 'count' THEN
      RAISE(ABORT, 'zero_quantity: the quantity is zero')
    WHEN (NEW.quantity_change < 0
        AND (NEW.reason IN ('initial', 'batch') OR coalesce(NEW.kind, '') = 'return'))
      OR (NEW.quantity_change > 0
        AND (NEW.reason IN ('bakeoff', 'special_order')
          OR coalesce(NEW.kind, '') IN ('waste', 'damage', 'expired', 'sample'))) THEN
      RAISE(ABORT, 'invalid_sign: what comes in is positive, what goes out is negative')
    WHEN NEW.occurred_at > (SELECT now + 300000000 FROM ledger_clock) THEN
      RAISE(ABORT, 'occurred_in_future: occurred_at is later than now')
    WHEN instr(coalesce(NEW.actor, '') || coalesce(NEW.reference, '') || coalesce(NEW.note, ''),
        char(0)) > 0
      OR coalesce(NEW.actor, '') || coalesce(NEW.reference, '') || coalesce(NEW.note, '')
        GLOB '*[' || char(1) || '-' || char(31) || char(127) || '-' || char(159) || ']*' THEN
      RAISE(ABORT, 'invalid_text: text has no control characters')
  END;
  -- The item.
  SELECT CASE
    WHEN NOT EXISTS (SELECT 1 FROM items WHERE id = NEW.item_id) THEN
      RAISE(ABORT, 'item_not_found: there is no such item')
    WHEN EXISTS (SELECT 1 FROM items WHERE id = NEW.item_id AND archived_at IS NOT NULL) THEN
      RAISE(ABORT, 'item_archived: the item is archived')
    WHEN NOT EXISTS (
      SELECT 1 FROM item_inventory AS c WHERE c.item_id = NEW.item_id AND (
        c.last_event_id IS NULL OR EXISTS (
          SELECT 1 FROM item_event_store WHERE id = c.last_event_id AND item_id = c.item_id))) THEN
      RAISE(ABORT, 'inventory_differs: the count names no event of its item; rebuild it')
    WHEN NEW.reason = 'initial' AND EXISTS (
      SELECT 1 FROM item_inventory WHERE item_id = NEW.item_id AND last_event_id > 0) THEN
      RAISE(ABORT, 'initial_not_first: an item begins only once')
  END;
  -- The event that is corrected.
  SELECT CASE
    WHEN o.id IS NULL THEN RAISE(ABORT, 'event_not_found: this item has no such event')
    WHEN o.kind IN ('count', 'override', 'correction') THEN
      RAISE(ABORT, 'not_correctable: make a new count')
    WHEN NEW.occurred_at IS NOT NULL THEN
      RAISE(ABORT, 'given_by_ledger: leave out occurred_at; a correction has its original''s')
    WHEN sign(o.quantity_change) * (
      o.quantity_change + NEW.quantity_change + coalesce((
        SELECT sum(c.quantity_change) FROM item_event_store AS c
        WHERE c.corrects_event_id = o.id AND c.id < NEW.id), 0)) < 0 THEN
      RAISE(ABORT, 'invalid_sign: a correction does not turn the sign of its event')
    WHEN o.id < (
      SELECT max(c.id) FROM item_event_store AS c
      WHERE c.item_id = NEW.item_id AND (c.kind = 'count' OR c.kind = 'override')) THEN
      RAISE(ABORT, 'before_last_count: the item was counted since; make a new count')
  END
  FROM (SELECT NEW.corrects_event_id AS wanted) AS w
  LEFT JOIN item_event_store AS o
    ON o.id = w.wanted AND o.item_id = NEW.item_id AND o.id < NEW.id
  WHERE w.wanted IS NOT NULL;
  SELECT RAISE(ABORT, 'before_last_count: the item was counted since; make a new count')
  WHERE NEW.kind = 'count' AND NEW.occurred_at < (
    SELECT coalesce(c.occurred_at, c.created_at) FROM item_event_store AS c
    WHERE c.item_id = NEW.item_id AND c.id < NEW.id
      AND (c.kind = 'count' OR c.kind = 'override')
    ORDER BY c.id DESC LIMIT 1);
  -- The count that it makes. The log's word, should item_inventory say otherwise.
  SELECT CASE
    WHEN NEW.quantity_change < 0 AND quantity_after < 0 AND allow_negative = 0 THEN
      RAISE(ABORT, 'insufficient_stock: the item has less than that')
    WHEN quantity_after NOT BETWEEN -2000000000 AND 2000000000 THEN
      RAISE(ABORT, 'quantity_out_of_range: a count is within 2000000000 of zero')
  END
  FROM (
    SELECT i.allow_negative, NEW.quantity_change + coalesce(e.quantity_after, 0) AS quantity_after
    FROM items AS i JOIN item_inventory AS c ON c.item_id = i.id
    LEFT JOIN item_event_store AS e ON e.id = c.last_event_id
    WHERE i.id = NEW.item_id);

  UPDATE item_event_store SET
    created_at = (SELECT now FROM ledger_clock),
    (version, quantity_after, previous_event_id) = (
      SELECT 1 + coalesce(e.version, 0), NEW.quantity_change + coalesce(e.quantity_after, 0),
        coalesce(e.id, 0)
      FROM item_inventory AS c LEFT JOIN item_event_store AS e ON e.id = c.last_event_id
      WHERE c.item_id = NEW.item_id),
    -- Where the event before jumps as far as the one that it jumps to, over both; else to it.
    (middle_event_id, jump_event_id) = (
      SELECT coalesce(max(iif(l.alike, l.jump_event_id, 0)), 0),
        coalesce(max(iif(l.alike, l.over_both, l.id)), 0)
      FROM (
        SELECT e.id, e.jump_event_id, j.jump_event_id AS over_both,
          e.version - j.version = j.version - coalesce(k.version, 0) IS TRUE AS alike
        FROM item_inventory AS c JOIN item_event_store AS e ON e.id = c.last_event_id
        LEFT JOIN item_event_store AS j ON j.id = e.jump_event_id
        LEFT JOIN item_event_store AS k ON k.id = j.jump_event_id
        WHERE c.item_id = NEW.item_id) AS l),
    kind = CASE WHEN NEW.reason = 'adjustment' THEN coalesce(NEW.kind, 'other') END,
    occurred_at = coalesce(NEW.occurred_at, (
      SELECT coalesce(o.occurred_at, o.created_at) FROM item_event_store AS o
      WHERE o.id = NEW.corrects_event_id)),
    reference = coalesce(NEW.reference, (
      SELECT o.reference FROM item_event_store AS o WHERE o.id = NEW.corrects_event_id))
  WHERE id = NEW.id;

  INSERT INTO item_inventory (item_id, quantity, version, last_event_id, created_at, updated_at)
  SELECT e.item_id, e.quantity_after, e.version, e.id, i.created_at, e.created_at
  FROM item_event_store AS e JOIN items AS i ON i.id = e.item_id WHERE e.id = NEW.id
  ON CONFLICT (item_id) DO UPDATE SET
    quantity = excluded.quantity, version = excluded.version,
    last_event_id = excluded.last_event_id, updated_at = excluded.updated_at;

  UPDATE ledgers SET
    position = NEW.id,
    last_created_at = (SELECT created_at FROM item_event_store WHERE id = NEW.id)
  WHERE id = 1;

  SELECT RAISE(ABORT, 'incomplete: the event could not be completed')
  WHERE NOT EXISTS (
    SELECT 1 FROM item_event_store AS e
    JOIN item_inventory AS c ON c.item_id = e.item_id AND c.last_event_id = e.id
    JOIN ledgers AS l ON l.position = e.id
    WHERE e.id = NEW.id AND e.version > 0);
END;

CREATE TRIGGER item_event_store_update BEFORE UPDATE ON item_event_store
WHEN OLD.version <> 0 OR NEW.id <> OLD.id
BEGIN
  SELECT RAISE(ABORT, 'append_only: events are never edited; record a correction');
END;

CREATE TRIGGER item_event_store_delete BEFORE DELETE ON item_event_store
BEGIN
  SELECT RAISE(ABORT, 'append_only: events are never deleted; record a correction');
END;

-- The counts: a row is what its item's last event says, or zero before the first. From an event of
-- the item it never goes back to an earlier one, also when it is replaced.

CREATE TRIGGER item_inventory_replace BEFORE INSERT ON item_inventory
WHEN coalesce(NEW.last_event_id, 0) < (
  SELECT last_event_id FROM item_inventory WHERE item_id = NEW.item_id)
BEGIN
  SELECT RAISE(ABORT, 'unexplained: the count is what the log says; record an event')
  FROM item_inventory AS c JOIN item_event_store AS e
    ON e.id = c.last_event_id AND e.item_id = c.item_id
  WHERE c.item_id = NEW.item_id;
END;

CREATE TRIGGER item_inventory_insert AFTER INSERT ON item_inventory
WHEN NOT EXISTS (SELECT 1 FROM items WHERE id = NEW.item_id)
  OR CASE
    WHEN NEW.last_event_id IS NULL THEN NEW.quantity <> 0 OR NEW.version <> 0
    ELSE NOT EXISTS (
      SELECT 1 FROM item_event_store
      WHERE id = NEW.last_event_id AND item_id = NEW.item_id AND version = NEW.version AND quantity_after = NEW.quantity
        AND created_at = NEW.updated_at)
  END
BEGIN
  SELECT RAISE(ABORT, 'unexplained: the count is what the log says; record an event');
END;

CREATE TRIGGER item_inventory_update AFTER UPDATE ON item_inventory
WHEN NEW.item_id <> OLD.item_id
  OR (coalesce(NEW.last_event_id, 0) < OLD.last_event_id AND EXISTS (
    SELECT 1 FROM item_event_store WHERE id = OLD.last_event_id AND item_id = OLD.item_id))
  OR CASE
    WHEN NEW.last_event_id IS NULL THEN NEW.quantity <> 0 OR NEW.version <> 0
    ELSE NOT EXISTS (
      SELECT 1 FROM item_event_store
      WHERE id = NEW.last_event_id AND item_id = NEW.item_id AND version = NEW.version AND quantity_after = NEW.quantity
        AND created_at = NEW.updated_at)
  END
BEGIN
  SELECT RAISE(ABORT, 'unexplained: the count is what the log says; record an event');
END;

CREATE TRIGGER item_inventory_delete BEFORE DELETE ON item_inventory
WHEN EXISTS (SELECT 1 FROM items WHERE id = OLD.item_id)
BEGIN
  SELECT RAISE(ABORT, 'unexplained: an item keeps its count');
END;

-- The items. A row of revision 0 is one that was typed in by hand and is being completed.

CREATE TRIGGER items_replace BEFORE INSERT ON items
BEGIN
  SELECT CASE
    WHEN EXISTS (SELECT 1 FROM items WHERE sku = NEW.sku) THEN
      RAISE(ABORT, 'sku_taken: another item has this sku')
    WHEN EXISTS (SELECT 1 FROM items WHERE id = NEW.id) THEN
      RAISE(ABORT, 'unexplained: there is such an item; items are never replaced')
  END;
END;

CREATE TRIGGER items_insert AFTER INSERT ON items
WHEN NEW.revision = 0
BEGIN
  SELECT CASE
    WHEN NEW.created_at <> 0 OR NEW.updated_at <> 0 OR NEW.archived_at IS NOT NULL THEN
      RAISE(ABORT, 'given_by_ledger: leave out created_at, updated_at and archived_at')
    WHEN NEW.id <> 1 + coalesce((SELECT max(id) FROM items WHERE id < NEW.id), 0)
      OR EXISTS (SELECT 1 FROM items WHERE id > NEW.id) THEN
      RAISE(ABORT, 'given_by_ledger: leave out id; items are numbered 1, 2, 3')
    WHEN NOT EXISTS (SELECT 1 FROM ledgers WHERE writing_after IS NULL) THEN
      RAISE(ABORT, 'given_by_ledger: the writer is writing')
    WHEN EXISTS (SELECT 1 FROM ledgers WHERE archived_at IS NOT NULL) THEN
      RAISE(ABORT, 'ledger_archived: the ledger is archived')
    WHEN instr(NEW.name || coalesce(NEW.sku, '') || NEW.unit, char(0)) > 0
      OR NEW.name || coalesce(NEW.sku, '') || NEW.unit
        GLOB '*[' || char(1) || '-' || char(31) || char(127) || '-' || char(159) || ']*' THEN
      RAISE(ABORT, 'invalid_text: text has no control characters')
    WHEN trim(NEW.name) <> NEW.name OR trim(NEW.sku) <> NEW.sku OR trim(NEW.unit) <> NEW.unit THEN
      RAISE(ABORT, 'invalid_text: text does not begin or end with white space')
  END;

  UPDATE items SET
    created_at = (SELECT now FROM ledger_clock),
    updated_at = (SELECT now FROM ledger_clock),
    revision = (SELECT items_revision + 1 FROM ledgers)
  WHERE id = NEW.id;

  INSERT INTO item_changes (
    revision, item_id, action, actor, position,
    name, sku, unit, allow_negative, archived_at, created_at, updated_at)
  SELECT
    i.revision, i.id, 'created', NULL, l.position,
    i.name, i.sku, i.unit, i.allow_negative, i.archived_at, i.created_at, i.updated_at
  FROM items AS i, ledgers AS l WHERE i.id = NEW.id;

  INSERT INTO item_inventory (item_id, quantity, version, last_event_id, created_at, updated_at)
  SELECT id, 0, 0, NULL, created_at, updated_at FROM items WHERE id = NEW.id;

  UPDATE ledgers SET items_revision = items_revision + 1 WHERE id = 1;

  SELECT RAISE(ABORT, 'incomplete: the item could not be completed')
  WHERE NOT EXISTS (
    SELECT 1 FROM items AS i
    JOIN item_changes AS c ON c.revision = i.revision AND c.item_id = i.id
    JOIN ledgers AS l ON l.items_revision = i.revision
    JOIN item_inventory AS n ON n.item_id = i.id
    WHERE i.id = NEW.id);
END;

CREATE TRIGGER items_insert_explained AFTER INSERT ON items
WHEN NEW.revision <> 0
BEGIN
  SELECT RAISE(ABORT, 'unexplained: leave out revision; no change of items explains this row')
  WHERE NOT EXISTS (
    SELECT 1 FROM item_changes AS c
    WHERE c.revision = NEW.revision AND c.item_id = NEW.id AND c.action = 'created'
      AND c.name = NEW.name AND c.sku IS NEW.sku AND c.unit = NEW.unit
      AND c.allow_negative = NEW.allow_negative AND c.archived_at IS NEW.archived_at
      AND c.created_at = NEW.created_at AND c.updated_at = NEW.updated_at);
END;

CREATE TRIGGER items_update AFTER UPDATE ON items
WHEN OLD.revision <> 0 OR NEW.id <> OLD.id
BEGIN
  SELECT RAISE(ABORT, 'unexplained: no change of items explains this; edit items by the service')
  WHERE NEW.id <> OLD.id OR NEW.revision <= OLD.revision OR NOT EXISTS (
    SELECT 1 FROM item_changes AS c
    WHERE c.revision = NEW.revision AND c.item_id = NEW.id
      AND c.name = NEW.name AND c.sku IS NEW.sku AND c.unit = NEW.unit
      AND c.allow_negative = NEW.allow_negative AND c.archived_at IS NEW.archived_at
      AND c.created_at = NEW.created_at AND c.updated_at = NEW.updated_at);
END;

CREATE TRIGGER items_delete BEFORE DELETE ON items
BEGIN
  SELECT RAISE(ABORT, 'append_only: items are never deleted; archive them');
END;

-- The changes of items: the writer's, or those of a row that items_insert completes.

CREATE TRIGGER item_changes_insert AFTER INSERT ON item_changes
BEGIN
  SELECT RAISE(ABORT, 'unexplained: changes of items are written by the ledger')
  WHERE NEW.revision <> 1 + coalesce((
      SELECT max(revision) FROM item_changes WHERE revision < NEW.revision), 0)
    OR EXISTS (SELECT 1 FROM item_changes WHERE revision > NEW.revision)
    OR NOT EXISTS (
      SELECT 1 FROM ledgers AS l WHERE CASE
        WHEN l.writing_after IS NULL THEN
          NEW.revision = l.items_revision + 1 AND EXISTS (
            SELECT 1 FROM items WHERE id = NEW.item_id AND revision = NEW.revision)
        ELSE NEW.revision <= l.items_revision
      END);
END;

CREATE TRIGGER item_changes_update BEFORE UPDATE ON item_changes
BEGIN
  SELECT RAISE(ABORT, 'append_only: changes of items are never edited');
END;

CREATE TRIGGER item_changes_delete BEFORE DELETE ON item_changes
BEGIN
  SELECT RAISE(ABORT, 'append_only: changes of items are never deleted');
END;

-- The requests: the writer's.

CREATE TRIGGER requests_insert AFTER INSERT ON requests
WHEN NOT EXISTS (
  SELECT 1 FROM ledgers
  WHERE id = 1 AND writing_after IS NOT NULL AND NEW.id <= last_request_id)
BEGIN
  SELECT RAISE(ABORT, 'unexplained: requests are written by the ledger');
END;

CREATE TRIGGER requests_update BEFORE UPDATE ON requests
BEGIN
  SELECT RAISE(ABORT, 'append_only: requests are never edited');
END;

CREATE TRIGGER requests_delete BEFORE DELETE ON requests
BEGIN
  SELECT RAISE(ABORT, 'append_only: requests are never deleted');
END;

-- The head.

CREATE TRIGGER ledgers_insert BEFORE INSERT ON ledgers
WHEN EXISTS (SELECT 1 FROM ledgers)
BEGIN
  SELECT RAISE(ABORT, 'unexplained: a file is one ledger');
END;

CREATE TRIGGER ledgers_delete BEFORE DELETE ON ledgers
BEGIN
  SELECT RAISE(ABORT, 'append_only: a ledger is never deleted');
END;

-- The writer opens a range of positions, and closes it when all of it is written.
CREATE TRIGGER ledgers_writing BEFORE UPDATE ON ledgers
WHEN NEW.writing_after IS NOT NULL
BEGIN
  SELECT RAISE(ABORT, 'unexplained: the writer begins where the log ends')
  WHERE OLD.writing_after IS NOT NULL OR NEW.writing_after <> OLD.position
    OR NEW.position < OLD.position OR NEW.items_revision < OLD.items_revision
    OR NEW.last_request_id < OLD.last_request_id OR NEW.last_created_at < OLD.last_created_at
    OR NEW.id <> OLD.id OR NEW.name <> OLD.name OR NEW.epoch <> OLD.epoch
    OR NEW.counts_revision <> OLD.counts_revision OR NEW.created_at <> OLD.created_at;
END;

-- Else the head is what the tables say. A new epoch (with a new name, after a restore) comes alone.
CREATE TRIGGER ledgers_update BEFORE UPDATE ON ledgers
WHEN NEW.writing_after IS NULL
BEGIN
  SELECT CASE
    WHEN NEW.position <> coalesce((SELECT max(id) FROM item_event_store), 0)
      OR NEW.items_revision <> coalesce((SELECT max(revision) FROM item_changes), 0)
      OR NEW.last_request_id <> coalesce((SELECT max(id) FROM requests), 0)
      OR NEW.last_created_at <> coalesce(
        (SELECT created_at FROM item_event_store WHERE id = NEW.position), OLD.last_created_at)
      OR NEW.position - OLD.writing_after <> (
        SELECT count(*) FROM item_event_store WHERE id > OLD.writing_after) THEN
      RAISE(ABORT, 'unexplained: the head is where the log ends')
    WHEN NEW.id <> OLD.id OR NEW.created_at <> OLD.created_at
      OR NEW.counts_revision NOT BETWEEN OLD.counts_revision AND OLD.counts_revision + 1
      OR (OLD.writing_after IS NOT NULL AND (
        NEW.position <> OLD.position OR NEW.items_revision <> OLD.items_revision
        OR NEW.last_request_id <> OLD.last_request_id OR NEW.epoch <> OLD.epoch))
      OR (NEW.name <> OLD.name AND NEW.epoch = OLD.epoch)
      OR (NEW.epoch <> OLD.epoch AND (
        NEW.position <> OLD.position OR NEW.items_revision <> OLD.items_revision
        OR NEW.counts_revision <> OLD.counts_revision
        OR NEW.last_request_id <> OLD.last_request_id)) THEN
      RAISE(ABORT, 'unexplained: the head moves with the log')
  END;
END;

-- The daily summary: its rows are the service's to write. They are taken away while it is cleared.

CREATE TRIGGER item_daily_summary_insert AFTER INSERT ON item_daily_summary
BEGIN
  SELECT RAISE(ABORT, 'unexplained: the summary is what the log says; refresh it');
END;

CREATE TRIGGER item_daily_summary_update AFTER UPDATE ON item_daily_summary
BEGIN
  SELECT RAISE(ABORT, 'unexplained: the summary is what the log says; refresh it');
END;

CREATE TRIGGER item_daily_summary_delete BEFORE DELETE ON item_daily_summary
WHEN NOT EXISTS (SELECT 1 FROM summaries WHERE clearing = 1)
BEGIN
  SELECT RAISE(ABORT, 'unexplained: the summary is what the log says; rebuild it');
END;

CREATE TRIGGER summaries_insert BEFORE INSERT ON summaries
WHEN EXISTS (SELECT 1 FROM summaries)
BEGIN
  SELECT RAISE(ABORT, 'unexplained: a ledger has one daily summary');
END;

CREATE TRIGGER summaries_delete BEFORE DELETE ON summaries
BEGIN
  SELECT RAISE(ABORT, 'unexplained: a ledger keeps its daily summary');
END;

-- Whoever wants it made anew sets clearing; the rest moves with the log.
CREATE TRIGGER summaries_update BEFORE UPDATE ON summaries
WHEN NEW.id <> OLD.id OR (NEW.clearing = 0 AND (
  NEW.position <> OLD.position OR NEW.time_zone <> OLD.time_zone
  OR NEW.day_start_hour <> OLD.day_start_hour
  OR (OLD.clearing = 1 AND EXISTS (SELECT 1 FROM item_daily_summary))))
BEGIN
  SELECT RAISE(ABORT, 'unexplained: the summary moves with the log; refresh it');
END;
