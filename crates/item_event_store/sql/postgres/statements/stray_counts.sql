-- $1: the ledger. Counts of items that do not exist.
SELECT n.item_id, n.quantity, n.version, n.last_event_id, n.created_at, n.updated_at
FROM item_inventory AS n
WHERE n.ledger_id = $1 AND NOT EXISTS (
  SELECT FROM items AS i WHERE i.ledger_id = n.ledger_id AND i.id = n.item_id)
ORDER BY n.item_id
