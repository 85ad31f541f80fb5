-- $1: the ledger. $2: the item. The head's position; before it the item and its count, if there is
-- one. In one statement, so that all was true at one moment.
SELECT i.id, i.name, i.sku, i.unit, i.allow_negative,
  i.archived_at, i.created_at, i.updated_at, i.revision,
  n.quantity, n.version, n.last_event_id, n.created_at, n.updated_at, l.position
FROM ledgers AS l
LEFT JOIN items AS i ON i.ledger_id = l.ledger_id AND i.id = $2::bigint
LEFT JOIN item_inventory AS n ON n.ledger_id = i.ledger_id AND n.item_id = i.id
WHERE l.ledger_id = $1
