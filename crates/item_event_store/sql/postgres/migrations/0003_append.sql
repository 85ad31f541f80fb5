-- A batch in one statement, which is a transaction of its own: what is sent, and waited for, once.

-- Writes a batch that was decided without the lock: its events, the counts that they make and its
-- requests, each column as an array. Positions and the numbers of requests go on where the head is.
--
-- That is where the batch was decided; or, with judged_item_id, behind what others have written since.
-- A batch may move like that as long as nothing was written of the items that it was judged by, which
-- are sorted. Of an item that it only adds to something may: changes come to the same in any order while
-- no count leaves its range on the way. Then id and the columns after it say of the event before the batch
-- as it was decided, and of those since, what each makes of its item's count.
--
-- One that follows was sent before the one that it was decided behind was answered. That one is written if
-- this session says that it was the writer's last: numbers alone could be those of somebody else's batch.
--
-- Not written if the head is neither, there is no such item, the keys of its requests are stored, or a
-- commit would not last here. Whoever locks the head first finds out why. Never on Citus.
--
-- What the guards ask for is so by construction: the log goes on without a gap, the head is where it ends,
-- a count is what its item's last event says. So it writes as the owner, and they let it pass.
CREATE FUNCTION ies_append_batch(
  ledger TEXT, epoch_before TEXT, position_before BIGINT, items_revision_before BIGINT,
  counts_revision_before BIGINT, last_request_id_before BIGINT, last_created_at_before TIMESTAMPTZ,
  decided_at TIMESTAMPTZ, judged_item_id BIGINT[], writer TEXT, follows BOOLEAN,
  event_item_id BIGINT[], event_quantity_change BIGINT[], event_reason TEXT[],
  event_version BIGINT[], event_quantity_after BIGINT[], event_kind TEXT[],
  event_occurred_at TIMESTAMPTZ[], event_actor TEXT[], event_reference TEXT[], event_note TEXT[],
  event_corrects_event_id BIGINT[], event_request_id BIGINT[],
  request_key TEXT[], request_hash BYTEA[], request_actor TEXT[], request_position BIGINT[],
  request_outcome TEXT[],
  OUT written BOOLEAN, OUT last_request_id BIGINT, OUT recorded_at TIMESTAMPTZ, OUT id BIGINT[],
  OUT item_id INTEGER[], OUT version BIGINT[], OUT quantity_after INTEGER[],
  OUT created_at TIMESTAMPTZ[]
) LANGUAGE plpgsql SECURITY DEFINER
-- Nobody waits for a lock for long. Plans are made once, for tables that will be large. Rows are taken
-- from the arrays by their place: unnest would carry each array through a table of its own.
SET lock_timeout = '2s' SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  here TEXT;
  count_item_id BIGINT[];
  count_event INTEGER[];
  last_id BIGINT;
  moved BIGINT;
  requests_moved BIGINT;
  judged BOOLEAN;
  added_to BOOLEAN;
  beyond BOOLEAN;
  counted BIGINT;
