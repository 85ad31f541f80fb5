-- No parameters. Every item with its stored count and its last event's word on it.
SELECT i.id, i.name, i.sku, i.unit, i.allow_negative,
  i.archived_at, i.created_at, i.updated_at, i.revision,
  n.quantity, n.version, n.last_event_id, n.created_at, n.updated_at,
  e.quantity_after, e.version, e.id, e.created_at
FROM items AS i
LEFT JOIN item_inventory AS n ON n.item_id = i.id
LEFT JOIN item_event_store AS e ON e.id = (
  SELECT l.id FROM item_event_store AS l WHERE l.item_id = i.id ORDER BY l.id DESC LIMIT 1)
ORDER BY i.id
