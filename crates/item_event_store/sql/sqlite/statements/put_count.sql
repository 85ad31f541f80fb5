-- The columns, in this order. A row that is there is replaced, but for its created_at.
INSERT INTO item_inventory (item_id, quantity, version, last_event_id, created_at, updated_at)
VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (item_id) DO UPDATE SET
  quantity = excluded.quantity, version = excluded.version,
  last_event_id = excluded.last_event_id, updated_at = excluded.updated_at
