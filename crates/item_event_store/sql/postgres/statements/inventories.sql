-- $1: the ledger. $2, $3: ids after the first, up to the second. $4: name or NULL. $5: archived or
-- NULL. $6: how many.
SELECT i.id, i.name, i.sku, i.unit, i.allow_negative,
  i.archived_at, i.created_at, i.updated_at, i.revision,
  n.quantity, n.version, n.last_event_id, n.created_at, n.updated_at
FROM items AS i LEFT JOIN item_inventory AS n ON n.ledger_id = i.ledger_id AND n.item_id = i.id
WHERE i.ledger_id = $1 AND i.id > $2::bigint AND i.id <= $3::bigint
  AND ($4::text IS NULL OR i.name = $4)
  AND ($5::boolean IS NULL OR (i.archived_at IS NOT NULL) = $5)
ORDER BY i.id LIMIT $6
