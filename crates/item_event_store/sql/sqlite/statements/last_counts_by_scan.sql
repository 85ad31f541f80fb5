-- No parameters. Every item's last event. Reads the whole log: for when item_inventory is wrong.
SELECT e.item_id, e.quantity_after, e.version, e.id, e.created_at
FROM item_event_store AS e
JOIN (SELECT max(id) AS id FROM item_event_store GROUP BY item_id) AS l ON l.id = e.id
