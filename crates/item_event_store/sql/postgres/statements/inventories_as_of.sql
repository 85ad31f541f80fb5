-- $1: the ledger. $2, $3: ids after the first, up to the second. $4: name or NULL. $5: archived or
-- NULL. $6: how many. $7: the position.
SELECT i.id, i.name, i.sku, i.unit, i.allow_negative,
  i.archived_at, i.created_at, i.updated_at, i.revision,
  coalesce(e.quantity_after, 0), coalesce(e.version, 0), e.id, i.created_at,
  coalesce(e.created_at, i.created_at)
FROM items AS i LEFT JOIN LATERAL (
  SELECT l.id, l.quantity_after, l.version, l.created_at FROM item_event_store AS l
  WHERE l.ledger_id = $1 AND l.item_id = i.id AND l.id <= $7
  ORDER BY l.id DESC LIMIT 1) AS e ON true
WHERE i.ledger_id = $1 AND i.id > $2::bigint AND i.id <= $3::bigint
  AND ($4::text IS NULL OR i.name = $4)
  AND ($5::boolean IS NULL OR (i.archived_at IS NOT NULL) = $5)
ORDER BY i.id LIMIT $6
