-- A batch in one statement, which is a transaction of its own: what is sent, and waited for, once.

-- Writes a batch that was decided without the lock: its events, their counts and its requests, each
-- column as an array. Positions and the numbers of requests go on where the head is.
--
-- That is where the batch was decided; or, with judged_item_id, behind what others have written since.
-- A batch may move like that as long as nothing was written of the items that it was judged by, which
-- are sorted. Then id
-- and the columns after it say of the event before the batch as it was decided, and of those since, what
-- each makes of its item's count.
--
-- Not written if the head is neither, the keys of its requests are stored, or a commit would not last
-- here. Whoever locks the head first finds out why. Never on Citus.
CREATE FUNCTION ies_append_batch(
  ledger TEXT, epoch_before TEXT, position_before BIGINT, items_revision_before BIGINT,
  counts_revision_before BIGINT, last_request_id_before BIGINT, last_created_at_before TIMESTAMPTZ,
  decided_at TIMESTAMPTZ, judged_item_id BIGINT[],
  event_item_id BIGINT[], event_quantity_change BIGINT[], event_reason TEXT[],
  event_version BIGINT[], event_quantity_after BIGINT[], event_kind TEXT[],
  event_occurred_at TIMESTAMPTZ[], event_actor TEXT[], event_reference TEXT[], event_note TEXT[],
  event_corrects_event_id BIGINT[], event_request_id BIGINT[],
  count_item_id BIGINT[], count_quantity BIGINT[], count_version BIGINT[],
  count_last_event_id BIGINT[],
  request_key TEXT[], request_hash BYTEA[], request_actor TEXT[], request_position BIGINT[],
  request_outcome TEXT[],
  OUT written BOOLEAN, OUT last_request_id BIGINT, OUT recorded_at TIMESTAMPTZ, OUT id BIGINT[],
  OUT item_id INTEGER[], OUT version BIGINT[], OUT quantity_after INTEGER[],
  OUT created_at TIMESTAMPTZ[]
) LANGUAGE plpgsql
-- Nobody waits for a lock for long. Plans are made once, for tables that will be large. Rows are taken
-- from the arrays by their place: unnest would carry each array through a table of its own.
SET lock_timeout = '2s' SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  here TEXT;
  last_id BIGINT;
  moved BIGINT;
  requests_moved BIGINT;
  judged BOOLEAN;
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
  BEGIN
    -- Locks the head too, if it is one that the batch can follow.
    UPDATE ledgers AS l SET
      writing_after = l.position, position = l.position + cardinality(event_item_id),
      last_request_id = l.last_request_id + cardinality(request_key),
      last_created_at = CASE WHEN cardinality(event_item_id) > 0
        THEN greatest(l.last_created_at, decided_at) ELSE l.last_created_at END
    WHERE l.ledger_id = ledger AND l.epoch = epoch_before AND l.server = here
      AND l.items_revision = items_revision_before AND l.counts_revision = counts_revision_before
      AND l.archived_at IS NULL
      AND ((l.position = position_before AND l.last_request_id = last_request_id_before)
        OR (judged_item_id IS NOT NULL AND l.position >= position_before
          AND l.last_request_id >= last_request_id_before))
    RETURNING l.writing_after, l.last_request_id - cardinality(request_key),
      greatest(l.last_created_at, decided_at)
    INTO last_id, last_request_id, recorded_at;
    IF NOT FOUND THEN
      RETURN;
    END IF;
    moved := last_id - position_before;
    requests_moved := last_request_id - last_request_id_before;
    IF moved > 0 THEN
      SELECT array_agg(e.id), array_agg(e.item_id), array_agg(e.version),
        array_agg(e.quantity_after), array_agg(e.created_at),
        -- By bisection.
        bool_or(judged_item_id[width_bucket(e.item_id::bigint, judged_item_id)] = e.item_id)
          FILTER (WHERE e.id > position_before)
      INTO id, item_id, version, quantity_after, created_at, judged
      FROM (
        SELECT * FROM item_event_store AS e
        WHERE e.ledger_id = ledger AND e.id >= position_before AND e.id <= last_id
        ORDER BY e.id) AS e;
      IF judged OR (id[1], created_at[1]) IS DISTINCT FROM (position_before, last_created_at_before)
      THEN
        RAISE unique_violation;
      END IF;
    END IF;
    INSERT INTO requests (ledger_id, id, key, hash, actor, created_at, position, outcome)
    SELECT
      ledger, last_request_id + n, request_key[n], request_hash[n], request_actor[n], recorded_at,
      request_position[n] + moved, request_outcome[n]
    FROM generate_series(1, cardinality(request_key)) AS n;
  EXCEPTION WHEN unique_violation THEN
    -- The index finds a stored key for less than a look beforehand. The head is where it was.
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
      quantity = count_quantity[width_bucket(n.item_id::bigint, count_item_id)],
      version = count_version[width_bucket(n.item_id::bigint, count_item_id)],
      last_event_id = count_last_event_id[width_bucket(n.item_id::bigint, count_item_id)] + moved,
      updated_at = recorded_at
    WHERE n.ledger_id = ledger AND n.item_id = ANY (count_item_id);
    GET DIAGNOSTICS counted = ROW_COUNT;
    IF counted < cardinality(count_item_id) THEN
      -- Somebody took a row away.
      INSERT INTO item_inventory (
        ledger_id, item_id, quantity, version, last_event_id, created_at, updated_at)
      SELECT
        ledger, i.id, count_quantity[w.place], count_version[w.place],
        count_last_event_id[w.place] + moved, i.created_at, recorded_at
      FROM items AS i, LATERAL (SELECT width_bucket(i.id::bigint, count_item_id) AS place) AS w
      WHERE i.ledger_id = ledger AND i.id = ANY (count_item_id)
      ON CONFLICT DO NOTHING;
    END IF;
  END IF;
  UPDATE ledgers AS l SET writing_after = NULL WHERE l.ledger_id = ledger;
  written := true;
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
