-- No parameters.
INSERT INTO item_inventory (item_id, quantity, version, last_event_id, created_at, updated_at)
SELECT item_id, quantity, version, last_event_id, created_at, updated_at
FROM temp.staged_counts WHERE true ORDER BY item_id
ON CONFLICT (item_id) DO UPDATE SET
  quantity = excluded.quantity, version = excluded.version,
  last_event_id = excluded.last_event_id, updated_at = excluded.updated_at
