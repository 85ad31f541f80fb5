-- $1: the ledger. Then each column as an array, in this order.
INSERT INTO item_daily_summary AS s (
  ledger_id, day, item_id, reason, kind, events, quantity_change)
SELECT $1, n.* FROM unnest(
  $2::date[], $3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::bigint[]) AS n
ON CONFLICT (ledger_id, day, item_id, reason, kind) DO UPDATE SET
  events = s.events + excluded.events, quantity_change = s.quantity_change + excluded.quantity_change
