-- $1: the ledger. $2, $3: positions from the first up to the second.
SELECT id, item_id, quantity_change, reason, created_at, version, quantity_after, kind, occurred_at,
  actor, reference, note, corrects_event_id, request_id
FROM item_event_store WHERE ledger_id = $1 AND id >= $2 AND id <= $3 ORDER BY id
