-- $1: a ledger whose log has grown. $2: the open store that says so. A hint needs no disk.
SELECT set_config('synchronous_commit', 'off', true),
  pg_notify('item_event_store', $1::text || ' ' || $2::text)
