-- No parameters. Counts of items that do not exist.
SELECT n.item_id, n.quantity, n.version, n.last_event_id, n.created_at, n.updated_at
FROM item_inventory AS n
WHERE NOT EXISTS (SELECT 1 FROM items WHERE id = n.item_id)
ORDER BY n.item_id
