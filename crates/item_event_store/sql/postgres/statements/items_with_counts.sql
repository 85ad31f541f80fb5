-- $1: the ledger. Every item with its stored count and its last event's word on it. That one is looked
-- for from the stored last_event_id on, then anywhere: both find the same, but a scan reads all of an
-- index page that it may need.
SELECT i.id, i.name, i.sku, i.unit, i.allow_negative,
  i.archived_at, i.created_at, i.updated_at, i.revision,
  n.quantity, n.version, n.last_event_id, n.created_at, n.updated_at,
  e.quantity_after, e.version, e.id, e.created_at
FROM items AS i
LEFT JOIN item_inventory AS n ON n.ledger_id = i.ledger_id AND n.item_id = i.id
LEFT JOIN LATERAL (
  (SELECT l.id, l.quantity_after, l.version, l.created_at FROM item_event_store AS l
    WHERE l.ledger_id = $1 AND l.item_id = i.id AND l.id >= n.last_event_id
    ORDER BY l.id DESC LIMIT 1)
  UNION ALL
  (SELECT l.id, l.quantity_after, l.version, l.created_at FROM item_event_store AS l
    WHERE l.ledger_id = $1 AND l.item_id = i.id ORDER BY l.id DESC LIMIT 1)
  LIMIT 1) AS e ON true
WHERE i.ledger_id = $1
ORDER BY i.id
