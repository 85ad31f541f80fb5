-- ?1, ?2: ids after the first, up to the second. ?3: name or NULL. ?4: archived, 0, 1 or NULL.
-- ?5: how many. ?6: the position.
SELECT i.id, i.name, i.sku, i.unit, i.allow_negative,
  i.archived_at, i.created_at, i.updated_at, i.revision,
  coalesce(e.quantity_after, 0), coalesce(e.version, 0), e.id, i.created_at,
  coalesce(e.created_at, i.created_at)
FROM items AS i LEFT JOIN item_event_store AS e ON e.id = (
  SELECT l.id FROM item_event_store AS l
  WHERE l.item_id = i.id AND l.id <= ?6 ORDER BY l.id DESC LIMIT 1)
WHERE i.id > ?1 AND i.id <= ?2 AND (?3 IS NULL OR i.name = ?3)
  AND (?4 IS NULL OR (i.archived_at IS NOT NULL) = ?4)
ORDER BY i.id LIMIT ?5
