-- $1: the ledger. $2, $3: positions after the first, up to the second. $4, $5, $6: reason, kind,
-- actor, or NULL. $7: how many. $8: the item.
SELECT id, item_id, quantity_change, reason, created_at, version, quantity_after, kind, occurred_at,
  actor, reference, note, corrects_event_id, request_id
FROM item_event_store
WHERE ledger_id = $1 AND item_id = $8::bigint AND id > $2 AND id <= $3
  AND ($4::text IS NULL OR reason = $4) AND ($5::text IS NULL OR kind = $5)
  AND ($6::text IS NULL OR actor = $6)
ORDER BY id ASC LIMIT $7
