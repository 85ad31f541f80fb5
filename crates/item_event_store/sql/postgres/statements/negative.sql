-- $1: the ledger. $2: how many.
SELECT i.id, i.name, i.sku, i.unit, i.allow_negative,
  i.archived_at, i.created_at, i.updated_at, i.revision,
  n.quantity, n.version, n.last_event_id, n.created_at, n.updated_at
FROM item_inventory AS n JOIN items AS i ON i.ledger_id = n.ledger_id AND i.id = n.item_id
WHERE n.ledger_id = $1 AND n.quantity < 0 ORDER BY i.id LIMIT $2
