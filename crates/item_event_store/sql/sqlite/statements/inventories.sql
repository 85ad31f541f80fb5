-- ?1, ?2: ids after the first, up to the second. ?3: name or NULL. ?4: archived, 0, 1 or NULL.
-- ?5: how many.
SELECT i.id, i.name, i.sku, i.unit, i.allow_negative,
  i.archived_at, i.created_at, i.updated_at, i.revision,
  n.quantity, n.version, n.last_event_id, n.created_at, n.updated_at
FROM items AS i LEFT JOIN item_inventory AS n ON n.item_id = i.id
WHERE i.id > ?1 AND i.id <= ?2 AND (?3 IS NULL OR i.name = ?3)
  AND (?4 IS NULL OR (i.archived_at IS NOT NULL) = ?4)
ORDER BY i.id LIMIT ?5
