-- $1: the ledger. Then each column as an array, in this order.
INSERT INTO item_inventory (
  ledger_id, item_id, quantity, version, last_event_id, updated_at, created_at)
SELECT $1, c.* FROM unnest(
  $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::timestamptz[],
  $7::timestamptz[]) AS c
ON CONFLICT (ledger_id, item_id) DO UPDATE SET
  quantity = excluded.quantity, version = excluded.version,
  last_event_id = excluded.last_event_id, updated_at = excluded.updated_at
