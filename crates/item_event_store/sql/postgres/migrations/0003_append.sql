-- A batch in one statement, which is a transaction of its own: what is sent, and waited for, once.

-- Writes a batch that was decided without the lock: its events, their counts and its requests, each
-- column as an array. Whether it did: not if the head is no longer the one that it was decided on, the
-- keys of its requests are stored, or a commit would not last here. Then nothing was written, and
-- whoever locks the head first finds out why. Never on Citus.
CREATE FUNCTION ies_append_batch(
  ledger TEXT, epoch_before TEXT, position_before BIGINT, items_revision_before BIGINT,
  counts_revision_before BIGINT, last_request_id_before BIGINT,
  position_after BIGINT, last_request_id_after BIGINT, last_created_at_after TIMESTAMPTZ,
  event_id BIGINT[], event_item_id BIGINT[], event_quantity_change BIGINT[], event_reason TEXT[],
  event_created_at TIMESTAMPTZ[], event_version BIGINT[], event_quantity_after BIGINT[],
  event_kind TEXT[], event_occurred_at TIMESTAMPTZ[], event_actor TEXT[], event_reference TEXT[],
  event_note TEXT[], event_corrects_event_id BIGINT[], event_request_id BIGINT[],
  count_item_id BIGINT[], count_quantity BIGINT[], count_version BIGINT[],
  count_last_event_id BIGINT[], count_updated_at TIMESTAMPTZ[],
  request_id BIGINT[], request_key TEXT[], request_hash BYTEA[], request_actor TEXT[],
  request_created_at TIMESTAMPTZ[], request_position BIGINT[], request_outcome TEXT[]
) RETURNS BOOLEAN LANGUAGE plpgsql
-- Nobody waits for a lock for long. Plans are made once, for tables that will be large. Rows are taken
-- from the arrays by their place: unnest would carry each array through a table of its own.
SET lock_timeout = '2s' SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  here TEXT;
  counted BIGINT;
BEGIN
  -- A session that could write once stays with its server, database and timeline.
  here := nullif(current_setting('ies.server', true), '');
  IF here IS NULL THEN
    here := set_config('ies.server', ies_server(), false);
  END IF;
  IF 'off' IN (current_setting('fsync'), current_setting('full_page_writes'),
      current_setting('synchronous_commit')) THEN
    RETURN false;
  END IF;
  BEGIN
    -- Locks the head too, if it is the one that the batch was decided on.
    UPDATE ledgers AS l SET writing_after = l.position, position = position_after,
      last_request_id = last_request_id_after, last_created_at = last_created_at_after
    WHERE l.ledger_id = ledger AND l.epoch = epoch_before AND l.position = position_before
      AND l.items_revision = items_revision_before AND l.counts_revision = counts_revision_before
      AND l.last_request_id = last_request_id_before AND l.server = here
      AND l.archived_at IS NULL;
    IF NOT FOUND THEN
      RETURN false;
    END IF;
    INSERT INTO requests (ledger_id, id, key, hash, actor, created_at, position, outcome)
    SELECT
      ledger, request_id[n], request_key[n], request_hash[n], request_actor[n],
      request_created_at[n], request_position[n], request_outcome[n]
    FROM generate_series(1, cardinality(request_id)) AS n;
  EXCEPTION WHEN unique_violation THEN
    -- The index finds a stored key for less than a look beforehand. The head is where it was.
    RETURN false;
  END;
  IF cardinality(event_id) > 0 THEN
    INSERT INTO item_event_store (
      ledger_id, id, item_id, quantity_change, reason, created_at, version, quantity_after, kind,
      occurred_at, actor, reference, note, corrects_event_id, request_id)
    SELECT
      ledger, event_id[n], event_item_id[n], event_quantity_change[n], event_reason[n],
      event_created_at[n], event_version[n], event_quantity_after[n], event_kind[n],
      event_occurred_at[n], event_actor[n], event_reference[n], event_note[n],
      event_corrects_event_id[n], event_request_id[n]
    FROM generate_series(1, cardinality(event_id)) AS n;
    -- As update_counts.sql does: by bisection.
    UPDATE item_inventory AS n SET
      quantity = count_quantity[width_bucket(n.item_id::bigint, count_item_id)],
      version = count_version[width_bucket(n.item_id::bigint, count_item_id)],
      last_event_id = count_last_event_id[width_bucket(n.item_id::bigint, count_item_id)],
      updated_at = count_updated_at[width_bucket(n.item_id::bigint, count_item_id)]
    WHERE n.ledger_id = ledger AND n.item_id = ANY (count_item_id);
    GET DIAGNOSTICS counted = ROW_COUNT;
    IF counted < cardinality(count_item_id) THEN
      -- Somebody took a row away.
      INSERT INTO item_inventory (
        ledger_id, item_id, quantity, version, last_event_id, created_at, updated_at)
      SELECT
        ledger, i.id, count_quantity[w.place], count_version[w.place],
        count_last_event_id[w.place], i.created_at, count_updated_at[w.place]
      FROM items AS i, LATERAL (SELECT width_bucket(i.id::bigint, count_item_id) AS place) AS w
      WHERE i.ledger_id = ledger AND i.id = ANY (count_item_id)
      ON CONFLICT DO NOTHING;
    END IF;
  END IF;
  UPDATE ledgers AS l SET writing_after = NULL WHERE l.ledger_id = ledger;
  RETURN true;
END $$;
