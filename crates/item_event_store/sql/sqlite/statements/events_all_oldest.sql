-- ?1, ?2: positions after the first, up to the second. ?3, ?4, ?5: reason, kind, actor, or NULL.
-- ?6: how many, negative for all.
SELECT id, item_id, quantity_change, reason, created_at, version, quantity_after, kind, occurred_at,
  actor, reference, note, corrects_event_id, request_id
FROM item_event_store
WHERE id > ?1 AND id <= ?2
  AND (?3 IS NULL OR reason = ?3) AND (?4 IS NULL OR kind = ?4) AND (?5 IS NULL OR actor = ?5)
ORDER BY id ASC LIMIT ?6
