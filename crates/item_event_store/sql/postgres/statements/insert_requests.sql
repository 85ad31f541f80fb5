-- $1: the ledger. Then each column as an array, in this order.
INSERT INTO requests (ledger_id, id, key, hash, actor, created_at, position, outcome)
SELECT $1, r.* FROM unnest(
  $2::bigint[], $3::text[], $4::bytea[], $5::text[], $6::timestamptz[], $7::bigint[],
  $8::text[]) AS r
