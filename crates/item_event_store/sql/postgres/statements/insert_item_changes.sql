-- $1: the ledger. Then each column as an array, in this order.
INSERT INTO item_changes (
  ledger_id, revision, item_id, action, actor, position,
  name, sku, unit, allow_negative, archived_at, created_at, updated_at)
SELECT $1, c.* FROM unnest(
  $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::text[],
  $9::text[], $10::boolean[], $11::timestamptz[], $12::timestamptz[], $13::timestamptz[]) AS c
