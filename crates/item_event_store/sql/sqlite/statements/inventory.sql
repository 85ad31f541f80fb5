-- ?1: the item. The head's position; before it the item and its count, if there is one. In one
-- statement, so that all was true at one moment.
SELECT i.id, i.name, i.sku, i.unit, i.allow_negative,
  i.archived_at, i.created_at, i.updated_at, i.revision,
  n.quantity, n.version, n.last_event_id, n.created_at, n.updated_at, l.position
FROM ledgers AS l
LEFT JOIN items AS i ON i.id = ?1
LEFT JOIN item_inventory AS n ON n.item_id = i.id
WHERE l.id = 1
