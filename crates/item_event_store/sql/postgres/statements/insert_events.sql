-- $1: the ledger. Then each column as an array, in this order.
INSERT INTO item_event_store (
  ledger_id, id, item_id, quantity_change, reason, created_at, version, quantity_after, kind,
  occurred_at, actor, reference, note, corrects_event_id, request_id)
SELECT $1, e.* FROM unnest(
  $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::timestamptz[], $7::bigint[],
  $8::bigint[], $9::text[], $10::timestamptz[], $11::text[], $12::text[], $13::text[],
  $14::bigint[], $15::bigint[]) AS e
