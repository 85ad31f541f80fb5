-- $1: the ledger. $2: the positions.
SELECT id, item_id, quantity_change, reason, created_at, version, quantity_after, kind, occurred_at,
  actor, reference, note, corrects_event_id, request_id
FROM item_event_store WHERE ledger_id = $1 AND id = ANY ($2::bigint[]) ORDER BY id