BEGIN
  written := false;
  -- A session that could write once stays with its server, database and timeline.
  here := nullif(current_setting('ies.server', true), '');
  IF here IS NULL THEN
    here := set_config('ies.server', ies_server(), false);
  END IF;
  IF 'off' IN (current_setting('fsync'), current_setting('full_page_writes'),
      current_setting('synchronous_commit')) THEN
    RETURN;
  END IF;
  IF follows AND current_setting('ies.written', true)
      IS DISTINCT FROM writer || '/' || last_request_id_before THEN
    RETURN;
  END IF;
  -- By item, the last event of each.
  SELECT array_agg(c.item_id), array_agg(c.event) INTO count_item_id, count_event
  FROM (
    SELECT event_item_id[n] AS item_id, max(n) AS event
    FROM generate_series(1, cardinality(event_item_id)) AS n GROUP BY 1 ORDER BY 1) AS c;
  PERFORM set_config('ies.appending', 'on', true);
  BEGIN
    -- Locks the head too, if it is one that the batch can follow. If the highest item is one, all are.
    UPDATE ledgers AS l SET
      position = l.position + cardinality(event_item_id),
      last_request_id = l.last_request_id + cardinality(request_key),
      last_created_at = CASE WHEN cardinality(event_item_id) > 0
        THEN greatest(l.last_created_at, decided_at) ELSE l.last_created_at END
    WHERE l.ledger_id = ledger AND l.epoch = epoch_before AND l.server = here
      AND l.items_revision = items_revision_before AND l.counts_revision = counts_revision_before
      AND l.writing_after IS NULL AND l.archived_at IS NULL
      AND ((l.position = position_before AND l.last_request_id = last_request_id_before)
        OR (judged_item_id IS NOT NULL AND l.position >= position_before
          AND l.last_request_id >= last_request_id_before))
      AND (count_item_id IS NULL OR count_item_id[1] >= 1 AND EXISTS (
        SELECT FROM items AS i
        WHERE i.ledger_id = ledger AND i.id = count_item_id[cardinality(count_item_id)]))
    RETURNING l.position - cardinality(event_item_id),
      l.last_request_id - cardinality(request_key), greatest(l.last_created_at, decided_at)
    INTO last_id, last_request_id, recorded_at;
    IF NOT FOUND THEN
      RAISE unique_violation;
    END IF;
    moved := last_id - position_before;
    requests_moved := last_request_id - last_request_id_before;
    IF moved > 0 THEN
      SELECT array_agg(e.id), array_agg(e.item_id), array_agg(e.version),
        array_agg(e.quantity_after), array_agg(e.created_at),
        -- By bisection.
        bool_or(judged_item_id[width_bucket(e.item_id::bigint, judged_item_id)] = e.item_id)
          FILTER (WHERE e.id > position_before),
        bool_or(count_item_id[width_bucket(e.item_id::bigint, count_item_id)] = e.item_id)
          FILTER (WHERE e.id > position_before)
      INTO id, item_id, version, quantity_after, created_at, judged, added_to
      FROM (
        SELECT * FROM item_event_store AS e
        WHERE e.ledger_id = ledger AND e.id >= position_before AND e.id <= last_id
        ORDER BY e.id) AS e;
      IF judged OR (id[1], created_at[1]) IS DISTINCT FROM (position_before, last_created_at_before)
      THEN
        RAISE unique_violation;
      END IF;
      IF added_to THEN
        SELECT array_agg(event_version[n] + coalesce(e.events, 0) ORDER BY n),
          array_agg(event_quantity_after[n] + coalesce(e.quantity_change, 0) ORDER BY n),
          bool_or(event_quantity_after[n] + e.quantity_change NOT BETWEEN 0 AND 2000000000)
        INTO event_version, event_quantity_after, beyond
        FROM generate_series(1, cardinality(event_item_id)) AS n
        LEFT JOIN (
          SELECT e.item_id, count(*) AS events, sum(e.quantity_change) AS quantity_change
          FROM item_event_store AS e
          WHERE e.ledger_id = ledger AND e.id > position_before AND e.id <= last_id
          GROUP BY e.item_id) AS e ON e.item_id = event_item_id[n];
        IF beyond THEN
          RAISE unique_violation;
        END IF;
      END IF;
    END IF;
    INSERT INTO requests (ledger_id, id, key, hash, actor, created_at, position, outcome)
    SELECT
      ledger, last_request_id + n, request_key[n], request_hash[n], request_actor[n], recorded_at,
      request_position[n] + moved, request_outcome[n]
    FROM generate_series(1, cardinality(request_key)) AS n;
  EXCEPTION WHEN unique_violation THEN
    -- The index finds a stored key for less than a look beforehand. The head is where it was.
    PERFORM set_config('ies.appending', '', true);
    RETURN;
  END;
  IF cardinality(event_item_id) > 0 THEN
    INSERT INTO item_event_store (
      ledger_id, id, item_id, quantity_change, reason, created_at, version, quantity_after, kind,
      occurred_at, actor, reference, note, corrects_event_id, request_id)
    SELECT
      ledger, last_id + n, event_item_id[n], event_quantity_change[n], event_reason[n], recorded_at,
      event_version[n], event_quantity_after[n], event_kind[n], event_occurred_at[n],
      event_actor[n], event_reference[n], event_note[n], event_corrects_event_id[n],
      event_request_id[n] + requests_moved
    FROM generate_series(1, cardinality(event_item_id)) AS n;
    -- As update_counts.sql does: by bisection.
    UPDATE item_inventory AS n SET
      quantity = event_quantity_after[count_event[width_bucket(n.item_id::bigint, count_item_id)]],
      version = event_version[count_event[width_bucket(n.item_id::bigint, count_item_id)]],
      last_event_id = last_id + count_event[width_bucket(n.item_id::bigint, count_item_id)],
      updated_at = recorded_at
    WHERE n.ledger_id = ledger AND n.item_id = ANY (count_item_id);
    GET DIAGNOSTICS counted = ROW_COUNT;
    IF counted < cardinality(count_item_id) THEN
      -- Somebody took a row away.
      INSERT INTO item_inventory (
        ledger_id, item_id, quantity, version, last_event_id, created_at, updated_at)
      SELECT
        ledger, i.id, event_quantity_after[c.event], event_version[c.event], last_id + c.event,
        i.created_at, recorded_at
      FROM items AS i, LATERAL (
        SELECT count_event[width_bucket(i.id::bigint, count_item_id)] AS event) AS c
      WHERE i.ledger_id = ledger AND i.id = ANY (count_item_id)
      ON CONFLICT DO NOTHING;
    END IF;
  END IF;
  PERFORM set_config('ies.appending', '', true);
  PERFORM set_config(
    'ies.written', writer || '/' || (last_request_id + cardinality(request_key)), false);
  written := true;
END $$;

-- As the owner only for those who are told to be the service, and on no table of theirs.
REVOKE EXECUTE ON FUNCTION ies_append_batch FROM PUBLIC;
DO $$
BEGIN
  EXECUTE format(
    'ALTER FUNCTION ies_append_batch SET search_path = %I, pg_temp', current_schema());
END $$;

-- Begins the turn of a writer that remembers the log up to a position. Locks the head, and tells what
-- it says; then of the event at that position, and of all after it, what each makes of its item's
-- count. What is read by a statement of its own is what was committed while the first one waited.
CREATE FUNCTION ies_take_turn(
  ledger TEXT, remembered BIGINT, OUT head ledgers, OUT id BIGINT[], OUT item_id INTEGER[],
  OUT version BIGINT[], OUT quantity_after INTEGER[], OUT created_at TIMESTAMPTZ[]
) LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  SELECT l.* INTO head FROM ledgers AS l WHERE l.ledger_id = ledger FOR UPDATE;
  SELECT array_agg(e.id), array_agg(e.item_id), array_agg(e.version), array_agg(e.quantity_after),
    array_agg(e.created_at)
  INTO id, item_id, version, quantity_after, created_at
  FROM (
    SELECT * FROM item_event_store AS e
    WHERE e.ledger_id = ledger AND e.id >= remembered ORDER BY e.id) AS e;
END $$;
