-- No parameters. Every item with its stored count, and the word of the event that it names.
SELECT i.id, i.name, i.sku, i.unit, i.allow_negative,
  i.archived_at, i.created_at, i.updated_at, i.revision,
  n.quantity, n.version, n.last_event_id, n.created_at, n.updated_at,
  e.quantity_after, e.version, e.id, e.created_at
FROM items AS i
LEFT JOIN item_inventory AS n ON n.item_id = i.id
LEFT JOIN item_event_store AS e ON e.id = n.last_event_id AND e.item_id = i.id
ORDER BY i.id
