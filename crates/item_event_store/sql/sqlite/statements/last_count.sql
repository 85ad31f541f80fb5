-- ?1: the item. Its latest count or override; the condition is that of the index.
SELECT id, item_id, quantity_change, reason, created_at, version, quantity_after, kind, occurred_at,
  actor, reference, note, corrects_event_id, request_id
FROM item_event_store
WHERE item_id = ?1 AND (kind = 'count' OR kind = 'override')
ORDER BY id DESC LIMIT 1
